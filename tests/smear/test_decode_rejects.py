"""What `smear.decode` refuses: the code, the HTTP status, and that the words say what to do."""

import io
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image, ImageFile, PngImagePlugin

from smear.decode import ImageRejected, Limits, decode
from tests.smear.fields import FieldMaker, FileMaker
from tests.smear.shown import said, status

JUNK = bytes(range(256)) * 4


def refusal(data: bytes, filename: str = "", **limits: int) -> ImageRejected:
    with pytest.raises(ImageRejected) as caught:
        decode(io.BytesIO(data), filename=filename, limits=Limits(**limits))
    return caught.value


def png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png_with_header(width: int, height: int, depth: int = 8, colour: int = 2) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + png_chunk(b"IDAT", pixels)
        + png_chunk(b"IEND", b"")
    )


def tiff_with_tags(*tags: tuple[int, int]) -> bytes:
    """Return a little-endian TIFF of LONG tags and no pixels worth having."""
    body = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(tags))
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + body + bytes(4) + bytes(64)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "an SVG drawing"),
        ("<svg/>".encode("utf-16"), "an SVG drawing"),
        (b"<!DOCTYPE html><html></html>", "a web page"),
        (b"<a/>", "an XML document"),
        (b"%PDF-1.7" + JUNK, "a PDF document"),
        (b"\0\0\0\x18ftypheic\0\0\0\0" + JUNK, "a HEIC image"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic" + JUNK, "a HEIC image"),
        (b"\0\0\0\x18ftypmsf1\0\0\0\0msf1hevc" + JUNK, "a HEIC image"),
        (b"\0\0\0\x18ftypavif\0\0\0\0" + JUNK, "an AVIF image"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1miafavif" + JUNK, "an AVIF image"),
        (b"\0\0\0\x18ftypcrx \0\0\0\x01crx isom" + JUNK, "a camera raw file (CR3)"),
        (b"\0\0\0\x14ftypqt  \0\0\0\0qt  " + JUNK, "a video"),
        (b"\0\0\0\0ftypheic", "a HEIC image"),
        (b"\0\0\0\x18ftypisom\0\0\0\0" + JUNK, "a video"),
        (bytes(128) + b"DICM" + JUNK, "a DICOM file"),
        (b"GIF89a" + JUNK, "a GIF image"),
        (b"II*\0\x10\0\0\0CR\x02\0" + JUNK, "a camera raw file"),
        (b"PK\x03\x04" + JUNK, "a ZIP archive"),
        (b"just some words", "not an image"),
        (JUNK, "not an image"),
    ],
)
def test_other_types_are_named(data: bytes, says: str) -> None:
    error = refusal(data, "field.jpg")
    assert (error.code, status(error)) == ("unsupported_type", 415)
    assert said(error.message).startswith(f"This is {says}")
    assert "upload" in said(error.message).lower() or "export" in said(error.message).lower()


def test_a_phones_heic_is_told_how_to_become_a_jpeg() -> None:
    message = said(refusal(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + JUNK, "IMG_0815.HEIC").message)
    assert all(way in message for way in ("JPEG", "iPhone", "Mac", "Android"))


def test_an_empty_file() -> None:
    error = refusal(b"")
    assert (error.code, status(error)) == ("empty_file", 422)
    assert "empty" in said(error.message)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF", "WEBP", "BMP"])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.9])
def test_a_truncated_file_is_never_filled_up(
    format: str, share: float, smear_field: FieldMaker, as_file: FileMaker
) -> None:
    data = as_file(smear_field(), format)
    error = refusal(data[: int(len(data) * share)])
    assert (error.code, status(error)) == ("damaged", 422)
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False


def test_too_many_bytes_are_refused_without_reading_them() -> None:
    class Endless(io.BytesIO):
        """A file of 300 MB that notices when it is read."""

        def seekable(self) -> bool:
            return True

        def seek(self, offset: int, whence: int = 0, /) -> int:
            return 300_000_000 if whence == 2 else offset

        def read(self, size: int | None = -1, /) -> bytes:
            raise AssertionError("read although too large")

    with pytest.raises(ImageRejected) as caught:
        decode(Endless())
    assert (caught.value.code, status(caught.value)) == ("file_too_large", 413)
    assert "50 MB" in said(caught.value.message)


