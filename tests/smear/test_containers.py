"""What the container of a photograph shows before its pixels are decoded: damage, further pictures, colours."""

import io
import struct
import zlib

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import ExifTags, Image, PngImagePlugin, TiffImagePlugin

from smear.colour import ADOBE_GAMMA, ADOBE_RGB, SRGB
from smear.decode import DecodedImage, ImageRejected, decode
from tests.smear.fields import Options, draw_field
from tests.smear.shown import said, status

FIELD = draw_field()
#: A picture in a TIFF and its tags.
Page = tuple[Image.Image, dict[int, int]]


def saved(image: Image.Image = FIELD, /, format: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def taken(data: bytes) -> tuple[DecodedImage, list[str]]:
    result = decode(io.BytesIO(data))
    return result, [notice.code for notice in result.notices]


def refused(data: bytes) -> ImageRejected:
    with pytest.raises(ImageRejected) as caught:
        decode(io.BytesIO(data))
    return caught.value


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def with_chunks(*chunks: bytes) -> bytes:
    plain = saved()
    return plain[:33] + b"".join(chunks) + plain[33:]


def test_one_wrong_byte_anywhere_in_a_png_is_seen() -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "words")
    data = saved(pnginfo=text)
    random = np.random.default_rng(0)
    for place in random.integers(33, len(data), 60):
        wrong = bytearray(data)
        wrong[place] ^= 1 << int(random.integers(8))
        assert refused(bytes(wrong)).code == "damaged", place


def test_long_text_in_a_png_is_left_out() -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "TELLTALE" * 200_000, zip=True)
    result, told = taken(saved(pnginfo=text))
    assert (told, result.image.tobytes()) == ([], FIELD.tobytes())


def exif_colours(space: int, index: str = "") -> Image.Exif:
    exif = Image.Exif()
    details = exif.get_ifd(ExifTags.IFD.Exif)
    details[ExifTags.Base.ColorSpace] = space
    if index:
        details[ExifTags.IFD.Interop] = {1: index}
    return exif


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(
    ("space", "index", "told"),
    [
        (1, "R98", []),
        (65535, "R03", ["converted_to_srgb"]),
        (2, "", ["converted_to_srgb"]),
        (65535, "", ["colours_not_named"]),
        (65535, "R98", ["colours_not_named"]),
    ],
)
def test_colours_named_in_exif_only(format: str, space: int, index: str, told: list[str]) -> None:
    options: Options = {"lossless": True} if format == "WEBP" else {}
    plain, nothing = taken(saved(format=format, **options))
    result, codes = taken(saved(format=format, exif=exif_colours(space, index).tobytes(), **options))
    assert (codes, nothing) == (told, [])
    assert (result.image.tobytes() != plain.image.tobytes()) is (told == ["converted_to_srgb"])


def adobe_to_srgb(pixels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Adobe RGB (1998) to sRGB by the two standards' own matrices; 0..255."""
    light = (pixels / 255) ** ADOBE_GAMMA
    to_xyz = np.array([[0.57667, 0.18556, 0.18823], [0.29734, 0.62736, 0.07529], [0.02703, 0.07069, 0.99134]])
    from_xyz = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]])
    linear = np.clip(light @ to_xyz.T @ from_xyz.T, 0, 1)
    curved = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    levels: NDArray[np.float64] = 255 * curved
    return levels


def test_adobe_rgb_becomes_the_srgb_that_the_standards_say() -> None:
    result, _ = taken(saved(exif=exif_colours(65535, "R03").tobytes()))
    difference = np.abs(np.asarray(result.image, float) - adobe_to_srgb(np.asarray(FIELD, float)))
    assert difference.mean() < 1
    assert difference.max() < 4


def colour_chunks(gamma: float, corners: tuple[float, ...] | None) -> list[bytes]:
    chunks = [chunk(b"gAMA", struct.pack(">I", round(gamma * 100_000)))]
    if corners:
        chunks.append(chunk(b"cHRM", struct.pack(">8I", *(round(value * 100_000) for value in corners))))
    return chunks


