"""The words of a PDF made by WeasyPrint, in the order in which they are drawn; enough for tests."""

import re
import zlib

_OBJECT = re.compile(rb"(\d+) 0 obj\n(.*?)\nendobj", re.S)
_STREAM = re.compile(rb"stream\n(.*)\nendstream", re.S)
_FONT = re.compile(rb"/BaseFont /([A-Z]+)\+[^/]*/ToUnicode (\d+) 0 R")
_DRAWN = re.compile(r"/([A-Z]{6}) \S+ Tf|<([0-9a-f]{4,})>|(ET)")


def _stream(body: bytes) -> str:
    found = _STREAM.search(body)
    if found is None:
        return ""
    raw = found[1]
    return (zlib.decompress(raw) if b"/FlateDecode" in body[: found.start()] else raw).decode("latin1")


def _letters(cmap: str) -> dict[str, str]:
    pairs = re.findall(r"^<([0-9a-f]{4})> <([0-9a-f]+)>$", cmap, re.M)
    return {glyph: bytes.fromhex(text).decode("utf-16-be") for glyph, text in pairs}


def objects_of(pdf: bytes) -> dict[bytes, bytes]:
    """The objects of a PDF by number, those in object streams too."""
    found = dict(_OBJECT.findall(pdf))
    for body in list(found.values()):
        if packed := re.search(rb"/Type /ObjStm/N (\d+)/First (\d+)", body):
            held, first = _stream(body).encode("latin1"), int(packed[2])
            numbers = [int(number) for number in held[:first].split()]
            starts = [*numbers[1::2], len(held) - first]
            for place, number in enumerate(numbers[::2]):
                found[str(number).encode()] = held[first + starts[place] : first + starts[place + 1]]
    return found


def text_of(pdf: bytes) -> str:
    """What the pages say; each run of text on a line of its own, or after a blank where the next one follows it."""
    objects = objects_of(pdf)
    named = _FONT.findall(b"\n".join(objects.values()))
    fonts = {name.decode(): _letters(_stream(objects[place])) for name, place in named}
    words = []
    for body in objects.values():
        if b"/Subtype" in body[:200] or "BT\n" not in (page := _stream(body)):
            continue
        letters: dict[str, str] = {}
        for font, glyphs, end in _DRAWN.findall(page):
            if font:
                letters = fonts.get(font, {})
            elif end:
                words.append(" ")
            else:
                words += [letters.get(glyphs[i : i + 4], "") for i in range(0, len(glyphs), 4)]
    return re.sub(r" +", " ", "".join(words))


def page_count(pdf: bytes) -> int:
    return sum(b"/Type /Page/" in body for body in objects_of(pdf).values())
