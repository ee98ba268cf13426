"""What `smear.decode` accepts, and what it makes of it."""

import io
from pathlib import PurePath

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from smear.decode import DecodedImage, decode
from tests.smear.fields import FieldMaker, FileMaker, Options, stored_file
from tests.smear.shown import said

EXIF_ORIENTATION, EXIF_MAKE, EXIF_GPS, GPS_LATITUDE = 274, 271, 34853, 2
ORIENTATIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def decoded(data: bytes, filename: str = "") -> DecodedImage:
    return decode(io.BytesIO(data), filename=filename)


def codes(result: DecodedImage) -> list[str]:
    return [notice.code for notice in result.notices]


@pytest.mark.parametrize(
    ("format", "extension", "options"),
    [
        ("JPEG", ".jpg", {"quality": 92}),
        ("JPEG", ".JPEG", {"quality": 92, "progressive": True}),
        ("PNG", ".png", {}),
        ("TIFF", ".tif", {}),
        ("TIFF", ".tiff", {"compression": "tiff_lzw"}),
        ("TIFF", ".tiff", {"compression": "jpeg"}),
        ("TIFF", ".tiff", {"big_tiff": True}),
        ("WEBP", ".webp", {"lossless": True}),
        ("WEBP", ".webp", {"quality": 80}),
        ("WEBP", ".webp", {"quality": 80, "exif": b"Exif\0\0II*\0\x08\0\0\0\0\0"}),
        ("BMP", ".bmp", {}),
    ],
)
def test_accepts_every_format_as_upright_rgb(
    format: str, extension: str, options: Options, smear_field: FieldMaker, as_file: FileMaker
) -> None:
    data = as_file(smear_field(), format, **options)
    result = decoded(data, "field" + extension)
    assert (result.format, result.width, result.height, result.image.mode) == (format, 160, 120, "RGB")
    assert result.notices == []
    with Image.open(io.BytesIO(data)) as original:
        assert result.image.tobytes() == original.convert("RGB").tobytes()


@pytest.mark.parametrize("format", ["PNG", "TIFF", "WEBP", "BMP"])
def test_stores_all_but_jpeg_as_png_with_the_same_pixels(
    format: str, smear_field: FieldMaker, as_file: FileMaker
) -> None:
    result = decoded(as_file(smear_field(), format))
    content, encoded = stored_file(result)
    assert (encoded.extension, encoded.content_type) == ("png", "image/png")
    with Image.open(io.BytesIO(content)) as stored:
        assert stored.format == "PNG"
        assert stored.tobytes() == result.image.tobytes()


@pytest.mark.parametrize(
    "options",
    [
        {"quality": 60, "subsampling": 2},
        {"quality": 95, "subsampling": 0},
        {"quality": 85, "progressive": True},
        {"quality": 85, "restart_marker_rows": 1},
        {"quality": 75, "keep_rgb": True},
    ],
    ids=str,
)
def test_stores_a_jpeg_with_the_pixels_that_were_uploaded(
    options: Options, smear_field: FieldMaker, as_file: FileMaker
) -> None:
    data = as_file(smear_field(), "JPEG", exif=tell_tale_exif(orientation=1), comment=b"TELLTALE", **options)
    content, encoded = stored_file(decoded(data))
    assert (encoded.extension, encoded.content_type) == ("jpg", "image/jpeg")
    with Image.open(io.BytesIO(content)) as stored, Image.open(io.BytesIO(data)) as original:
        assert stored.tobytes() == original.tobytes()
    assert b"TELLTALE" not in content


def test_what_is_turned_or_converted_is_stored_with_the_pixels_that_are_read(
    smear_field: FieldMaker, as_file: FileMaker
) -> None:
    choices: list[Options] = [{"exif": tell_tale_exif()}, {"icc_profile": other_profile()}]
    for options in choices:
        result = decoded(as_file(smear_field(), "JPEG", **options))
        content, encoded = stored_file(result)
        assert encoded.extension == "png"
        with Image.open(io.BytesIO(content)) as stored:
            assert stored.tobytes() == result.image.tobytes()


