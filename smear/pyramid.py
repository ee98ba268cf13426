"""Deep Zoom pyramids: which levels and tiles a photograph has, and how they are made.

A photograph is decoded once and each level is made from the one above, so the whole takes 4 bytes a pixel and a
quarter of that for the level after.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image

TILE_SIZE = 512
OVERLAP = 1
JPEG_QUALITY = 90

Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Tile:
    """One tile and the box (left, top, right, bottom) of its level's pixels that it shows, overlap included."""

    level: int
    column: int
    row: int
    box: tuple[int, int, int, int]


def levels(size: Size) -> list[tuple[int, Size]]:
    """Number and size (width, height) of every level, from the whole photograph down to a single pixel."""
    width, height = size
    top = (max(size) - 1).bit_length()
    return [(top - halved, (-(-width // 2**halved), -(-height // 2**halved))) for halved in range(top + 1)]


def tiles_of(level: int, size: Size) -> Iterator[Tile]:
    """The tiles of a level of ``size`` pixels, row by row."""
    width, height = size
    for row in range(-(-height // TILE_SIZE)):
        for column in range(-(-width // TILE_SIZE)):
            left, top = column * TILE_SIZE, row * TILE_SIZE
            box = (
                max(0, left - OVERLAP),
                max(0, top - OVERLAP),
                min(width, left + TILE_SIZE + OVERLAP),
                min(height, top + TILE_SIZE + OVERLAP),
            )
            yield Tile(level, column, row, box)


def build(photograph: Image.Image) -> Iterator[tuple[Tile, bytes]]:
    """Every tile of an RGB photograph with its JPEG file, level by level from the whole photograph down."""
    picture = photograph
    for level, size in levels(photograph.size):
        if picture.size != size:
            picture = picture.reduce(2)
        for tile in tiles_of(level, size):
            yield tile, _jpeg(picture.crop(tile.box))


def descriptor(size: Size) -> bytes:
    """The Deep Zoom descriptor (XML) of a photograph of ``size``. It can be had before the tiles."""
    width, height = size
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<Image xmlns="http://schemas.microsoft.com/deepzoom/2008" Format="jpg" '
        f'Overlap="{OVERLAP}" TileSize="{TILE_SIZE}">'
        f'<Size Width="{width}" Height="{height}"/></Image>\n'
    ).encode()


def _jpeg(tile: Image.Image) -> bytes:
    buffer = io.BytesIO()
    tile.save(buffer, "JPEG", quality=JPEG_QUALITY)
    return buffer.getvalue()
