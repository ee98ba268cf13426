"""Deep Zoom pyramids of large photographs, so that a viewer loads what it shows and not 100 megapixels at once.

The worker has a pyramid built when the photograph has been stored; should it not be there when somebody looks, the
request does. A bounded process decodes the photograph once and makes all levels (``confined.pictures``).

Next to ``<photograph>.jpg`` are ``<photograph>.tiles/<level>/<column>_<row>.jpg`` and, written last,
``<photograph>.tiles/image.dzi``: a pyramid without it is not complete.
"""

import contextlib
from uuid import UUID

from django.core.files.base import ContentFile
from django.db import transaction
from django.db.models.fields.files import FieldFile

from portal.cases import pictures
from portal.cases.models import SmearImage
from smear.pyramid import TILE_SIZE, descriptor, levels, tiles_of

#: A photograph whose longer side has more pixels than this is shown by tiles.
WHOLE_UP_TO = 4096


class NoTiles(Exception):
    """The photograph has no pyramid: it is small, or it is gone."""


def has_tiles(image: SmearImage) -> bool:
    """Whether the photograph is shown by tiles; asks the row only, not the storage."""
    return max(image.width, image.height) > WHOLE_UP_TO


def tile_file(image: SmearImage, level: int, column: int, row: int) -> FieldFile:
    """A tile as a stored file, whether or not it has been built. Raises NoTiles where the pyramid has no such tile."""
    width, height = dict(levels((image.width, image.height))).get(level, (0, 0))
    if not has_tiles(image) or column * TILE_SIZE >= width or row * TILE_SIZE >= height:
        raise NoTiles(f"tile {level}/{column}_{row} of photograph {image.pk}")
    return FieldFile(image, image.file.field, _tile_name(image, level, column, row))


def ensure_tiles(image_id: UUID) -> None:
    """Build the pyramid of a photograph unless it is complete.

    A second caller waits for the first and finds it done. Raises NoTiles, and as `pictures.tensor`.
    """
    with transaction.atomic():
        # The lock keeps the photograph from being removed in the meantime; rows that refer to it may be added.
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
        with image.file.open("rb") as stored:
            for place, content in pictures.tiles(stored):
                storage.save(_tile_name(image, *place), ContentFile(content))
    except FileNotFoundError as error:
        raise NoTiles(f"photograph {image.pk} has no file") from error
    storage.save(_descriptor_name(image), ContentFile(descriptor((image.width, image.height))))


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
