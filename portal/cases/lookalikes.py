"""Whether a photograph is stored already, although it was saved again, scaled, turned or cut at an edge in between."""

from collections.abc import Iterable
from typing import Any, Protocol

from django.db.models import QuerySet

from smear.likeness import alike, stacked


class Picture(Protocol):
    """What two pictures are compared by: ``SmearImage``, ``QuickLook`` and ``Exposure`` have it."""

    @property
    def pixel_sha256(self) -> str: ...

    @property
    def perceptual_hash(self) -> bytes | memoryview | None: ...


def lookalikes(pictures: QuerySet[Any], wanted: Iterable[Picture]) -> set[Any]:
    """The primary keys of the stored pictures that show one of the wanted ones.

    They do where they have the same pixels, or are alike by ``smear.likeness``. ``pictures`` are rows of a model with
    the fields of ``Picture``: one query, and the hashes are compared here.
    """
    pixels, hashes = set(), set()
    for picture in wanted:
        pixels.add(picture.pixel_sha256)
        if picture.perceptual_hash is not None:
            hashes.add(bytes(picture.perceptual_hash))
    stored = list(pictures.order_by().values_list("pk", "pixel_sha256", "perceptual_hash"))
    found = {pk for pk, sha256, _hash in stored if sha256 in pixels}
    hashed = [(pk, bytes(known)) for pk, _sha256, known in stored if known is not None]
    if hashed:
        rows = stacked(known for _pk, known in hashed)
        for one in hashes:
            found |= {pk for (pk, _known), is_alike in zip(hashed, alike(one, rows), strict=True) if is_alike}
    return found
