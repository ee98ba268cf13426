"""From an uploaded file to pixels that are safe to keep: upright 8-bit RGB, no metadata, bounded memory.

The order of checks is the point: size in bytes, then type by content, then the size in pixels that the
header claims, and only then the decoder. Every refusal is an `ImageRejected` whose message says what to do;
any file, however broken or hostile, ends in a `DecodedImage` or in that.
"""

import hashlib
import io
import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import PurePath
from typing import BinaryIO, NamedTuple

import numpy as np
from PIL import ExifTags, Image, ImageCms, JpegImagePlugin

from smear.headers import jpeg_scans, png_bit_depth, webp_size
from smear.notices import CONVERTED_TO_SRGB, EXTENSION_MISMATCH, TURNED_UPRIGHT, Notice
from smear.refusals import (
    DEFAULT_LIMITS,
    MEGABYTE,
    MEGAPIXEL,
    ImageRejected,
    Limits,
    damaged,
    grey,
    too_large,
    too_many_pixels,
    unsupported,
)
from smear.sniff import ACCEPTED, ACCEPTED_WORDS, HEAD_BYTES, FileKind, sniff
from smear.words import gettext_noop as _

logger = logging.getLogger(__name__)

#: A camera's progressive JPEG has about ten scans; each one costs a pass over the whole picture.
MAX_JPEG_SCANS = 64
#: Display and camera profiles have a few kilobytes; a larger one is a device-link table or an attack.
MAX_ICC_BYTES = 4 * MEGABYTE
#: Channels closer than this everywhere (of 255) are a grey picture with compression noise.
GREY_TOLERANCE = 6
THUMBNAIL_QUALITY = 85
#: zlib's level: less than half the time of the usual 6, for files 7 % larger.
PNG_LEVEL = 4

