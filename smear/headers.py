"""What a photograph's header claims, read before a decoder allocates or works for it.

Pillow decides most of this itself; here is only what it decides too late, or does not tell:
WebP's canvas is allocated when the file is opened, a PNG's 16 bits are cut to 8 without a word, and a
progressive JPEG may ask for thousands of passes over the whole picture.
"""

import re
import struct

# A marker in a JPEG's compressed data: not a stuffed zero, a restart marker or a fill byte.
_JPEG_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_SOS, _EOI = 0xDA, 0xD9


def webp_size(data: bytes) -> tuple[int, int] | None:
    """Return (width, height) of a WebP file in pixels, or None where the header is not one.

    Source: RFC 9649, sections 2.5 to 2.7.
    """
    chunk = data[12:16]
    if len(data) < 30:
        return None
    if chunk == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    if chunk == b"VP8L" and data[20] == 0x2F:
        (bits,) = struct.unpack_from("<I", data, 21)
        return (bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1
    if chunk == b"VP8X":
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    return None


def png_bit_depth(data: bytes) -> int:
    """Return the bits per sample from a PNG's IHDR chunk, 0 where there is none. Source: RFC 2083, 4.1.1."""
    return data[24] if len(data) > 24 and data[12:16] == b"IHDR" else 0


def jpeg_scans(data: bytes, limit: int) -> int:
    """Count the scans of the JPEG at the start of ``data``, stopping after ``limit``.

    Thumbnails inside APPn segments and anything after the end marker are not counted.
    Source: ITU-T T.81, annex B.
    """
    scans, position = 0, 2
    while scans <= limit and (match := _JPEG_MARKER.search(data, position)):
        marker, position = match[0][1], match.end()
        if marker == _EOI:
            break
        if marker == _SOS:
            scans += 1
        elif position + 2 <= len(data):
            (length,) = struct.unpack_from(">H", data, position)
            position += length
    return scans
