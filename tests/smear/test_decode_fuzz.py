"""Any bytes end in an image or an `ImageRejected`, never in another error."""

import io
from collections.abc import Callable
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from smear.decode import DecodedImage, ImageRejected, decode
from tests.smear.fields import FieldMaker, FileMaker, Options, stored_file

STARTS = (
    b"\xff\xd8\xff",
    b"\x89PNG\r\n\x1a\n",
    b"II*\0",
    b"MM\0*",
    b"RIFF\0\0\0\0WEBPVP8X",
    b"BM",
    b"<svg",
    b"",
)
FORMATS: dict[str, Options] = {
    "JPEG": {},
    "PNG": {},
    "TIFF": {},
    "TIFF-lzw": {"compression": "tiff_lzw"},
    "WEBP": {"lossless": True},
    "BMP": {},
    "MPO": {},
}
QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def outcome(data: bytes) -> DecodedImage | None:
    """Return what `decode` made of the bytes, None where it refused them; another error fails."""
    try:
        result = decode(io.BytesIO(data), filename="field.jpg")
    except ImageRejected:
        return None
    assert result.image.mode == "RGB"
    with Image.open(io.BytesIO(stored_file(result)[0])) as stored:
        assert stored.size == (result.width, result.height)
    return result


@pytest.fixture(scope="session")
def valid_files(smear_field: FieldMaker, as_file: FileMaker) -> Callable[[str], bytes]:
    """Return a function: name in `FORMATS` -> bytes of a valid photograph."""

    @cache
    def make(name: str) -> bytes:
        more: Options = {"save_all": True, "append_images": [smear_field(seed=2)]} if name == "MPO" else {}
        return as_file(smear_field(80, 70), name.partition("-")[0], **FORMATS[name], **more)

    return make


@given(start=st.sampled_from(STARTS), rest=st.binary(max_size=600))
@QUICK
def test_arbitrary_bytes(start: bytes, rest: bytes) -> None:
    outcome(start + rest)


@given(
    format=st.sampled_from(sorted(FORMATS)),
    changes=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=12),
    head_only=st.booleans(),
    keep=st.one_of(st.none(), st.floats(0, 1)),
)
@QUICK
def test_damaged_photographs(
    valid_files: Callable[[str], bytes],
    format: str,
    changes: list[tuple[float, int]],
    head_only: bool,
    keep: float | None,
) -> None:
    data = bytearray(valid_files(format))
    reach = min(len(data), 400) if head_only else len(data)
    for place, value in changes:
        data[min(int(place * reach), len(data) - 1)] = value
    outcome(bytes(data) if keep is None else bytes(data[: int(keep * len(data))]))


@given(profile=st.binary(max_size=300), exif=st.binary(max_size=300))
@QUICK
def test_arbitrary_metadata_never_costs_the_photograph(
    smear_field: FieldMaker, as_file: FileMaker, profile: bytes, exif: bytes
) -> None:
    data = as_file(smear_field(80, 80), "JPEG", icc_profile=profile, exif=b"Exif\0\0" + exif)
    assert isinstance(outcome(data), DecodedImage)
