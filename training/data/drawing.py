"""How a drawn smear comes about: cells as density of stain, and a slide that is looked at through a microscope.

Density of three stains is summed and looked at through the law of Beer and Lambert, so that overlapping cells darken,
and stain and lamp change as they do on a microscope: both belong to the *slide*, while the class belongs to the
*cells*. Total nuclear area, number of red cells, stain and light are drawn independently of the class.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from smear.tensor import SIDE

Plane = NDArray[np.float32]

#: Cells are drawn this much larger and brought down, which smooths their edges as a lens does.
OVERSAMPLING = 2

#: Nuclei cover between these shares of a field, whatever the class: few large ones or many small ones.
NUCLEAR_AREA = (0.035, 0.13)


@dataclass(frozen=True, slots=True)
class Morphology:
    """Nucleated cells of one class. Lengths in pixels of a field of 224, shares without unit."""

    nucleus_radius: float
    cell_to_nucleus: float
    irregularity: float
    chromatin_grain: float
    chromatin_contrast: float
    nucleoli: tuple[int, int]


MORPHOLOGIES: Mapping[str, Morphology] = {
    "Benign": Morphology(6.6, 1.12, 0.06, 1.6, 0.45, (0, 0)),
    "Early": Morphology(9.0, 1.08, 0.32, 1.1, 0.16, (0, 1)),
    "Pre": Morphology(9.8, 1.14, 0.05, 1.1, 0.16, (2, 4)),
    "Pro": Morphology(11.6, 1.38, 0.10, 2.6, 0.28, (0, 1)),
}


@dataclass(frozen=True, slots=True)
class Slide:
    """What all photographs of one slide share, whatever its class.

    ``background`` is the lamp's colour (RGB, 0 to 1); ``nuclear``, ``cytoplasm`` and ``red_cell`` are absorbances per
    channel, FP32 [3]; ``red_cells`` is how many a 224-pixel field holds, ``pallor`` how light their centres are.
    """

    background: Plane
    nuclear: Plane
    cytoplasm: Plane
    red_cell: Plane
    red_cells: float
    red_cell_radius: float
    pallor: float
    focus: float


def draw_slide(random: np.random.Generator) -> Slide:
    """Another slide: lamp, white balance, stain and film vary as between laboratories and days."""
    strength = random.uniform(0.7, 1.15)
    violet, grey = random.uniform(0, 1, 2)
    return Slide(
        background=random.uniform(0.93, 1.0) * _colour(random.uniform((242, 243, 236), (255, 255, 255))),
        nuclear=strength * _absorbance((98, 70, 196), (176, 92, 208), violet),
        cytoplasm=strength * _absorbance((128, 134, 216), (214, 164, 226), violet),
        red_cell=random.uniform(0.7, 1.1) * _absorbance((158, 176, 186), (206, 172, 176), grey),
        red_cells=random.uniform(60, 170),
        red_cell_radius=random.uniform(6.0, 8.0),
        pallor=random.uniform(0.25, 0.85),
        focus=random.uniform(0.2, 0.9),
    )


def draw_stage(label: str, random: np.random.Generator, slide: Slide, width: int, height: int) -> Plane:
    """Optical density of a piece of slide, FP32 [OVERSAMPLING * height, OVERSAMPLING * width, 3].

    Cells are sized for a field of ``height`` pixels. A cell is an outline that waves, filled with a texture; it may
    reach over the edge.
    """
    unit = OVERSAMPLING * height / SIDE
    shape = (OVERSAMPLING * height, OVERSAMPLING * width)
    nuclear, cytoplasm, red = (np.zeros(shape, dtype=np.float32) for _ in range(3))
    placed = _Places(random, shape)
    wanted = random.uniform(*NUCLEAR_AREA) * shape[0] * shape[1]
    form = MORPHOLOGIES[label]
    while wanted > 0:
        radius = unit * form.nucleus_radius * float(np.exp(random.normal(0, 0.1)))
        _nucleated_cell(random, nuclear, cytoplasm, placed.next(radius * form.cell_to_nucleus), radius, form)
        wanted -= np.pi * radius**2
    for _ in range(int(random.integers(0, 3))):
        _smudge(random, nuclear, cytoplasm, placed.next(unit * 12), unit * random.uniform(9, 15))
    for _ in range(int(random.integers(0, 8))):
        _stamp(random, nuclear, placed.anywhere(), unit * random.uniform(0.8, 1.8), 0.4, 0.55)
    for _ in range(int(slide.red_cells * random.uniform(0.8, 1.2) * width / height)):
        radius = unit * slide.red_cell_radius * float(np.exp(random.normal(0, 0.06)))
        _red_cell(random, red, placed.next(radius, tries=3), radius, slide.pallor)
    density: Plane = (
        nuclear[..., None] * slide.nuclear
        + cytoplasm[..., None] * slide.cytoplasm
        + red[..., None] * slide.red_cell
    )
    return density


def photograph(stage: Plane, random: np.random.Generator, slide: Slide, noise: float) -> NDArray[np.uint8]:
    """What a camera sees of a square stage: UINT8 [side, side, 3], where the stage is ``OVERSAMPLING`` times as wide.

    The lamp is brighter on one side, the lens a little out of focus, and the sensor adds normal ``noise`` (standard
    deviation, of 255).
    """
    side = stage.shape[0] // OVERSAMPLING
    slope = np.linspace(-1, 1, stage.shape[0], dtype=np.float32)
    tilt = random.uniform(-0.03, 0.03, 2)
    lamp = 1 + tilt[0] * slope[:, None] + tilt[1] * slope[None, :]
    light = slide.background * np.exp(-stage) * lamp[..., None].astype(np.float32)
    image = Image.fromarray((light.clip(0, 1) * 255 + 0.5).astype(np.uint8))
    image = image.resize((side, side), Image.Resampling.BICUBIC)
    image = image.filter(ImageFilter.GaussianBlur(slide.focus * side / SIDE))
    grainy = np.asarray(image, dtype=np.float32) + random.normal(0, noise, (side, side, 3))
    return (grainy.clip(0, 255) + 0.5).astype(np.uint8)


class _Places:
    """Where cells lie: apart when there is room, overlapping when the film is crowded."""

    def __init__(self, random: np.random.Generator, shape: tuple[int, int]) -> None:
        self.random = random
        self.shape = shape
        self.taken: list[tuple[float, float, float]] = []

    def anywhere(self) -> tuple[float, float]:
        y, x = self.random.uniform((0, 0), self.shape)
        return float(y), float(x)

    def next(self, radius: float, tries: int = 12) -> tuple[float, float]:
        """Centre for a cell of ``radius``: the first of some places without overlap, or the one with the least."""
        best, most = (0.0, 0.0), -np.inf
        taken = np.array(self.taken, dtype=np.float64).reshape(-1, 3)
        for _ in range(tries):
            y, x = self.anywhere()
            gaps = np.hypot(taken[:, 0] - y, taken[:, 1] - x) - 0.93 * (taken[:, 2] + radius)
            gap = float(gaps.min(initial=radius))
            if gap > most:
                best, most = (y, x), gap
            if gap >= 0:
                break
        self.taken.append((*best, radius))
        return best


def _nucleated_cell(
    random: np.random.Generator,
    nuclear: Plane,
    cytoplasm: Plane,
    centre: tuple[float, float],
    radius: float,
    form: Morphology,
) -> None:
    """Nucleus of ``radius`` with chromatin and nucleoli, off the middle of its cytoplasm."""
    cell = radius * form.cell_to_nucleus
    _stamp(random, cytoplasm, centre, cell, 0.06, random.uniform(0.5, 0.8), grain=4, contrast=0.12)
    away, angle = random.uniform(0.3, 0.9) * (cell - radius), random.uniform(0, 2 * np.pi)
    middle = (centre[0] + away * np.sin(angle), centre[1] + away * np.cos(angle))
    density = random.uniform(0.7, 1.0)
    grain = form.chromatin_grain * OVERSAMPLING
    _stamp(random, nuclear, middle, radius, form.irregularity, density, grain, form.chromatin_contrast)
    for _ in range(int(random.integers(form.nucleoli[0], form.nucleoli[1] + 1))):
        away, angle = random.uniform(0, 0.55) * radius, random.uniform(0, 2 * np.pi)
        spot = (middle[0] + away * np.sin(angle), middle[1] + away * np.cos(angle))
        _stamp(random, nuclear, spot, radius * random.uniform(0.16, 0.24), 0.1, -0.55 * density)


def _smudge(
    random: np.random.Generator, nuclear: Plane, cytoplasm: Plane, centre: tuple[float, float], radius: float
) -> None:
    """A burst cell: a pale, ragged cloud of chromatin, as found in every film."""
    _stamp(random, nuclear, centre, radius, 0.35, random.uniform(0.15, 0.3), grain=5, contrast=0.35)
    _stamp(random, cytoplasm, centre, 1.1 * radius, 0.4, random.uniform(0.1, 0.4), grain=6, contrast=0.3)


def _red_cell(
    random: np.random.Generator, plane: Plane, centre: tuple[float, float], radius: float, pallor: float
) -> None:
    density = random.uniform(0.85, 1.1)
    _stamp(random, plane, centre, radius, 0.09, density)
    _stamp(
        random, plane, centre, 0.5 * radius, 0.12, -density * pallor * random.uniform(0.7, 1), softness=0.7
    )


def _stamp(
    random: np.random.Generator,
    plane: Plane,
    centre: tuple[float, float],
    radius: float,
    irregularity: float,
    density: float,
    grain: float = 0,
    contrast: float = 0,
    softness: float = 0.12,
) -> None:
    """Add a waving disc to ``plane``, in place; nothing goes below zero.

    :param irregularity: how far the outline waves, as a share of the radius.
    :param grain: size of the texture's clumps in pixels of the plane; 0 fills evenly.
    :param contrast: standard deviation of the texture as a share of the density; its mean stays.
    :param softness: width of the edge as a share of the radius.
    """
    reach = radius * (1.3 + 1.5 * irregularity + softness)
    top, left = (max(0, int(middle - reach)) for middle in centre)
    bottom, right = (
        min(end, int(middle + reach) + 1) for middle, end in zip(centre, plane.shape, strict=True)
    )
    if top >= bottom or left >= right:
        return
    y, x = np.ogrid[top - centre[0] : bottom - centre[0], left - centre[1] : right - centre[1]]
    y, x = y[: bottom - top], x[:, : right - left]
    angle = np.arctan2(y, x)
    waves = range(2, 6)
    phases, heights = random.uniform(0, 2 * np.pi, 4), random.normal(0, irregularity, 4)
    outline = 1 + sum(h / k * np.cos(k * angle + p) for k, h, p in zip(waves, heights, phases, strict=True))
    cover = ((outline - np.hypot(y, x) / radius) / softness + 0.5).clip(0, 1)
    if grain:
        cover = cover * (1 + contrast * _texture(random, cover.shape, grain)).clip(0.1, 2)
    patch = plane[top:bottom, left:right]
    np.maximum(patch + density * cover, 0, out=patch, casting="same_kind")


def _texture(random: np.random.Generator, shape: tuple[int, ...], grain: float) -> Plane:
    """Smooth noise of mean 0 and standard deviation about 1, with clumps of ``grain`` pixels."""
    small = [max(2, round(length / grain) + 1) for length in shape]
    coarse = Image.fromarray(random.normal(0, 1.4, small).astype(np.float32))
    return np.asarray(coarse.resize((shape[1], shape[0]), Image.Resampling.BICUBIC), dtype=np.float32)


def _colour(values: Any) -> Plane:
    return np.asarray(values, dtype=np.float32) / np.float32(255)


def _absorbance(one: tuple[int, int, int], other: tuple[int, int, int], share: float) -> Plane:
    """Optical density per channel of a colour on a white field, ``share`` of the way from ``one`` to ``other``."""
    mixed = (1 - share) * _colour(one) + share * _colour(other)
    return -np.log(mixed).astype(np.float32)