def test_gamma_and_chromaticities_of_a_png_are_honoured() -> None:
    for gamma, corners, told in (
        (0.45455, None, []),
        (0.45455, SRGB, []),
        (0.55556, None, ["converted_to_srgb"]),
        (1 / ADOBE_GAMMA, ADOBE_RGB, ["converted_to_srgb"]),
        (0.45455, (0.3127, 0.329, 0, 0, 0, 0, 0, 0), ["profile_unreadable"]),
    ):
        result, codes = taken(with_chunks(*colour_chunks(gamma, corners)))
        assert codes == told, (gamma, corners)
        assert (result.image.tobytes() != FIELD.tobytes()) is (told == ["converted_to_srgb"])
    says_srgb = with_chunks(chunk(b"sRGB", b"\0"), *colour_chunks(0.55556, None))
    assert taken(says_srgb)[1] == []
    named, _ = taken(saved(exif=exif_colours(65535, "R03").tobytes()))
    by_numbers, _ = taken(with_chunks(*colour_chunks(1 / ADOBE_GAMMA, ADOBE_RGB)))
    difference = np.abs(np.asarray(named.image, np.int16) - np.asarray(by_numbers.image, np.int16))
    assert difference.max() <= 1


def tiff_pages(*pages: Page) -> bytes:
    """Return a TIFF of several pages, each with its own tags."""
    buffer = io.BytesIO()
    with TiffImagePlugin.AppendingTiffWriter(buffer, True) as writer:
        for image, tags in pages:
            image.save(writer, "TIFF", tiffinfo=tags)
            writer.newFrame()
    return buffer.getvalue()


SMALL = FIELD.resize((80, 64))


@pytest.mark.parametrize(
    ("pages", "told"),
    [
        ([(FIELD, {254: 1})], []),
        ([(FIELD, {}), (SMALL, {254: 1})], ["largest_page"]),
        ([(FIELD, {}), (FIELD.resize((80, 60)), {})], ["largest_page"]),
        ([(FIELD.resize((80, 60)), {254: 1}), (FIELD, {})], ["largest_page"]),
        ([(FIELD, {}), (FIELD, {254: 4})], ["largest_page"]),
    ],
    ids=["reduced", "thumbnail", "thumbnail-not-marked", "thumbnail-first", "mask"],
)
def test_the_page_of_a_tiff_that_is_the_photograph_is_taken(pages: list[Page], told: list[str]) -> None:
    result, codes = taken(tiff_pages(*pages))
    assert (codes, result.image.tobytes()) == (told, FIELD.tobytes())


def test_two_photographs_in_a_tiff_are_several_pictures() -> None:
    assert refused(tiff_pages((FIELD, {}), (draw_field(seed=2), {}))).code == "several_pictures"


def with_tag(data: bytes, tag: int, value: int) -> bytes:
    """Return a little-endian TIFF with the first value of a SHORT tag changed."""
    place = data.index(struct.pack("<HH", tag, 3)) + 8
    if int.from_bytes(data[place - 4 : place], "little") > 2:
        place = int.from_bytes(data[place : place + 4], "little")
    return data[:place] + struct.pack("<H", value) + data[place + 2 :]


@pytest.mark.parametrize(
    ("compression", "says"),
    [(33003, "JPEG 2000"), (34712, "JPEG 2000"), (50001, "WebP"), (52546, "JPEG XL"), (9999, "unknown")],
)
def test_compressions_of_tiff_that_are_not_read_are_named(compression: int, says: str) -> None:
    error = refused(with_tag(saved(format="TIFF"), 259, compression))
    assert (error.code, status(error)) == ("unsupported_compression", 415)
    assert says in said(error.message)


@pytest.mark.parametrize("bits", [10, 12, 14, 16, 32])
def test_deep_tiff_is_called_deep(bits: int) -> None:
    assert refused(with_tag(saved(format="TIFF"), 258, bits)).code == "bit_depth"


def test_jpeg_that_is_not_read_is_named() -> None:
    data = saved(format="JPEG")
    place = data.index(b"\xff\xc0") + 1
    for marker, says in ((0xF7, "JPEG-LS"), (0xC3, "lossless JPEG"), (0xC5, "hierarchical")):
        error = refused(data[:place] + bytes((marker,)) + data[place + 1 :])
        assert (error.code, status(error)) == ("unsupported_compression", 415)
        assert says in said(error.message)
    assert refused(data[: place + 3] + b"\x0c" + data[place + 4 :]).code == "bit_depth"


@pytest.mark.parametrize(("inside", "says"), [(4, "a JPEG image"), (5, "a PNG image")])
def test_a_bmp_that_holds_another_format_is_named(inside: int, says: str) -> None:
    data = saved(format="BMP")
    error = refused(data[:30] + struct.pack("<I", inside) + data[34:])
    assert (error.code, status(error)) == ("unsupported_compression", 415)
    assert says in said(error.message)


def test_an_extreme_shape_is_refused_and_an_odd_one_taken() -> None:
    error = refused(saved(draw_field(2000, 300)))
    assert (error.code, status(error)) == ("extreme_shape", 422)
    assert "2000 x 300" in said(error.message)
    taken(saved(draw_field(300, 1500)))
