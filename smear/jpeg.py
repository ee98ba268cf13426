"""A JPEG's segments, before any decoder: what kind it is, and the same picture without anything else in it.

Source: ITU-T T.81, annex B; JFIF 1.02; the Adobe segment as libjpeg reads it.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

SOI, EOI, SOS, COMMENT = 0xD8, 0xD9, 0xDA, 0xFE
DQT, DHT, DAC, DRI, DNL = 0xDB, 0xC4, 0xCC, 0xDD, 0xDC
_JFIF, _ADOBE = 0xE0, 0xEE
BASELINE, EXTENDED, PROGRESSIVE = 0xC0, 0xC1, 0xC2
#: What every browser shows.
COMMON = frozenset((BASELINE, EXTENDED, PROGRESSIVE))
#: Frames that are not read, by their marker.
NOT_READ = {
    0xC3: "lossless_jpeg",
    0xC5: "hierarchical_jpeg",
    0xC6: "hierarchical_jpeg",
    0xC7: "hierarchical_jpeg",
    0xCB: "lossless_jpeg",
    0xCD: "hierarchical_jpeg",
    0xCE: "hierarchical_jpeg",
    0xCF: "hierarchical_jpeg",
    0xF7: "JPEG-LS",
}
_FRAMES = COMMON | NOT_READ.keys() | {0xC9, 0xCA}
#: Segments that a decoder needs; JFIF's and Adobe's, which settle the colours, are cut to what it reads.
_NEEDED = _FRAMES | {DQT, DHT, DAC, DRI, DNL, SOS}
_JFIF_BYTES, _ADOBE_BYTES = 14, 12
# A marker in compressed data: not a stuffed zero, a restart marker or a fill byte.
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")


class Broken(ValueError):
    """The segments do not follow each other, or the end marker is missing."""


class Segment(NamedTuple):
    """One marker segment: ``body`` without marker and length; ``scan`` is the compressed data after an SOS."""

    marker: int
    body: memoryview
    scan: memoryview


class Frame(NamedTuple):
    """What the frame header says: its marker, bits a sample, height, width and number of components."""

    marker: int
    precision: int
    height: int
    width: int
    components: int


def segments(data: bytes) -> Iterator[Segment]:
    """Yield the segments from the first after SOI to EOI. Raises `Broken`."""
    view, position = memoryview(data), 2
    while True:
        marker, position = _marker(data, position)
        if marker == EOI:
            return
        end = position + int.from_bytes(data[position : position + 2], "big")
        if end < position + 2 or end > len(data):
            raise Broken("a segment reaches beyond the file")
        body, stop = view[position + 2 : end], end
        if marker == SOS:
            found = _MARKER.search(data, end)
            if not found:
                raise Broken("no end marker")
            # Fill bytes before the marker belong to it.
            stop = found.start()
            while stop > end and data[stop - 1] == 0xFF:
                stop -= 1
        yield Segment(marker, body, view[end:stop])
        position = stop


def _marker(data: bytes, position: int) -> tuple[int, int]:
    """Return the marker at ``position``, after any fill bytes, and where its segment goes on."""
    start = position
    while position < len(data) and data[position] == 0xFF:
        position += 1
    if position == start or position >= len(data) or data[position] == 0:
        raise Broken("no marker where one has to be")
    return data[position], position + 1


def frame(data: bytes) -> Frame:
    """Return the frame header. Raises `Broken`."""
    for segment in segments(data):
        if segment.marker in _FRAMES and len(segment.body) >= 6:
            body = bytes(segment.body[:6])
            return Frame(
                segment.marker,
                body[0],
                int.from_bytes(body[1:3], "big"),
                int.from_bytes(body[3:5], "big"),
                body[5],
            )
        if segment.marker == SOS:
            break
    raise Broken("no frame")


def scans(data: bytes, limit: int) -> int:
    """Count the scans, stopping after ``limit``; thumbnails and what follows the end are not counted."""
    count = 0
    for segment in segments(data):
        count += segment.marker == SOS
        if count > limit:
            break
    return count


def bare(data: bytes) -> bytes:
    """Return the same picture, bit for bit, with nothing that a decoder does not need.

    EXIF, XMP, IPTC, comments, profiles, thumbnails and further pictures are gone. Raises `Broken`.
    """
    parts: list[bytes | memoryview] = [b"\xff\xd8"]
    for marker, body, scan in segments(data):
        kept = _kept(marker, body)
        if kept is not None:
            parts += [bytes((0xFF, marker)), (len(kept) + 2).to_bytes(2, "big"), kept, scan]
    return b"".join([*parts, b"\xff\xd9"])


def _kept(marker: int, body: memoryview) -> bytes | memoryview | None:
    if marker in _NEEDED:
        return body
    if marker == _JFIF and bytes(body[:5]) == b"JFIF\0" and len(body) >= _JFIF_BYTES:
        # The last two bytes are the size of a thumbnail, which follows them.
        return bytes(body[: _JFIF_BYTES - 2]) + b"\0\0"
    if marker == _ADOBE and bytes(body[:5]) == b"Adobe" and len(body) >= _ADOBE_BYTES:
        return body[:_ADOBE_BYTES]
    return None
