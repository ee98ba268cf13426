"""The same photograph is known again; another field of the same smear is not."""

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from smear.likeness import HASH_BYTES, MOST_DIFFERENT, alike, distances, perceptual_hash, stacked
from tests.smear.stained import draw

#: Six fields of one smear: the same stain, other cells in other places.
PHOTOGRAPHS = [
    draw(
        tuple((x, y) for x, y in np.random.default_rng(seed).integers(20, 200, (8, 2)).tolist()),
        size=(320, 240),
        seed=seed,
    ).image
    for seed in range(6)
]
Turn = Image.Transpose
#: What is done to a photograph that stays the same photograph.
Change = Callable[[Image.Image], Image.Image]


def saved(image: Image.Image, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer)


def cut(image: Image.Image, left: int, top: int, right: int = 0, bottom: int = 0) -> Image.Image:
    return image.crop((left, top, image.width - right, image.height - bottom))


CHANGES: dict[str, Change] = {
    "cut by a pixel": lambda image: cut(image, 1, 0),
    "cut by a few pixels": lambda image: cut(image, 3, 2, 1, 4),
    "saved again": lambda image: saved(image, 40),
    "a little smaller": lambda image: image.resize((image.width * 9 // 10, image.height * 9 // 10)),
    "twice as large": lambda image: image.resize((image.width * 2, image.height * 2)),
    "brighter": lambda image: image.point(lambda level: min(255, level + 12)),
    "cut, smaller and saved again": lambda image: saved(cut(image, 2, 0, 0, 3).resize((290, 216)), 50),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_the_same_photograph_is_known_again(change: Change) -> None:
    for image in PHOTOGRAPHS:
        assert alike(perceptual_hash(change(image)), stacked([perceptual_hash(image)])).all()


@pytest.mark.parametrize("turn", list(Turn), ids=str)
def test_whichever_way_it_is_laid(turn: Image.Transpose) -> None:
    for image in PHOTOGRAPHS:
        (distance,) = distances(perceptual_hash(image.transpose(turn)), stacked([perceptual_hash(image)]))
        assert distance <= 8


def test_another_field_is_another_photograph() -> None:
    hashes = stacked(map(perceptual_hash, PHOTOGRAPHS))
    for place, image in enumerate(PHOTOGRAPHS):
        found = alike(perceptual_hash(image), hashes)
        assert found.tolist() == [other == place for other in range(len(PHOTOGRAPHS))]


def test_a_hash_is_the_same_each_time_and_the_mean_is_no_part_of_it() -> None:
    image = PHOTOGRAPHS[0]
    one = perceptual_hash(image)
    assert len(one) == HASH_BYTES
    assert perceptual_hash(image.copy()) == one
    assert not np.unpackbits(np.frombuffer(one, np.uint8))[0]
    assert alike(one, stacked([])).tolist() == []
    assert MOST_DIFFERENT < 255 // 2