_ROTATIONS: dict[int, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_RAW_EXTENSIONS = frozenset({".arw", ".cr2", ".dng", ".nef", ".nrw", ".orf", ".pef", ".rw2", ".srw"})
_TIFF_SUBFILE, _TIFF_BITS, _TIFF_DESCRIPTION, _TIFF_TILE_SIZE = 254, 258, 270, (322, 323)
_TIFF_SAMPLE_FORMAT, _TIFF_DNG_VERSION, _TIFF_NDPI = 339, 50706, 65420


# Pillow's own check warns above this and raises above twice this; ours runs first, this one stays as a net.
Image.MAX_IMAGE_PIXELS = DEFAULT_LIMITS.max_pixels


class Encoded(NamedTuple):
    """A file to store: its bytes, extension without the dot, and media type."""

    data: bytes
    extension: str
    content_type: str


@dataclass(frozen=True)
class DecodedImage:
    """An accepted photograph: upright RGB ``image`` (uint8, no metadata) of ``width`` x ``height`` pixels.

    ``format`` is the sniffed format by Pillow's name. ``pixel_sha256`` covers size and pixels only, so the
    same photograph is recognised when its metadata or name differ.
    """

    image: Image.Image
    format: str
    pixel_sha256: str
    notices: list[Notice] = field(default_factory=list)
    jpeg_tables: dict[int, list[int]] | None = None
    jpeg_subsampling: int = 0

    @property
    def width(self) -> int:
        return self.image.width

    @property
    def height(self) -> int:
        return self.image.height

    def encode(self) -> Encoded:
        """Return the photograph as a file without any metadata.

        A JPEG keeps its own quantisation tables and subsampling, so that nothing visible is lost a second
        time; every other format becomes a PNG with exactly these pixels.
        """
        if self.format == "JPEG":
            return self._encode_jpeg()
        return Encoded(_save(self.image, "PNG", compress_level=PNG_LEVEL), "png", "image/png")

    def _encode_jpeg(self) -> Encoded:
        if self.jpeg_tables:
            data = _save(self.image, "JPEG", qtables=self.jpeg_tables, subsampling=self.jpeg_subsampling)
        else:
            data = _save(self.image, "JPEG", quality=95, subsampling=0)
        return Encoded(data, "jpg", "image/jpeg")

    def thumbnail(self, edge: int) -> bytes:
        """Return a JPEG file whose longer edge has at most ``edge`` pixels; never enlarged."""
        scale = min(1.0, edge / max(self.image.size))
        size = (max(1, round(self.width * scale)), max(1, round(self.height * scale)))
        small = self.image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
        return _save(small, "JPEG", quality=THUMBNAIL_QUALITY)


def decode(source: BinaryIO, *, filename: str = "", limits: Limits = DEFAULT_LIMITS) -> DecodedImage:
    """Check and decode one uploaded photograph of a smear.

    ``source`` is read from its start, at most ``limits.max_bytes`` of it; ``filename`` only serves notices.
    Raises `ImageRejected` with status 413 (too many bytes), 415 (not an accepted type) or 422 (all else).
    """
    data = _read(source, limits)
    extension = _extension(filename)
    kind = sniff(data[:HEAD_BYTES])
    if not kind.format:
        raise unsupported(kind)
    if kind.format == "WEBP":
        _check_size(webp_size(data) or (0, 0), limits)
    if kind.format == "JPEG" and jpeg_scans(data, MAX_JPEG_SCANS) > MAX_JPEG_SCANS:
        raise damaged(kind)

    notices = _extension_notices(kind, extension)
    loaded = _load(data, kind, extension, limits)
    if loaded.is_turned:
        notices.append(Notice("turned_upright", TURNED_UPRIGHT))
    image = _to_srgb(loaded.image, loaded.icc_profile, notices)
    image.info = {}
    _check_colour(image)
    return DecodedImage(
        image, kind.format, _pixel_sha256(image), notices, loaded.jpeg_tables, loaded.jpeg_subsampling
    )


class _Loaded(NamedTuple):
    """What a decoder gave: the upright RGB picture, and what else the file said that is still needed."""

    image: Image.Image
    is_turned: bool
    icc_profile: bytes | None
    jpeg_tables: dict[int, list[int]] | None
    jpeg_subsampling: int


def _load(data: bytes, kind: FileKind, extension: str, limits: Limits) -> _Loaded:
    """Check the header and decode. No more than two pictures of this size are in memory at once."""
    with _pillow_errors(kind), Image.open(io.BytesIO(data), formats=[kind.format]) as opened:
        _check_size(opened.size, limits)
        _check_single(opened)
        if kind.format == "TIFF":
            _check_tiff(opened, extension, limits)
        _check_depth(opened, data)
        orientation = _orientation(opened)
        icc_profile = opened.info.get("icc_profile")
        opened.load()
        rgb = _to_rgb(opened)
        # Pillow turns a TIFF upright itself while loading.
        turn = None if kind.format == "TIFF" else _ROTATIONS.get(orientation)
        image = rgb.transpose(turn) if turn is not None else rgb.copy() if rgb is opened else rgb
        return _Loaded(image, orientation in _ROTATIONS, icc_profile, *_jpeg_settings(opened))


def _read(source: BinaryIO, limits: Limits) -> bytes:
    """Return the whole file, or refuse it by its size before reading more than the limit."""
    if source.seekable():
        size = source.seek(0, os.SEEK_END)
        source.seek(0)
    else:
        size = 0
    data = source.read(limits.max_bytes + 1) if size <= limits.max_bytes else b""
    if max(size, len(data)) > limits.max_bytes:
        raise too_large(limits)
    if not data:
        raise ImageRejected(
            "empty_file",
            _("The file is empty. Check that it was saved or copied completely, then upload it again."),
        )
    return data


@contextmanager
def _pillow_errors(kind: FileKind) -> Iterator[None]:
    """Turn whatever a decoder raises on a broken file into the one refusal that says so.

    Pillow's parsers raise OSError, SyntaxError, ValueError, struct.error, KeyError, OverflowError and others,
    and the list grows with its versions: for a stranger's file, any of them means the same.
    """
    try:
        yield
    except ImageRejected:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise too_many_pixels(DEFAULT_LIMITS) from error
    except Exception as error:
        logger.info("decoder refused %s: %s: %s", kind.name, type(error).__name__, error)
        raise damaged(kind) from error


def _check_size(size: tuple[int, int], limits: Limits) -> None:
    width, height = size
    if width * height > limits.max_pixels or max(size) > limits.max_edge:
        raise too_many_pixels(limits)
    if min(size) < limits.min_edge:
        raise ImageRejected(
            "too_small",
            _(
                "The picture has only %(width)d x %(height)d pixels; cells cannot be told apart on it. "
                "Upload the original photograph, at least %(least)d pixels on each side."
            ),
            values={"width": width, "height": height, "least": limits.min_edge},
        )


def _check_single(opened: Image.Image) -> None:
    """Refuse animations and multi-page files. A phone's JPEG with a second picture (MPO) keeps its first."""
    if opened.format == "MPO":
        return
    if getattr(opened, "is_animated", False):
        raise ImageRejected(
            "several_pictures",
            _(
                "The file holds several pictures (pages or an animation). "
                "Save each field as a file of its own."
            ),
        )


def _check_tiff(opened: Image.Image, extension: str, limits: Limits) -> None:
    """Refuse TIFF-based files whose first page is not the photograph, and tiles that are huge."""
    tags = opened.tag_v2  # type: ignore[attr-defined]
    description = str(tags.get(_TIFF_DESCRIPTION, ""))
    if "Aperio" in description or _TIFF_NDPI in tags or extension in {".svs", ".ndpi", ".scn"}:
        raise ImageRejected(
            "whole_slide",
            _(
                "This is a whole-slide scan. Export single fields from the slide viewer as JPEG, PNG or TIFF "
                "and upload those."
            ),
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        )
    if extension in _RAW_EXTENSIONS or _TIFF_DNG_VERSION in tags or tags.get(_TIFF_SUBFILE, 0) & 1:
        raise unsupported(FileKind(_("a camera raw file")))
    tile_width, tile_height = (int(tags.get(tag, 0)) for tag in _TIFF_TILE_SIZE)
    if tile_width * tile_height > limits.max_pixels:
        raise too_many_pixels(limits)


def _check_depth(opened: Image.Image, data: bytes) -> None:
    """Refuse more than 8 bits per sample, which Pillow would cut down without a word, and floating point."""
    tags = getattr(opened, "tag_v2", {})
    deep_tiff = max(tags.get(_TIFF_BITS, (8,))) > 8 or max(tags.get(_TIFF_SAMPLE_FORMAT, (1,))) > 1
    deep_png = opened.format == "PNG" and png_bit_depth(data) > 8
    if deep_tiff or deep_png or opened.mode[0] in "IF":
        raise ImageRejected(
            "bit_depth",
            _(
                "The picture has more than 8 bits per channel. "
                "Export the photograph as 8-bit RGB (24-bit colour) and upload it again."
            ),
        )


def _orientation(opened: Image.Image) -> int:
    """Return the EXIF orientation, 1 where there is none; broken EXIF does not cost the photograph."""
    try:
        return int(opened.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception as error:  # the parser of a stranger's bytes, as in _pillow_errors
        logger.info("EXIF ignored: %s: %s", type(error).__name__, error)
        return 1


def _jpeg_settings(opened: Image.Image) -> tuple[dict[int, list[int]] | None, int]:
    """Return a JPEG's quantisation tables and Pillow's subsampling code; (None, 0) where not reusable."""
    if not isinstance(opened, JpegImagePlugin.JpegImageFile):
        return None, 0
    tables = dict(opened.quantization)
    subsampling = JpegImagePlugin.get_sampling(opened)
    # The encoder uses table 0 for brightness and 1 for colour; other layouts and 16-bit tables are rare.
    reusable = (
        set(tables) in ({0}, {0, 1})
        and all(0 < value < 256 for table in tables.values() for value in table)
        and subsampling in (0, 1, 2)
        and opened.info.get("adobe_transform") != 0
    )
    return (tables, subsampling) if reusable else (None, 0)


def _to_rgb(opened: Image.Image) -> Image.Image:
    """Return the picture in RGB, itself where it is RGB already; refuse what has no faithful one."""
    if opened.mode in ("CMYK", "LAB", "HSV"):
        raise ImageRejected(
            "colour_space",
            _(
                "The picture is in %(mode)s colours, for print. "
                "Export the photograph as 8-bit RGB (24-bit colour) and upload it again."
            ),
            values={"mode": opened.mode},
        )
    if opened.mode in ("1", "L", "LA", "La"):
        raise grey()
    if opened.has_transparency_data:
        with_alpha = opened.convert("RGBA")
        if with_alpha.getchannel("A").getextrema() != (255, 255):
            raise ImageRejected(
                "transparent",
                _("Parts of the picture are transparent. Export it without transparency (alpha)."),
            )
        return with_alpha.convert("RGB")
    return opened if opened.mode == "RGB" else opened.convert("RGB")


def _check_colour(image: Image.Image) -> None:
    """Refuse a grey picture that is stored as RGB. Looks at a reduced copy, so memory stays small."""
    reduced = image.reduce(max(1, max(image.size) // 512))
    pixels = np.asarray(reduced)
    if int(np.ptp(pixels, axis=2).max()) <= GREY_TOLERANCE:
        raise grey()


def _to_srgb(image: Image.Image, icc_profile: bytes | None, notices: list[Notice]) -> Image.Image:
    """Convert from an embedded profile other than sRGB; one that cannot be used is left out of account."""
    if not icc_profile or len(icc_profile) > MAX_ICC_BYTES:
        return image
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc_profile))
        if "srgb" in ImageCms.getProfileDescription(profile).lower():
            return image
        converted = ImageCms.profileToProfile(
            image, profile, ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    except Exception as error:  # the parser of a stranger's bytes, as in _pillow_errors
        logger.info("colour profile ignored: %s: %s", type(error).__name__, error)
        return image
    if converted is None:
        return image
    notices.append(Notice("converted_to_srgb", CONVERTED_TO_SRGB))
    return converted


def _pixel_sha256(image: Image.Image) -> str:
    """Return the hex digest over size and RGB pixels, taken in strips to keep memory small."""
    digest = hashlib.sha256(f"{image.width}x{image.height} RGB\n".encode())
    rows = max(1, MEGAPIXEL // image.width)
    for top in range(0, image.height, rows):
        digest.update(image.crop((0, top, image.width, min(top + rows, image.height))).tobytes())
    return digest.hexdigest()


def _extension(filename: str) -> str:
    """Return the extension with its dot; none where what follows the last dot could be part of a name."""
    suffix = PurePath(filename).suffix.lower()
    return suffix if re.fullmatch(r"\.[a-z0-9]{1,5}", suffix) else ""


def _extension_notices(kind: FileKind, extension: str) -> list[Notice]:
    if not extension or extension in ACCEPTED[kind.format] or extension in _RAW_EXTENSIONS:
        return []
    return [Notice("extension_mismatch", EXTENSION_MISMATCH % {"extension": extension, "kind": kind.name})]


def _save(image: Image.Image, format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


__all__ = [
    "ACCEPTED_WORDS",
    "DEFAULT_LIMITS",
    "DecodedImage",
    "Encoded",
    "ImageRejected",
    "Limits",
    "Notice",
    "decode",
    "too_large",
]
