"""JPEGs whose compressed data are damaged at drawn places, closed so that no decoder complains."""

import io
import re
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from smear.decode import ImageRejected, decode
from tests.smear.conftest import draw_field

OPTIONS: dict[str, dict[str, object]] = {
    "baseline": {},
    "own tables": {"optimize": True},
    "restart markers": {"restart_marker_rows": 1},
    "progressive": {"progressive": True},
}
PHOTOGRAPH = draw_field(640, 480)


def saved(image: Image.Image = PHOTOGRAPH, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=92, **options)
    return buffer.getvalue()


def is_taken(data: bytes) -> bool:
    try:
        decode(io.BytesIO(data))
    except ImageRejected:
        return False
    return True


def cut(data: bytes, place: int) -> bytes:
    return data[:place] + b"\xff\xd9"


def zeroed(data: bytes, place: int) -> bytes:
    return data[:place] + bytes(64) + data[place + 64 :]


def missing(data: bytes, place: int) -> bytes:
    return data[:place] + data[place + 64 :]


def twice(data: bytes, place: int) -> bytes:
    return data[: place + 64] + data[place:]


@pytest.mark.parametrize(
    ("name", "damage", "least"),
    [
        ("baseline", cut, 1.0),
        ("own tables", cut, 1.0),
        ("restart markers", cut, 1.0),
        ("baseline", zeroed, 1.0),
        ("own tables", zeroed, 1.0),
        ("restart markers", zeroed, 1.0),
        ("baseline", missing, 0.75),
        ("own tables", missing, 0.75),
        ("baseline", twice, 0.75),
    ],
)
def test_damage_at_drawn_places_is_refused(
    name: str, damage: Callable[[bytes, int], bytes], least: float
) -> None:
    data = saved(**OPTIONS[name])
    assert is_taken(data)
    start = data.index(b"\xff\xda") + 14
    places = np.random.default_rng(0).integers(start, len(data) - 80, 20)
    assert np.mean([not is_taken(damage(data, int(place))) for place in places]) >= least


def test_a_progressive_jpeg_of_which_scans_are_missing_is_refused() -> None:
    data = saved(progressive=True)
    scans = [one.start() for one in re.finditer(rb"\xff\xda", data)]
    for place in scans[1:]:
        with pytest.raises(ImageRejected) as caught:
            decode(io.BytesIO(data[:place] + b"\xff\xd9"))
        assert caught.value.code == "damaged"


@pytest.mark.parametrize("name", OPTIONS)
def test_flat_areas_are_no_damage(name: str) -> None:
    image = Image.new("RGB", (1200, 900), "white")
    image.paste((110, 60, 150), (500, 400, 560, 460))
    assert is_taken(saved(image, **OPTIONS[name]))
    assert is_taken(saved(image, subsampling=0, **OPTIONS[name]))


@pytest.mark.parametrize("body", [b"", b"\x01", b"\x03\x01\x00", b"\xff" * 12])
def test_a_scan_header_that_makes_no_sense_is_damage(body: bytes) -> None:
    for options in OPTIONS.values():
        data = saved(**options)
        place = data.index(b"\xff\xda")
        end = place + 2 + int.from_bytes(data[place + 2 : place + 4], "big")
        wrong = data[: place + 2] + (len(body) + 2).to_bytes(2, "big") + body + data[end:]
        with pytest.raises(ImageRejected) as caught:
            decode(io.BytesIO(wrong))
        assert caught.value.code == "damaged"