def test_a_stream_of_unknown_length_is_read_to_the_limit_only(
    smear_field: FieldMaker, as_file: FileMaker
) -> None:
    class Stream(io.BytesIO):
        def seekable(self) -> bool:
            return False

    data = as_file(smear_field(), "PNG")
    assert decode(Stream(data)).image.size == (160, 120)
    with pytest.raises(ImageRejected) as caught:
        decode(Stream(data), limits=Limits(max_bytes=len(data) - 1))
    assert status(caught.value) == 413


def webp_canvas(width: int, height: int) -> bytes:
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"RIFF" + struct.pack("<I", 26) + b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + size


@pytest.mark.parametrize(
    "bomb",
    [
        png_with_header(50_000, 50_000),
        png_with_header(12_000, 12_000),
        png_with_header(100, 30_000),
        webp_canvas(16_000, 16_000),
        webp_canvas(12_000, 12_000),
        b"RIFF\x1e\0\0\0WEBPVP8L\x12\0\0\0\x2f" + struct.pack("<I", 16_382 | 16_382 << 14) + bytes(16),
        tiff_with_tags(
            (256, 40_000), (257, 40_000), (258, 8), (262, 2), (273, 200), (277, 3), (278, 40_000), (279, 9)
        ),
        b"BM" + struct.pack("<IIIIiiHHIIiiII", 0, 0, 54, 40, 60_000, 60_000, 1, 24, 0, 0, 0, 0, 0, 0),
    ],
    ids=["png", "png-over-pixels", "png-over-edge", "webp-x", "webp-x-over-pixels", "webp-l", "tiff", "bmp"],
)
def test_a_picture_that_claims_too_many_pixels_never_reaches_the_decoder(bomb: bytes) -> None:
    tracemalloc.start()
    try:
        error = refusal(bomb)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (error.code, status(error)) == ("too_many_pixels", 422)
    assert "100 megapixels" in said(error.message)
    assert peak < 5_000_000


def test_a_tiff_with_a_huge_tile() -> None:
    tile = (
        (256, 100),
        (257, 100),
        (258, 8),
        (262, 2),
        (277, 3),
        (322, 1 << 20),
        (323, 1 << 12),
        (324, 200),
        (325, 9),
    )
    assert refusal(tiff_with_tags(*tile)).code == "too_many_pixels"


@pytest.mark.parametrize(("chunk", "told"), [(b"zTXt", []), (b"iCCP", ["profile_unreadable"])])
def test_a_png_whose_text_or_profile_unpacks_to_a_giant_is_taken_without_it(
    chunk: bytes, told: list[str], smear_field: FieldMaker, as_file: FileMaker
) -> None:
    plain = as_file(smear_field(), "PNG")
    giant = png_chunk(chunk, b"name\0\0" + zlib.compress(bytes(200_000_000), 9))
    tracemalloc.start()
    try:
        taken = decode(io.BytesIO(plain[:33] + giant + plain[33:]))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert [notice.code for notice in taken.notices] == told
    assert taken.image.tobytes() == smear_field().tobytes()
    assert peak < 20_000_000


def test_a_jpeg_that_asks_for_thousands_of_passes(smear_field: FieldMaker, as_file: FileMaker) -> None:
    data = as_file(smear_field(), "JPEG", progressive=True)
    last_scan = data.rindex(b"\xff\xda")
    again = data[last_scan:-2]
    assert refusal(data[:-2] + again * 2000 + b"\xff\xd9").code == "damaged"


def test_too_few_pixels(smear_field: FieldMaker, as_file: FileMaker) -> None:
    error = refusal(as_file(smear_field(63, 300), "PNG"))
    assert (error.code, status(error)) == ("too_small", 422)
    assert "63 x 300" in said(error.message)
    decode(io.BytesIO(as_file(smear_field(64, 64), "PNG")))


@pytest.mark.parametrize("format", ["PNG", "WEBP", "TIFF"])
def test_animations_and_several_pages(format: str, smear_field: FieldMaker, as_file: FileMaker) -> None:
    more = [smear_field(seed=2), smear_field(seed=3)]
    error = refusal(as_file(smear_field(), format, save_all=True, append_images=more))
    assert (error.code, status(error)) == ("several_pictures", 422)


def test_an_animated_gif_is_named(smear_field: FieldMaker, as_file: FileMaker) -> None:
    data = as_file(smear_field(), "GIF", save_all=True, append_images=[smear_field(seed=2)])
    assert refusal(data).code == "unsupported_type"


