"""From an uploaded file to pixels that are safe to keep: upright 8-bit RGB, no metadata, bounded memory.

The order of checks is the point: size in bytes, then type by content, then what the container shows
(`smear.containers`), then the size in pixels that the header claims, and only then the decoder. Every refusal
is an `ImageRejected` with a code; any file, however broken or hostile, ends in a
`DecodedImage` or in that.
"""

import hashlib
import io
import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import BinaryIO, NamedTuple

import numpy as np
from PIL import ExifTags, Image, ImageFile

from smear import colour
from smear.colour import Stated
from smear.containers import RAW_EXTENSIONS, Contents, open_container
from smear.contract import Message
from smear.refusals import (
    DEFAULT_LIMITS,
    MEGAPIXEL,
    ImageRejected,
    Limits,
    damaged,
    extreme_shape,
    grey,
    several_pictures,
    too_deep,
    too_large,
    too_many_pixels,
    unsupported,
)
from smear.sniff import ACCEPTED, HEAD_BYTES, FileKind, sniff

logger = logging.getLogger(__name__)

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

# Pillow's own check warns above this and raises above twice this; ours runs first, this one stays as a net.
Image.MAX_IMAGE_PIXELS = DEFAULT_LIMITS.max_pixels


class Encoded(NamedTuple):
    """A file to store: its extension without the dot, and media type."""

    extension: str
    content_type: str


@dataclass(frozen=True)
class DecodedImage:
    """An accepted photograph: upright RGB ``image`` (uint8, no metadata) of ``width`` x ``height`` pixels.

    ``format`` is the sniffed format by Pillow's name. ``pixel_sha256`` covers size and pixels only, so the
    same photograph is recognised when its metadata or name differ. ``jpeg`` is the uploaded JPEG without
    anything but its picture, where that picture is ``image`` as it stands.
    """

    image: Image.Image
    format: str
    pixel_sha256: str
    notices: list[Message] = field(default_factory=list)
    jpeg: bytes | None = None

    @property
    def width(self) -> int:
        return self.image.width

    @property
    def height(self) -> int:
        return self.image.height

    def encode(self, target: BinaryIO) -> Encoded:
        """Write a file with exactly these pixels and without any metadata.

        A JPEG stays as it was compressed; where it was turned or its colours were converted, and for every
        other format, it is a PNG.
        """
        if self.jpeg is not None:
            target.write(self.jpeg)
            return Encoded("jpg", "image/jpeg")
        self.image.save(target, "PNG", compress_level=PNG_LEVEL)
        return Encoded("png", "image/png")

    def thumbnail(self, edge: int) -> bytes:
        """Return a JPEG file whose longer edge has at most ``edge`` pixels; never enlarged."""
        scale = min(1.0, edge / max(self.image.size))
        size = (max(1, round(self.width * scale)), max(1, round(self.height * scale)))
        small = self.image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
        buffer = io.BytesIO()
        small.save(buffer, "JPEG", quality=THUMBNAIL_QUALITY)
        return buffer.getvalue()


def decode(source: BinaryIO, *, filename: str = "", limits: Limits = DEFAULT_LIMITS) -> DecodedImage:
    """Check and decode one uploaded photograph of a smear.

    ``source`` is read from its start, at most ``limits.max_bytes`` of it; ``filename`` only serves notices.
    Raises `ImageRejected`.
    """
    # A library in the same process may have set this for itself (WeasyPrint does); a cut photograph is damaged.
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    data = _read(source, limits)
    extension = _extension(filename)
    kind = sniff(data[:HEAD_BYTES])
    if not kind.format:
        raise unsupported(kind)
    contents = open_container(data, kind, extension, limits)
    if contents.size is not None:
        _check_size(contents.size, limits)

    notices = _extension_notices(kind, extension)
    told = _told(data, kind, contents, limits)
    notices += [*contents.notices, *told.notices]
    upright = _load(contents, kind, told.orientation)
    if told.orientation in _ROTATIONS:
        notices.append(Message("turned_upright"))
    image = colour.to_srgb(upright, told.stated, notices)
    image.info = {}
    _check_colour(image)
    is_kept = image is upright and told.orientation not in _ROTATIONS
    return DecodedImage(image, kind.format, _pixel_sha256(image), notices, contents.kept if is_kept else None)


class _Told(NamedTuple):
    """What the file says besides its pixels and is still needed."""

    orientation: int
    stated: Stated
    notices: list[Message]


