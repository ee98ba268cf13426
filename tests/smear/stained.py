"""Stained fields drawn with known nuclei, for the tests of nuclei and of image quality."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Stain:
    """Colours of the ground, the red cells, the nuclei and the rim of cytoplasm."""

    ground: Colour = (244, 246, 240)
    red_cell: Colour = (150, 160, 186)
    nucleus: Colour = (112, 66, 186)
    cytoplasm: Colour = (176, 176, 226)


#: As the stains of the data set look: blue-grey red cells, pink ones, a pale purple nucleus, a dark blue one.
STAINS = {
    "blue-grey": Stain(),
    "pink": Stain((214, 216, 220), (186, 130, 122), (104, 70, 178), (196, 176, 212)),
    "pale": Stain((250, 250, 236), (166, 180, 204), (190, 112, 216), (206, 190, 232)),
    "dark": Stain((228, 234, 244), (96, 130, 180), (44, 40, 168), (120, 140, 214)),
}

#: Centres (x, y) on the 224x224 square, apart from each other, the border and the scale-bar corner.
APART = ((50, 40), (120, 36), (180, 60), (46, 120), (110, 112), (168, 130), (60, 186), (130, 184))


@dataclass(frozen=True, slots=True)
class Drawing:
    """A drawn field and where its nuclei are."""

    pixels: NDArray[np.uint8]
    nuclei: NDArray[np.bool_]
    image: Image.Image = field(repr=False)


def draw(
    nuclei: tuple[tuple[int, int], ...] = APART,
    stain: Stain = STAINS["blue-grey"],
    radius: int = 11,
    red_cells: int = 60,
    size: tuple[int, int] = (224, 224),
    seed: int = 0,
) -> Drawing:
    """Red cells with pale centres, then nuclei with a rim of cytoplasm, blurred a little, with noise.

    Coordinates and ``radius`` are those of the 224x224 square and are stretched to ``size``.
    """
    random = np.random.default_rng(seed)
    width, height = size
    sx, sy = width / 224, height / 224
    image = Image.new("RGB", size, stain.ground)
    truth = Image.new("1", size)
    pen, mark = ImageDraw.Draw(image), ImageDraw.Draw(truth)

    def disc(x: float, y: float, r: float) -> tuple[float, float, float, float]:
        return ((x - r) * sx, (y - r) * sy, (x + r) * sx, (y + r) * sy)

    pale = tuple((one + other) // 2 for one, other in zip(stain.red_cell, stain.ground, strict=True))
    for x, y in random.uniform(0, 224, (red_cells, 2)):
        pen.ellipse(disc(x, y, 8), fill=stain.red_cell)
        pen.ellipse(disc(x, y, 3), fill=pale)
    for x, y in nuclei:
        pen.ellipse(disc(x, y, radius + 3), fill=stain.cytoplasm)
    for x, y in nuclei:
        pen.ellipse(disc(x, y, radius), fill=stain.nucleus)
        mark.ellipse(disc(x, y, radius), fill=1)
    smooth = np.asarray(image.filter(ImageFilter.GaussianBlur(0.7 * sx)), dtype=np.float32)
    noisy = np.clip(smooth + random.normal(0, 2, smooth.shape), 0, 255).astype(np.uint8)
    return Drawing(np.ascontiguousarray(noisy.transpose(2, 0, 1)), np.asarray(truth), Image.fromarray(noisy))
