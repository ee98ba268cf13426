"""What libjpeg warns of while it reads a JPEG's compressed data: Pillow keeps it to itself, libvips passes it on.

libvips is loaded with this module (20 MB, a third of a second), so `smear.jpeg_damage` imports it where it is asked.
"""

from collections.abc import Iterable

import pyvips

from smear.jpeg import EOI, PROGRESSIVE, SOI, SOS, Broken, Frame, Segment

#: libjpeg's words for damage; what else it warns of (a strange revision, a strange order) is none.
_DAMAGE = ("Corrupt JPEG data", "Premature end", "Inconsistent progression")
_NO_MEMORY = ("Insufficient memory", "out of memory")
#: Rows that are asked for at once, in order and by this thread: no thread is started.
_ROWS = 16
#: As in `smear.jpeg_damage`: every code is read, in a 64th of the memory.
_REDUCED = 8
_APPLICATION = range(0xE0, 0xF0)


def check(found: Iterable[Segment], frame: Frame) -> None:
    """Decode a JPEG of these segments and refuse it at the first warning.

    Raises `Broken`; MemoryError where the picture needs more than there is.
    """
    data = _plain(found, frame.marker == PROGRESSIVE)
    try:
        image = pyvips.Image.jpegload_buffer(data, access="sequential", fail_on="warning", shrink=_REDUCED)
        region = pyvips.Region.new(image)
        for top in range(0, image.height, _ROWS):
            region.fetch(0, top, image.width, min(_ROWS, image.height - top))
    except pyvips.Error as error:
        if any(words in error.detail for words in _NO_MEMORY):
            raise MemoryError(error.detail) from error
        if any(words in error.detail for words in _DAMAGE):
            raise Broken(error.detail.strip()) from error
        # A picture that only libvips does not take is left to Pillow.


def _plain(found: Iterable[Segment], is_progressive: bool) -> bytes:
    """The same codes without what libjpeg warns of although nothing is damaged.

    Those are colours and revisions of application segments, and the three bytes at the end of a scan's header, which
    mean nothing in a sequential picture.
    """
    parts: list[bytes | memoryview] = [bytes((0xFF, SOI))]
    for marker, body, scan in found:
        if marker in _APPLICATION:
            continue
        if marker == SOS and not is_progressive:
            body = memoryview(bytes(body[:-3]) + b"\x00\x3f\x00")
        parts += [bytes((0xFF, marker)), (len(body) + 2).to_bytes(2, "big"), body, scan]
    return b"".join([*parts, bytes((0xFF, EOI))])
