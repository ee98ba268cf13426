"""Deep Zoom pyramids of large photographs, so that a viewer loads what it shows and not 100 megapixels at once.

The worker builds a pyramid when the photograph has been stored; should it not be there when somebody looks, the
request builds it. Decoding takes most of the time and the memory (4 bytes a pixel, and a quarter of that for the
next level), so a photograph is decoded once and all levels are written, one pyramid at a time in a process.

Beside ``<photograph>.jpg`` lie ``<photograph>.tiles/<level>/<column>_<row>.jpg`` and, written last,
``<photograph>.tiles/image.dzi``: a pyramid without it is not complete.
"""

import contextlib
import io
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from django.core.files.base import ContentFile
from django.db import transaction
from django.db.models.fields.files import FieldFile
from PIL import Image

from portal.cases.models import SmearImage

TILE_SIZE = 512
OVERLAP = 1
JPEG_QUALITY = 90
#: A photograph whose longer side has more pixels than this is shown by tiles.
WHOLE_UP_TO = 4096

Size = tuple[int, int]

_one_at_a_time = threading.Lock()


class NoTiles(Exception):
    """The photograph has no pyramid: it is small, or it is gone."""


@dataclass(frozen=True, slots=True)
class Tile:
    """One tile and the box (left, top, right, bottom) of its level's pixels that it shows, overlap included."""

    level: int
    column: int
    row: int
    box: tuple[int, int, int, int]


def has_tiles(image: SmearImage) -> bool:
    """Whether the photograph is shown by tiles; asks the row only, not the storage."""
    return max(image.width, image.height) > WHOLE_UP_TO


def descriptor(image: SmearImage) -> bytes:
    """The Deep Zoom descriptor (XML) of a photograph. It can be had before the tiles."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<Image xmlns="http://schemas.microsoft.com/deepzoom/2008" Format="jpg" '
        f'Overlap="{OVERLAP}" TileSize="{TILE_SIZE}">'
        f'<Size Width="{image.width}" Height="{image.height}"/></Image>\n'
    ).encode()


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


def tile_file(image: SmearImage, level: int, column: int, row: int) -> FieldFile:
    """A tile as a stored file, whether or not it has been built. Raises NoTiles where the pyramid has no such tile."""
    width, height = dict(levels((image.width, image.height))).get(level, (0, 0))
    if not has_tiles(image) or column * TILE_SIZE >= width or row * TILE_SIZE >= height:
        raise NoTiles(f"tile {level}/{column}_{row} of photograph {image.pk}")
    return FieldFile(image, image.file.field, _tile_name(image, level, column, row))


def ensure_tiles(image_id: UUID) -> None:
    """Build the pyramid of a photograph unless it is complete.

    Whoever comes second waits for the first and finds it done. Raises NoTiles.
    """
    with _one_at_a_time, transaction.atomic():
        # The lock keeps the photograph from being removed meanwhile; rows that refer to it may be added.
        image = SmearImage.objects.select_for_update(no_key=True).filter(pk=image_id).first()
        if image is None or not has_tiles(image):
            raise NoTiles(f"photograph {image_id}")
        if not image.file.storage.exists(_descriptor_name(image)):
            top, _size = levels((image.width, image.height))[0]
            if image.file.storage.exists(_tile_name(image, top, 0, 0)):
                remove_tiles(image)  # a build was cut off
            _build(image)


def _build(image: SmearImage) -> None:
    storage = image.file.storage
    try:
        with image.file.open("rb") as stored, Image.open(stored) as opened:
            opened.load()
            picture: Image.Image = opened
            for level, size in levels(opened.size):
                if picture.size != size:
                    picture = picture.reduce(2)
                for tile in tiles_of(level, size):
                    name = _tile_name(image, level, tile.column, tile.row)
                    storage.save(name, ContentFile(_jpeg(picture.crop(tile.box))))
    except FileNotFoundError as error:
        raise NoTiles(f"photograph {image.pk} has no file") from error
    storage.save(_descriptor_name(image), ContentFile(descriptor(image)))


def remove_tiles(image: SmearImage) -> None:
    """Remove a photograph's pyramid, whether or not all of it is there."""
    storage = image.file.storage
    if not has_tiles(image):
        return
    names = [_descriptor_name(image)]
    for level, size in levels((image.width, image.height)):
        tiles = [_tile_name(image, level, tile.column, tile.row) for tile in tiles_of(level, size)]
        names += [*tiles, f"{_folder(image)}/{level}"]
    for name in [*names, _folder(image)]:
        # A folder goes with its last file where the storage has folders at all.
        with contextlib.suppress(OSError):
            storage.delete(name)


def _folder(image: SmearImage) -> str:
    return f"cases/{image.case_id}/{image.pk}.tiles"


def _tile_name(image: SmearImage, level: int, column: int, row: int) -> str:
    return f"{_folder(image)}/{level}/{column}_{row}.jpg"


def _descriptor_name(image: SmearImage) -> str:
    return f"{_folder(image)}/image.dzi"


def _jpeg(tile: Image.Image) -> bytes:
    buffer = io.BytesIO()
    tile.save(buffer, "JPEG", quality=JPEG_QUALITY)
    return buffer.getvalue()
