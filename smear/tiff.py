"""A TIFF's directories, read before any decoder: which page is the photograph, and how it is stored.

Pillow reads the first page and calls damaged whatever it does not know. Source: TIFF 6.0, sections 2 and 8,
with its Photoshop supplement, and the BigTIFF layout.
"""

import struct
from dataclasses import dataclass

SUBFILE, WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 254, 256, 257, 258, 259, 262
DESCRIPTION, TILE_WIDTH, TILE_HEIGHT, SUB_DIRECTORIES, SAMPLE_FORMAT = 270, 322, 323, 330, 339
DNG_VERSION, NDPI = 50706, 65420
#: Photometric interpretations of a sensor's own data.
_SENSOR = (32803, 34892)
_REDUCED, _MASK = 1, 4

#: Compressions that Pillow's libtiff reads.
READ = frozenset((1, 2, 3, 4, 5, 6, 7, 8, 32773, 32946, 34925, 50000))
#: Those that a microscope's software may choose and that are not read.
NOT_READ = {
    33003: "JPEG 2000",
    33004: "JPEG 2000",
    33005: "JPEG 2000",
    34712: "JPEG 2000",
    34887: "LERC",
    34892: "lossy_dng",
    34927: "WebP",
    34933: "PNG",
    34934: "JPEG XR",
    22610: "JPEG XR",
    50001: "WebP",
    50002: "JPEG XL",
    52546: "JPEG XL",
}
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 6: 1, 7: 1, 8: 2, 9: 4, 13: 4, 16: 8, 17: 8, 18: 8}
_LETTERS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I", 16: "Q", 17: "q", 18: "Q"}
MOST_PAGES = 64
_MOST_VALUES = 64
_MOST_TEXT = 4096


class Broken(ValueError):
    """The directories cannot be followed."""


@dataclass(frozen=True, slots=True)
class Page:
    """One directory: the whole numbers of its tags, and its description."""

    index: int
    tags: dict[int, tuple[int, ...]]
    description: str

    def first(self, tag: int, default: int = 0) -> int:
        return next(iter(self.tags.get(tag, ())), default)

    @property
    def size(self) -> tuple[int, int]:
        return self.first(WIDTH), self.first(HEIGHT)

    @property
    def is_mask(self) -> bool:
        return bool(self.first(SUBFILE) & _MASK)

    @property
    def is_reduced(self) -> bool:
        return bool(self.first(SUBFILE) & _REDUCED)

    @property
    def compression(self) -> int:
        return self.first(COMPRESSION, 1)

    @property
    def is_deep(self) -> bool:
        """More than 8 bits a sample, or floating point."""
        return max(self.tags.get(BITS, (1,))) > 8 or max(self.tags.get(SAMPLE_FORMAT, (1,))) > 1


def pages(data: bytes) -> list[Page]:
    """Return the directories in their order, at most `MOST_PAGES`. Raises `Broken`."""
    try:
        return _Reader(data).pages()
    except (struct.error, KeyError, OverflowError) as error:
        raise Broken(str(error)) from error


def is_camera_raw(found: list[Page]) -> bool:
    """Whether the directories are those of a camera's raw file: the photograph is a small copy of the data."""
    return any(
        DNG_VERSION in page.tags
        or page.first(PHOTOMETRIC) in _SENSOR
        or (page.index == 0 and page.is_reduced and SUB_DIRECTORIES in page.tags)
        for page in found
    )


def photograph(found: list[Page]) -> Page | None:
    """Return the page that is the photograph, None where several are.

    A page marked as reduced, or one of at most half the photograph's edges, is a smaller copy of it.
    """
    pictures = [page for page in found if not page.is_mask]
    full = [page for page in pictures if not page.is_reduced] or pictures
    if not full:
        return None
    largest = max(full, key=lambda page: page.size[0] * page.size[1])
    width, height = largest.size
    small = (page.size[0] * 2 <= width and page.size[1] * 2 <= height for page in full if page is not largest)
    return largest if all(small) else None


class _Reader:
    """Follows the chain of directories, of classic and of BigTIFF files."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.order = "<" if data[:2] == b"II" else ">"
        self.is_big = self._number("H", 2) == 43
        self.offset, self.count = ("Q", "Q") if self.is_big else ("I", "H")

    def _number(self, letter: str, position: int) -> int:
        return int(struct.unpack_from(self.order + letter, self.data, position)[0])

    def pages(self) -> list[Page]:
        found: list[Page] = []
        seen: set[int] = set()
        position = self._number(self.offset, 8 if self.is_big else 4)
        while position and len(found) < MOST_PAGES:
            if position in seen:
                raise Broken("the directories run in a circle")
            seen.add(position)
            page, position = self._page(len(found), position)
            found.append(page)
        if not found:
            raise Broken("no directory")
        return found

    def _page(self, index: int, position: int) -> tuple[Page, int]:
        entries = self._number(self.count, position)
        position += struct.calcsize("<" + self.count)
        width = 20 if self.is_big else 12
        if entries * width > len(self.data) - position:
            raise Broken("a directory reaches beyond the file")
        tags: dict[int, tuple[int, ...]] = {}
        description = ""
        for entry in range(position, position + entries * width, width):
            tag, kind = self._number("H", entry), self._number("H", entry + 2)
            if tag == DESCRIPTION and kind == 2:
                description = self._bytes(entry, 1, _MOST_TEXT).decode("latin-1")
            elif kind in _LETTERS:
                tags[tag] = self._values(entry, kind)
        return Page(index, tags, description), self._number(self.offset, position + entries * width)

    def _values(self, entry: int, kind: int) -> tuple[int, ...]:
        raw = self._bytes(entry, _SIZES[kind], _MOST_VALUES)
        return struct.unpack(f"{self.order}{len(raw) // _SIZES[kind]}{_LETTERS[kind]}", raw)

    def _bytes(self, entry: int, size: int, most: int) -> bytes:
        """The value of an entry, or its first ``most`` parts of ``size`` bytes."""
        inline = 8 if self.is_big else 4
        count = self._number(self.offset, entry + 4)
        start = entry + 4 + struct.calcsize("<" + self.offset)
        if count * size > inline:
            start = self._number(self.offset, start)
        end = start + min(count, most) * size
        if end > len(self.data):
            raise Broken("a value lies beyond the file")
        return self.data[start:end]
