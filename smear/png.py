"""A PNG's chunks: every checksum is checked, and what is not the picture is left out before decoding.

Pillow skips the checksum of the compressed pixels, and refuses a picture for a comment of more than a
megabyte. Source: PNG specification, third edition (W3C 2025), sections 5 and 11.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

SIGNATURE = b"\x89PNG\r\n\x1a\n"
#: Chunks that say how pixels are to be read; the animation's are kept so that an animation is seen as one.
_KEPT = frozenset((b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"eXIf", b"acTL", b"fcTL", b"fdAT"))


class Broken(ValueError):
    """The file is not what was written: a checksum does not fit, or the end is missing."""


class Png(NamedTuple):
    """A checked PNG.

    ``picture`` is the file without comments and colour chunks. ``profile`` is the embedded ICC profile, None
    where there is none, empty where it cannot be unpacked. ``gamma`` is that of the encoding (about 0.4545),
    ``chromaticities`` are x and y of white, red, green and blue; None where not stated. ``is_srgb``: the file
    says so itself.
    """

    picture: bytes
    profile: bytes | None
    is_srgb: bool
    gamma: float | None
    chromaticities: tuple[float, ...] | None


def read(data: bytes, most_profile: int) -> Png:
    """Check a PNG's chunks and take them apart; an unpacked profile has at most ``most_profile`` bytes.

    Raises `Broken`. What stands behind the end marker is left out.
    """
    kept, colour = [SIGNATURE], dict[bytes, bytes]()
    for name, body, whole in _chunks(data):
        if name in _KEPT:
            kept.append(whole)
        elif name in (b"iCCP", b"sRGB", b"gAMA", b"cHRM"):
            colour.setdefault(name, body)
    profile = _unpacked(colour[b"iCCP"], most_profile) if b"iCCP" in colour else None
    gamma = _numbers(colour.get(b"gAMA", b""), 1)
    return Png(
        b"".join(kept),
        profile,
        b"sRGB" in colour,
        gamma[0] if gamma else None,
        _numbers(colour.get(b"cHRM", b""), 8),
    )


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Yield (name, body, all of the chunk) to the end marker."""
    position = len(SIGNATURE)
    while position + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, position)
        end = position + 12 + length
        if end > len(data):
            break
        name = data[position + 4 : position + 8]
        (checksum,) = struct.unpack_from(">I", data, end - 4)
        if zlib.crc32(memoryview(data)[position + 4 : end - 4]) != checksum:
            raise Broken(f"checksum of {name!r}")
        yield name, data[position + 8 : end - 4], data[position:end]
        if name == b"IEND":
            return
        position = end
    raise Broken("no end marker")


def _unpacked(body: bytes, most: int) -> bytes:
    """Return the profile of an iCCP chunk; empty where it is broken, or larger than ``most`` bytes."""
    packed = body.partition(b"\0")[2][1:]
    unpack = zlib.decompressobj()
    try:
        profile = unpack.decompress(packed, most + 1)
    except zlib.error:
        return b""
    return profile if unpack.eof and len(profile) <= most else b""


def _numbers(body: bytes, count: int) -> tuple[float, ...] | None:
    if len(body) != 4 * count:
        return None
    return tuple(value / 100_000 for value in struct.unpack(f">{count}I", body))
