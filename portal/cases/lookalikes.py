"""Whether a photograph is one that is stored already, although its file was saved again in between."""

import io
from collections.abc import Iterator

import numpy as np
from django.db.models import Q, QuerySet
from numpy.typing import NDArray
from PIL import Image

from portal.cases.models import SmearImage
from portal.cases.photographs import Photograph

#: What a photograph is stored as differs from the one that was taken by under 1.5 grey levels (mean over the
#: thumbnail), two fields by 30 and more. These lie between, and far above what measures change when saved again.
MOST_DIFFERENT = 5.0
BACKGROUND_LEVELS = 1.0
STAINED_SHARE = 0.02


def lookalikes(images: QuerySet[SmearImage], photograph: Photograph) -> Iterator[SmearImage]:
    """Those of the images that show the photograph: the same pixels, or the same picture saved again in its size.

    One that was cut or scaled is another photograph.
    """
    same = Q(pixel_sha256=photograph.fields["pixel_sha256"])
    background, stained = photograph.quality.background, photograph.quality.stained
    near = Q(
        width=photograph.fields["width"],
        height=photograph.fields["height"],
        quality__measures__background__gte=background - BACKGROUND_LEVELS,
        quality__measures__background__lte=background + BACKGROUND_LEVELS,
        quality__measures__stained__gte=stained - STAINED_SHARE,
        quality__measures__stained__lte=stained + STAINED_SHARE,
    )
    thumbnail = _pixels(photograph.thumbnail.read())
    photograph.thumbnail.seek(0)
    for image in images.filter(same | near):
        if image.pixel_sha256 == photograph.fields["pixel_sha256"] or _is_near(image, thumbnail):
            yield image


def _pixels(jpeg: bytes) -> NDArray[np.int16]:
    with Image.open(io.BytesIO(jpeg)) as picture:
        return np.asarray(picture.convert("RGB"), dtype=np.int16)


def _is_near(image: SmearImage, thumbnail: NDArray[np.int16]) -> bool:
    try:
        with image.thumbnail.open("rb") as file:
            stored = _pixels(file.read())
    except FileNotFoundError:
        return False
    return stored.shape == thumbnail.shape and float(np.abs(stored - thumbnail).mean()) < MOST_DIFFERENT
