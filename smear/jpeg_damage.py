"""Damage inside a JPEG's compressed data, which decoders conceal as well as they can without a warning.

Pillow keeps libjpeg's warnings to itself, but it does say when it wants more bytes than there are. So a sequential
picture is decoded from a copy without its end marker, behind which a decoder fills up silently, and once more, reduced
and without its last bytes, which a whole picture cannot do without. Behind a restart marker, and in the scans of a
progressive picture, that shows nothing: there libjpeg's warnings are asked for. Source: ITU-T T.81, annexes B, F and G.
"""

import io
import re
from itertools import product

from PIL import Image

from smear.jpeg import COMMON, DHT, DRI, PROGRESSIVE, SOS, Broken, Frame, Segment, segments

#: This many zero bytes in a row are 192 bits of one code.
_ZEROS = bytes(24)
_RESTART = re.compile(rb"\xff([\xd0-\xd7])")
#: Ones, as the last byte is filled up with: what the decoder looks ahead to behind the end.
_AHEAD = b"\xff\x00" * 8
#: Bytes that a whole picture cannot do without.
_LAST = 8
#: Bytes of the end marker.
_END = 2
#: A picture at an eighth of its edges is decoded with all of its codes, in a 64th of the memory.
_REDUCED = 8


def check(data: bytes, frame: Frame) -> bytes:
    """Check the compressed data of a JPEG without metadata (`smear.jpeg.bare`); return what is to be decoded.

    A sequential picture comes back without its end, so that its decoder fails where codes are missing. Raises `Broken`.
    """
    if frame.marker not in COMMON:
        return data
    found = list(segments(data))
    scans = [one for one in found if one.marker == SOS]
    if not scans:
        raise Broken("no scan")
    _check_zeros(found, frame.marker == PROGRESSIVE)
    if frame.marker == PROGRESSIVE:
        _check_complete(scans, frame)
    else:
        _check_restarts(found)
        _check_end(data, scans[-1])
    if frame.marker == PROGRESSIVE or any(one.marker == DRI for one in found):
        # Here and not above: who only imports the words of `smear.decode` does without libvips.
        from smear import jpeg_warnings

        jpeg_warnings.check(found, frame)
    return data if frame.marker == PROGRESSIVE else data[:-_END] + _AHEAD


def _check_end(data: bytes, last: Segment) -> None:
    """Refuse a sequential JPEG whose codes go on behind the picture; that they end too soon, its decoding shows."""
    if len(last.scan) > 2 * _LAST and _is_enough(data[: -_END - _LAST]):
        raise Broken("the compressed data go on behind the picture")


def _is_enough(data: bytes) -> bool:
    """Whether a decoder finds every pixel's codes in ``data``, which has no end marker."""
    with Image.open(io.BytesIO(data), formats=["JPEG"]) as opened:
        opened.draft(None, (max(1, opened.width // _REDUCED), max(1, opened.height // _REDUCED)))
        try:
            opened.load()
        except OSError:
            return False
    return True


def _check_restarts(found: list[Segment]) -> None:
    """Refuse restart markers that are out of order, or where none was announced."""
    interval = 0
    for one in found:
        if one.marker == DRI:
            interval = int.from_bytes(one.body, "big")
        elif one.marker == SOS:
            numbers = [match[1][0] & 7 for match in _RESTART.finditer(one.scan)]
            if numbers != [number % 8 for number in range(len(numbers) if interval else 0)]:
                raise Broken("restart markers out of order")


def _check_complete(scans: list[Segment], frame: Frame) -> None:
    """Refuse a progressive JPEG in which a coefficient's last bits never came."""
    done: set[tuple[int, int]] = set()
    for one in scans:
        body = bytes(one.body)
        start, end, low = body[-3], min(body[-2], 63), body[-1] & 15
        if low == 0:
            done |= set(product(body[1 : 1 + 2 * body[0] : 2], range(start, end + 1)))
    if len(done) < 64 * frame.components:
        raise Broken("scans are missing")


def _check_zeros(found: list[Segment], is_progressive: bool) -> None:
    """Refuse zeroed bytes: a long run of the code of zeros that would be the same coefficient again and again.

    In a flat area zeros may mean nothing but *no difference* and *end of block*, which is no damage.
    """
    meanings: dict[int, int] = {}
    for marker, body, scan in found:
        if marker == DHT:
            meanings |= _meanings_of_zeros(bytes(body))
        elif marker == SOS and len(body) >= 4 and _ZEROS in bytes(scan):
            tables = _tables(bytes(body), is_progressive)
            if any(meanings.get(table, 0) for table in tables):
                raise Broken("zeroed bytes")


def _meanings_of_zeros(body: bytes) -> dict[int, int]:
    """For each Huffman table of a DHT segment: how many bits the value of its code of zeros has."""
    found, position = {}, 0
    while position + 17 < len(body):
        table = body[position]
        first = body[position + 17]
        found[table] = first & 15 if table >> 4 else first
        position += 17 + sum(body[position + 1 : position + 17])
    return found


def _tables(body: bytes, is_progressive: bool) -> set[int]:
    """The Huffman tables that a scan uses; none for a refining scan, which holds bare bits as well."""
    start, high = body[-3], body[-1] >> 4
    if is_progressive and high:
        return set()
    chosen = body[2 : 1 + 2 * body[0] : 2]
    dc, ac = {one >> 4 for one in chosen}, {0x10 | (one & 15) for one in chosen}
    return dc | ac if not is_progressive else (ac if start else dc)