def _told(data: bytes, kind: FileKind, contents: Contents, limits: Limits) -> _Told:
    """Read the header and the metadata of the whole file, without decoding."""
    # A JPEG's metadata are not in the picture that is decoded, a PNG's that are needed are.
    whole = data if kind.format == "JPEG" else contents.picture
    with _pillow_errors(kind), Image.open(io.BytesIO(whole), formats=[kind.format]) as opened:
        notices = []
        if opened.format == "MPO":
            notices.append(Message("further_pictures"))
        elif kind.format != "TIFF" and getattr(opened, "is_animated", False):
            raise several_pictures()
        if contents.page:
            opened.seek(contents.page)
        _check_size(opened.size, limits)
        if opened.mode[0] in "IF":
            raise too_deep()
        orientation, stated = _exif(opened)
        if contents.orientation is not None:
            orientation = contents.orientation
        profile = opened.info.get("icc_profile")
        if profile is not None:
            stated = Stated(profile=profile)
        elif contents.stated != Stated():
            stated = contents.stated
        return _Told(orientation, stated, notices)


def _load(contents: Contents, kind: FileKind, orientation: int) -> Image.Image:
    """Decode, upright and in RGB: one picture of this size in memory, two where it is turned or converted."""
    with _pillow_errors(kind), Image.open(io.BytesIO(contents.picture), formats=[kind.format]) as opened:
        if contents.page:
            opened.seek(contents.page)
        opened.load()
        rgb = _to_rgb(opened)
        # Pillow turns a TIFF upright itself while loading.
        turn = None if kind.format == "TIFF" else _ROTATIONS.get(orientation)
        if turn is not None:
            return rgb.transpose(turn)
        # Pillow's reader of WebP holds three more pictures of the size as long as there is itself.
        return rgb.copy() if rgb is opened and kind.format == "WEBP" else rgb


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
        raise ImageRejected("empty_file")
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
        logger.info("decoder refused %s: %s: %s", kind.code, type(error).__name__, error)
        raise damaged(kind) from error


def _check_size(size: tuple[int, int], limits: Limits) -> None:
    width, height = size
    if width * height > limits.max_pixels or max(size) > limits.max_edge:
        raise too_many_pixels(limits)
    if min(size) < limits.min_edge:
        raise ImageRejected("too_small", {"width": width, "height": height, "least": limits.min_edge})
    if max(size) > limits.max_shape * min(size):
        raise extreme_shape(size, limits)


def _exif(opened: Image.Image) -> tuple[int, Stated]:
    """Return the orientation, 1 where there is none, and the colours; broken EXIF costs no photograph."""
    try:
        exif = opened.getexif()
        return int(exif.get(ExifTags.Base.Orientation, 1)), colour.from_exif(exif)
    except Exception as error:  # the parser of a stranger's bytes, as in _pillow_errors
        logger.info("EXIF ignored: %s: %s", type(error).__name__, error)
        return 1, Stated()


def _to_rgb(opened: Image.Image) -> Image.Image:
    """Return the picture in RGB, itself where it is RGB already; refuse what has no faithful one."""
    if opened.mode in ("CMYK", "LAB", "HSV"):
        raise ImageRejected("colour_space", {"mode": opened.mode})
    if opened.mode in ("1", "L", "LA", "La"):
        raise grey()
    if opened.has_transparency_data:
        with_alpha = opened if opened.mode == "RGBA" else opened.convert("RGBA")
        if with_alpha.getchannel("A").getextrema() != (255, 255):
            raise ImageRejected("transparent")
        return opened if opened.mode == "RGB" else with_alpha.convert("RGB")
    return opened if opened.mode == "RGB" else opened.convert("RGB")


def _check_colour(image: Image.Image) -> None:
    """Refuse a grey picture that is stored as RGB. Looks at a reduced copy, so memory stays small."""
    reduced = image.reduce(max(1, max(image.size) // 512))
    pixels = np.asarray(reduced)
    if int(np.ptp(pixels, axis=2).max()) <= GREY_TOLERANCE:
        raise grey()


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


def _extension_notices(kind: FileKind, extension: str) -> list[Message]:
    if not extension or extension in ACCEPTED[kind.format] or extension in RAW_EXTENSIONS:
        return []
    return [Message("extension_mismatch", {"extension": extension, "kind": kind.code})]


__all__ = [
    "DEFAULT_LIMITS",
    "DecodedImage",
    "Encoded",
    "ImageRejected",
    "Limits",
    "decode",
    "too_large",
]