@pytest.mark.parametrize("format", ["JPEG", "TIFF"])
def test_cmyk(format: str, smear_field: FieldMaker, as_file: FileMaker) -> None:
    error = refusal(as_file(smear_field().convert("CMYK"), format))
    assert (error.code, status(error)) == ("colour_space", 422)
    assert "8-bit RGB" in said(error.message)


def tiff_rgb16() -> bytes:
    """Return an uncompressed 80 x 80 TIFF with three 16-bit samples a pixel, which Pillow cannot write."""
    short, long = 3, 4
    offset_of_bits, offset_of_pixels, size = 180, 200, 80 * 80 * 6
    tags = [(256, long, 1, 80), (257, long, 1, 80), (258, short, 3, offset_of_bits), (259, short, 1, 1)]
    tags += [(262, short, 1, 2), (273, long, 1, offset_of_pixels), (277, short, 1, 3), (278, long, 1, 80)]
    tags += [(279, long, 1, size)]
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    head = b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4)
    bits = struct.pack("<HHH", 16, 16, 16)
    return (head.ljust(offset_of_bits, b"\0") + bits).ljust(offset_of_pixels, b"\0") + bytes(size)


def deep_pictures() -> dict[str, bytes]:
    def save(image: Image.Image, format: str) -> bytes:
        buffer = io.BytesIO()
        image.save(buffer, format)
        return buffer.getvalue()

    grey16 = Image.fromarray(np.arange(6400, dtype=np.uint16).reshape(80, 80))
    return {
        "tiff-grey-16": save(grey16, "TIFF"),
        "png-grey-16": save(grey16, "PNG"),
        "tiff-float": save(Image.new("F", (80, 80)), "TIFF"),
        "png-rgb-16": png_with_header(80, 80, depth=16),
        "tiff-rgb-16": tiff_rgb16(),
    }


@pytest.mark.parametrize("name", deep_pictures())
def test_more_than_eight_bits(name: str) -> None:
    error = refusal(deep_pictures()[name])
    assert (error.code, status(error)) == ("bit_depth", 422)
    assert "8-bit RGB" in said(error.message)


def test_grey_pictures_however_they_are_stored(smear_field: FieldMaker, as_file: FileMaker) -> None:
    grey = smear_field().convert("L")
    for data in (
        as_file(grey, "PNG"),
        as_file(grey, "JPEG"),
        as_file(grey, "TIFF"),
        as_file(grey.convert("LA"), "PNG"),
        as_file(grey.convert("1"), "PNG"),
        as_file(grey.convert("RGB"), "PNG"),
        as_file(grey.convert("RGB"), "JPEG", quality=40),
        as_file(grey.convert("RGB").quantize(32), "PNG"),
    ):
        error = refusal(data)
        assert (error.code, status(error)) == ("no_colour", 422)


def test_a_coloured_detail_is_colour_enough(as_file: FileMaker) -> None:
    image = Image.new("RGB", (3000, 2000), "white")
    image.paste((110, 60, 150), (1400, 900, 1440, 940))
    decode(io.BytesIO(as_file(image, "PNG")))


def test_transparency(smear_field: FieldMaker, as_file: FileMaker) -> None:
    see_through = smear_field()
    see_through.putalpha(Image.linear_gradient("L").resize(see_through.size))
    for data in (
        as_file(see_through, "PNG"),
        as_file(see_through, "WEBP"),
        as_file(smear_field().quantize(16), "PNG", transparency=3),
    ):
        error = refusal(data)
        assert (error.code, status(error)) == ("transparent", 422)


def test_whole_slides_and_camera_raw_inside_tiff(smear_field: FieldMaker, as_file: FileMaker) -> None:
    slide = as_file(smear_field(), "TIFF", tiffinfo={270: "Aperio Image Library v12"})
    for data, name in ((slide, ""), (as_file(smear_field(), "TIFF"), "case.svs")):
        error = refusal(data, name)
        assert (error.code, status(error)) == ("whole_slide", 415)
        assert "whole-slide" in said(error.message)
    raw = tiff_with_tags((254, 1), (256, 160), (257, 120), (330, 8))
    for data, name in ((raw, ""), (as_file(smear_field(), "TIFF"), "IMG_1.NEF")):
        error = refusal(data, name)
        assert (error.code, status(error)) == ("unsupported_type", 415)
        assert "camera raw" in said(error.message)


def test_a_png_with_long_but_honest_text_is_accepted(smear_field: FieldMaker, as_file: FileMaker) -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("Description", "x" * 100_000, zip=True)
    decode(io.BytesIO(as_file(smear_field(), "PNG", pnginfo=text)))
