"""JPEGs whose compressed data are damaged at drawn places, closed so that no decoder complains."""

import io
import os
import re
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
import pyvips
from PIL import Image

from smear.decode import ImageRejected, decode
from smear.jpeg import bare, frame
from smear.jpeg_damage import check
from tests.smear.fields import Options, draw_field

OPTIONS: dict[str, Options] = {
    "baseline": {},
    "own tables": {"optimize": True},
    "restart markers": {"restart_marker_rows": 1},
    "progressive": {"progressive": True},
}
PHOTOGRAPH = draw_field(640, 480)


def saved(image: Image.Image = PHOTOGRAPH, /, **options: object) -> bytes:
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


def random(data: bytes, place: int) -> bytes:
    return data[:place] + np.random.default_rng(place).bytes(64) + data[place + 64 :]


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
        ("restart markers", missing, 0.75),
        ("baseline", twice, 0.75),
        ("own tables", twice, 0.75),
        ("restart markers", twice, 0.75),
        ("baseline", random, 0.5),
        ("own tables", random, 0.5),
        ("restart markers", random, 0.5),
        ("progressive", cut, 1.0),
        ("progressive", twice, 1.0),
        ("progressive", random, 0.5),
        # Of a drawn field, which is smooth, a progressive scan says less than of a photograph.
        ("progressive", zeroed, 0.2),
        ("progressive", missing, 0.2),
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


@pytest.mark.parametrize("name", ["restart markers", "progressive"])
def test_what_libjpeg_warns_of_without_damage_is_none(name: str) -> None:
    """A strange JFIF revision; in a sequential scan, the three bytes that mean something in a progressive one only."""
    data = saved(**OPTIONS[name])
    revision = data.index(b"JFIF\0") + 5
    assert is_taken(data[:revision] + b"\x03" + data[revision + 1 :])
    if name != "progressive":
        start = data.index(b"\xff\xda") + 2
        end = start + int.from_bytes(data[start : start + 2], "big")
        assert is_taken(data[: end - 3] + bytes(3) + data[end:])


def test_a_lack_of_memory_is_no_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(image: object) -> None:
        raise pyvips.Error("unable to fetch from region", "VipsJpeg: Insufficient memory (case 4)")

    monkeypatch.setattr(pyvips.Region, "new", refuse)
    data = bare(saved(progressive=True))
    with pytest.raises(MemoryError):
        check(data, frame(data))


def test_no_thread_is_started() -> None:
    """A child of the server that decodes has the memory of one stack."""
    data = bare(saved(progressive=True))
    before = len(os.listdir("/proc/self/task"))
    check(data, frame(data))
    assert len(os.listdir("/proc/self/task")) == before


def test_who_only_imports_the_decoder_does_not_load_libvips() -> None:
    asked = "import sys, smear.decode; print('pyvips' in sys.modules)"
    printed = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert printed.stdout.strip() == "False"
