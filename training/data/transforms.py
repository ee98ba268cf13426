"""The ways a recipe may look at a photograph: as the server does, augmented, or as an ablation asks."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from smear import nuclei
from smear.tensor import SIDE, mask_scale_bar
from training.data.augment import Strength, augment, generator
from training.data.manifest import Photograph, load, load_unmasked
from training.data.normalise import NORMALISATIONS


@dataclass(frozen=True, slots=True)
class Transform:
    """One way of looking at every photograph.

    ``recipe`` is everything ``make`` depends on besides the photograph, and so part of the cache's name; ``make``
    gives the UINT8 [3, side, side] input.
    """

    name: str
    recipe: dict[str, Any]
    make: Callable[[Photograph], NDArray[np.uint8]]
    side: int = 224


def clean(normalise: str = "none", masked: bool = True, side: int = SIDE) -> Transform:
    """The photograph as it is: what the server sees, unless an ablation changes it."""

    def make(photograph: Photograph) -> NDArray[np.uint8]:
        return _prepared(NORMALISATIONS[normalise](load_unmasked(photograph)), masked, side)

    plain = normalise == "none" and masked and side == SIDE
    name = "clean" if plain else f"clean-{normalise}-{'masked' if masked else 'unmasked'}-{side}"
    recipe = {"normalise": normalise, "masked": masked}
    return Transform(name, recipe, load if plain else make, side)


def augmented(version: int, seed: int, strength: Strength) -> Transform:
    """One augmented version of each photograph, the same ones again for the same seed."""

    def make(photograph: Photograph) -> NDArray[np.uint8]:
        return augment(load(photograph), generator(photograph.sha256, version, seed), strength)

    return Transform(
        f"augmented{version}", {"version": version, "seed": seed, "strength": asdict(strength)}, make
    )


def background() -> Transform:
    """The photograph with its nucleated cells painted out: what the background alone gives away."""

    return Transform("background", {"painted_out": "nucleated cells"}, lambda one: painted_out(load(one)))


def painted_out(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """UINT8 [3, 224, 224] without its nucleated cells."""
    return mask_scale_bar(nuclei.paint_out(pixels, nuclei.nuclei(pixels)))


def _prepared(pixels: NDArray[np.uint8], masked: bool, side: int) -> NDArray[np.uint8]:
    if masked:
        pixels = mask_scale_bar(pixels)
    if side != SIDE:
        image = Image.fromarray(pixels.transpose(1, 2, 0)).resize((side, side), Image.Resampling.BICUBIC)
        pixels = np.ascontiguousarray(np.asarray(image).transpose(2, 0, 1))
    return pixels
