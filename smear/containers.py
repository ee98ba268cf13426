"""What each format's file is checked for before a decoder sees it, and what of it the decoder gets.

A container ends here: damage that its own structure shows, sizes that it claims, pictures that it holds
besides the photograph, and what it says of colours.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from smear import headers, jpeg, jpeg_damage, png, tiff
from smear.colour import MAX_ICC_BYTES, Stated
from smear.contract import Message
from smear.refusals import (
    ImageRejected,
    Limits,
    damaged,
    several_pictures,
    too_deep,
    too_many_pixels,
    unread_compression,
    unsupported,
    whole_slide,
)
from smear.sniff import FileKind

logger = logging.getLogger(__name__)

#: A camera's progressive JPEG has about ten scans; each one costs a pass over the whole picture.
MAX_JPEG_SCANS = 64
RAW_EXTENSIONS = frozenset({".arw", ".cr2", ".dng", ".nef", ".nrw", ".orf", ".pef", ".rw2", ".srw"})
_SLIDE_EXTENSIONS = frozenset({".svs", ".ndpi", ".scn"})
_ORIENTATION = 274


@dataclass(frozen=True, slots=True)
class Contents:
    """What a decoder gets. ``picture`` is the file, or what is left of it; ``page`` the one to decode.

    ``kept`` is a JPEG without anything but its picture, where it may be stored as it is. ``size`` is known for
    what Pillow would allocate too soon, ``orientation`` where Pillow turns the picture itself.
    """

    picture: bytes
    page: int = 0
    size: tuple[int, int] | None = None
    orientation: int | None = None
    stated: Stated = field(default_factory=Stated)
    notices: tuple[Message, ...] = ()
    kept: bytes | None = None


def open_container(data: bytes, kind: FileKind, extension: str, limits: Limits) -> Contents:
    """Check a file of an accepted kind. Raises `ImageRejected`."""
    try:
        return _READERS[kind.format](data, kind, extension, limits)
    except ImageRejected:
        raise
    except Exception as error:  # the parser of a stranger's bytes, as in smear.decode
        logger.info("container refused %s: %s: %s", kind.code, type(error).__name__, error)
        raise damaged(kind) from error


def _jpeg(data: bytes, kind: FileKind, extension: str, limits: Limits) -> Contents:
    frame = jpeg.frame(data)
    if frame.marker in jpeg.NOT_READ:
        raise unread_compression(kind, jpeg.NOT_READ[frame.marker])
    if frame.precision != 8:
        raise too_deep()
    if jpeg.scans(data, MAX_JPEG_SCANS) > MAX_JPEG_SCANS:
        raise damaged(kind)
    bare = jpeg.bare(data)
    if frame.width * frame.height > limits.max_pixels:
        raise too_many_pixels(limits)
    picture = jpeg_damage.check(bare, frame)
    return Contents(picture, kept=bare if frame.marker in jpeg.COMMON else None)


def _png(data: bytes, kind: FileKind, extension: str, limits: Limits) -> Contents:
    if headers.png_bit_depth(data) > 8:
        raise too_deep()
    found = png.read(data, MAX_ICC_BYTES)
    if found.profile is not None or found.is_srgb:
        return Contents(found.picture, stated=Stated(profile=found.profile))
    gamma = 1 / found.gamma if found.gamma else None
    return Contents(found.picture, stated=Stated(chromaticities=found.chromaticities, gamma=gamma))


def _tiff(data: bytes, kind: FileKind, extension: str, limits: Limits) -> Contents:
    pages = tiff.pages(data)
    if extension in _SLIDE_EXTENSIONS or any("Aperio" in p.description or tiff.NDPI in p.tags for p in pages):
        raise whole_slide()
    if extension in RAW_EXTENSIONS or tiff.is_camera_raw(pages):
        raise unsupported(FileKind("camera_raw"))
    page = tiff.photograph(pages)
    if page is None:
        raise several_pictures()
    if page.compression in tiff.NOT_READ:
        raise unread_compression(kind, tiff.NOT_READ[page.compression])
    if page.compression not in tiff.READ:
        raise unread_compression(kind, "unknown")
    if page.is_deep:
        raise too_deep()
    if page.first(tiff.TILE_WIDTH) * page.first(tiff.TILE_HEIGHT) > limits.max_pixels:
        raise too_many_pixels(limits)
    notices = (Message("largest_page"),) if len(pages) > 1 else ()
    return Contents(data, page.index, page.size, page.first(_ORIENTATION, 1), notices=notices)


def _webp(data: bytes, kind: FileKind, extension: str, limits: Limits) -> Contents:
    return Contents(data, size=headers.webp_size(data) or (0, 0))


def _bmp(data: bytes, kind: FileKind, extension: str, limits: Limits) -> Contents:
    inside = headers.bmp_compression(data)
    if inside in headers.BMP_INSIDE:
        raise unread_compression(kind, headers.BMP_INSIDE[inside])
    return Contents(data, stated=Stated(profile=headers.bmp_profile(data)))


_READERS: dict[str, Callable[[bytes, FileKind, str, Limits], Contents]] = {
    "JPEG": _jpeg,
    "PNG": _png,
    "TIFF": _tiff,
    "WEBP": _webp,
    "BMP": _bmp,
}

__all__ = ["RAW_EXTENSIONS", "Contents", "ImageRejected", "open_container"]