def test_turns_a_photograph_upright_and_says_so(smear_field: FieldMaker, as_file: FileMaker) -> None:
    upright = smear_field()
    for orientation, stored_as in ORIENTATIONS.items():
        exif = Image.Exif()
        exif[EXIF_ORIENTATION] = orientation
        for format in ("PNG", "TIFF", "JPEG"):
            result = decoded(as_file(upright.transpose(stored_as), format, exif=exif.tobytes()))
            assert result.image.size == upright.size, (orientation, format)
            assert codes(result) == ["turned_upright"]
            tolerance = 40 if format == "JPEG" else 0
            difference = np.abs(np.asarray(result.image, np.int16) - np.asarray(upright, np.int16))
            assert np.percentile(difference, 99) <= tolerance, (orientation, format)


def test_broken_exif_does_not_cost_the_photograph(smear_field: FieldMaker, as_file: FileMaker) -> None:
    result = decoded(as_file(smear_field(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\x7fgarbage"))
    assert result.image.size == (160, 120)


@pytest.mark.parametrize("name", ["field.png", "field.txt", "field.pdf", "field.svg"])
def test_a_wrong_extension_is_noted_and_the_content_believed(
    name: str, smear_field: FieldMaker, as_file: FileMaker
) -> None:
    result = decoded(as_file(smear_field(), "JPEG"), name)
    assert result.format == "JPEG"
    assert codes(result) == ["extension_mismatch"]
    assert PurePath(name).suffix in said(result.notices[0])
    assert "a JPEG image" in said(result.notices[0])


@pytest.mark.parametrize("name", ["", "field", "smear of J. Doe", "2026.11.23 slide-Smith", "field\0.jpg"])
def test_a_name_is_not_repeated_where_it_could_be_a_persons(
    name: str, smear_field: FieldMaker, as_file: FileMaker
) -> None:
    assert decoded(as_file(smear_field(), "JPEG"), name).notices == []


def test_palette_and_opaque_alpha_become_rgb(smear_field: FieldMaker, as_file: FileMaker) -> None:
    image = smear_field()
    assert decoded(as_file(image.quantize(64), "PNG")).image.mode == "RGB"
    opaque = image.copy()
    opaque.putalpha(255)
    for format in ("PNG", "TIFF"):
        assert decoded(as_file(opaque, format)).image.tobytes() == image.tobytes()


def test_the_first_picture_of_a_phones_multi_picture_file_is_taken(
    smear_field: FieldMaker, as_file: FileMaker
) -> None:
    first, second = smear_field(seed=1), smear_field(seed=2)
    data = as_file(first, "MPO", save_all=True, append_images=[second])
    result = decoded(data, "field.jpg")
    assert (result.format, codes(result)) == ("JPEG", ["further_pictures"])
    assert len(stored_file(result)[0]) < len(data) * 2 / 3
    assert abs(np.asarray(result.image, np.int16) - np.asarray(first, np.int16)).mean() < 6


def test_the_pixel_digest_sees_pixels_and_nothing_else(smear_field: FieldMaker, as_file: FileMaker) -> None:
    image = smear_field()
    text = PngImagePlugin.PngInfo()
    text.add_text("Patient", "Jane Roe")
    plain = decoded(as_file(image, "PNG"), "a.png").pixel_sha256
    assert plain == decoded(as_file(image, "PNG", pnginfo=text, compress_level=1), "b.png").pixel_sha256
    assert plain == decoded(as_file(image, "BMP")).pixel_sha256
    changed = image.copy()
    changed.putpixel((159, 119), (0, 0, 0))
    assert plain != decoded(as_file(changed, "PNG")).pixel_sha256
    reshaped = Image.frombytes("RGB", (120, 160), image.tobytes())
    assert plain != decoded(as_file(reshaped, "PNG")).pixel_sha256


def test_a_thumbnail_is_small_and_never_enlarged(smear_field: FieldMaker, as_file: FileMaker) -> None:
    result = decoded(as_file(smear_field(640, 480), "PNG"))
    for edge, size in ((128, (128, 96)), (4000, (640, 480))):
        with Image.open(io.BytesIO(result.thumbnail(edge))) as thumbnail:
            assert (thumbnail.format, thumbnail.size) == ("JPEG", size)


def other_profile() -> bytes:
    """Return an RGB profile with a primary swapped, so that a conversion is visible."""
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = srgb.replace(b"rXYZ", b"tmpX").replace(b"gXYZ", b"rXYZ").replace(b"tmpX", b"gXYZ")
    return swapped.replace("sRGB".encode("utf-16-be"), "Cam1".encode("utf-16-be"))


def test_another_colour_profile_is_converted_and_srgb_left_alone(
    smear_field: FieldMaker, as_file: FileMaker
) -> None:
    image = smear_field()
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    same = decoded(as_file(image, "PNG", icc_profile=srgb))
    assert (same.notices, same.image.tobytes()) == ([], image.tobytes())
    converted = decoded(as_file(image, "PNG", icc_profile=other_profile()))
    assert codes(converted) == ["converted_to_srgb"]
    assert converted.image.tobytes() != image.tobytes()
    unusable = decoded(as_file(image, "PNG", icc_profile=b"no profile at all"))
    assert (codes(unusable), unusable.image.tobytes()) == (["profile_unreadable"], image.tobytes())


def tell_tale_exif(orientation: int = 6) -> Image.Exif:
    exif = Image.Exif()
    exif[EXIF_MAKE] = "TELLTALE camera"
    exif[EXIF_ORIENTATION] = orientation
    exif.get_ifd(EXIF_GPS)[GPS_LATITUDE] = (52.0, 31.0, 7.0)
    return exif


def segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2, "big") + body


def jpeg_markers(data: bytes) -> set[int]:
    """Return the marker codes before the first scan."""
    found, position = set(), 2
    while data[position + 1] != 0xDA:
        found.add(data[position + 1])
        position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    return found


def png_chunks(data: bytes) -> set[bytes]:
    found, position = set(), 8
    while position < len(data):
        found.add(data[position + 4 : position + 8])
        position += 12 + int.from_bytes(data[position : position + 4], "big")
    return found


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_nothing_but_pixels_leaves(
    format: str, orientation: int, smear_field: FieldMaker, as_file: FileMaker
) -> None:
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/">TELLTALE</x:xmpmeta>'
    options: Options = {"exif": tell_tale_exif(orientation).tobytes(), "dpi": (300, 300)}
    if orientation != 1:
        options["icc_profile"] = other_profile()
    if format == "PNG":
        text = PngImagePlugin.PngInfo()
        text.add_text("Comment", "TELLTALE")
        text.add_itxt("XML:com.adobe.xmp", xmp.decode())
        text.add_text("Long", "TELLTALE", zip=True)
        options["pnginfo"] = text
    elif format == "JPEG":
        options |= {"comment": b"TELLTALE", "xmp": xmp}
    elif format == "WEBP":
        options["xmp"] = xmp
    else:
        options["tiffinfo"] = {270: "TELLTALE", 700: xmp}
    data = as_file(smear_field(), format, **options) + b"TELLTALE after the end"
    if format == "JPEG":
        # IPTC, and a thumbnail inside JFIF's own segment.
        data = data[:2] + segment(0xED, b"Photoshop 3.0\0TELLTALE") + data[2:]
        data = data[:2] + segment(0xE0, b"JFIF\0\1\2\0\0\1\0\1\2\2TELLTALE1234") + data[2:]
    assert b"TELLTALE" in data

    result = decoded(data)
    for stored in (stored_file(result)[0], result.thumbnail(64)):
        assert b"TELLTALE" not in stored
        assert b"Exif" not in stored
        if stored.startswith(b"\xff\xd8"):
            # JFIF's own header (APP0), the tables and the frame; no other APPn, no comment.
            assert jpeg_markers(stored) <= {0xE0, 0xDB, 0xC0, 0xC4}
        else:
            assert png_chunks(stored) == {b"IHDR", b"IDAT", b"IEND"}
