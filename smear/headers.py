"""What a photograph's header claims, read before a decoder allocates or works for it.

Pillow decides most of this itself; here is only what it decides too late, or does not tell:
WebP's canvas is allocated when the file is opened, a PNG's 16 bits are cut to 8 without a word, and of a BMP
it reads neither the embedded profile nor which format is inside. JPEG, PNG and TIFF have modules of their own.
"""

import struct

#: What a BMP may hold instead of pixels, by biCompression: codes of a compression (`smear.refusals`).
BMP_INSIDE = {4: "jpeg", 5: "png"}
_BMP_V5 = 124


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


def bmp_compression(data: bytes) -> int:
    """Return biCompression of a BMP, 0 where its header has none. Source: BITMAPV5HEADER."""
    return int.from_bytes(data[30:34], "little") if int.from_bytes(data[14:18], "little") >= 40 else 0


def bmp_profile(data: bytes) -> bytes | None:
    """Return the ICC profile of a BMP, empty where it lies elsewhere or beyond the file, None where none is."""
    if int.from_bytes(data[14:18], "little") < _BMP_V5 or data[70:74] not in (b"DEBM", b"KNIL"):
        return None
    start, size = (int.from_bytes(data[at : at + 4], "little") for at in (126, 130))
    profile = data[14 + start : 14 + start + size]
    return profile if data[70:74] == b"DEBM" and len(profile) == size else b""
