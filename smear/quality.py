"""Whether a photograph of a field is fit to be read: shape, colours, focus, exposure, emptiness, nucleated cells.

Everything is measured on the field as the model gets it (``smear.tensor``: squeezed to 224x224, scale-bar
corner left out), so the thresholds hold for a photograph of any size, and a blur that is gone at that size is
none. The thresholds are advice to the sender, never a refusal.
"""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from smear.nuclei import count, nuclei
from smear.tensor import MASK_START, SIDE, to_tensor

Pixels = NDArray[np.uint8]

# The thresholds below are what ``python -m training quality`` proposes, rounded; it measures the five
# folds of splits/v2.csv, so that at most 1 % of them are flagged for any measure (docs/quality.md).

#: ``focus`` below this is out of focus.
LEAST_FOCUS = 2.4
#: ``background`` below this is too dark, of 255.
LEAST_BACKGROUND = 190.0
#: ``clipped_bright`` above this is too bright.
MOST_CLIPPED_BRIGHT = 0.3
#: ``clipped_dark`` above this has black areas.
MOST_CLIPPED_DARK = 0.15
#: ``stained`` below this is an empty field.
LEAST_STAINED = 0.05
#: Fewer ``nucleated_cells`` than this are too few.
LEAST_NUCLEATED_CELLS = 1
#: ``aspect_ratio`` above this is an odd shape: cells are squeezed to less than half their width.
MOST_ASPECT_RATIO = 2.0
#: ``red_over_blue`` below this has red and blue swapped.
LEAST_RED_OVER_BLUE = -0.07

#: Channel values from which a pixel counts as clipped: bright in all channels, dark in all.
BRIGHT, DARK = 253, 20
#: Optical density in green from which a pixel holds stained content; red cells have about 0.4.
STAINED_DENSITY = 0.15
#: Chromatin is purple whatever the order of channels: dense in green, and by so much denser than in red and blue.
PURPLE_DENSITY, PURPLE_EXCESS = 0.3, 0.1
#: Fewer such pixels of the field say nothing of its colours.
LEAST_PURPLE = 100

#: What is measured, without the scale-bar corner; a margin keeps the corner's edge out of the differences.
_FIELD = np.ones((SIDE, SIDE), dtype=bool)
_FIELD[MASK_START - 8 :, MASK_START - 8 :] = False


class Reason(StrEnum):
    """What is wrong with a photograph."""

    ODD_SHAPE = "odd_shape"
    CHANNELS_SWAPPED = "channels_swapped"
    UNDEREXPOSED = "underexposed"
    OVEREXPOSED = "overexposed"
    BLACK_AREAS = "black_areas"
    EMPTY = "empty"
    OUT_OF_FOCUS = "out_of_focus"
    FEW_NUCLEATED_CELLS = "few_nucleated_cells"


@dataclass(frozen=True, slots=True)
class Quality:
    """The measures of one photograph.

    ``focus``: fall of fine detail from blur 1 to blur 2 pixels, the lower of both axes, no unit.
    ``background``: 90th percentile of luma, 0..255. ``clipped_bright``, ``clipped_dark``, ``stained``: shares
    of the field, 0..1. ``nucleated_cells``: an estimate (``smear.nuclei.count``). ``aspect_ratio``: longer side
    over shorter. ``red_over_blue``: optical density of chromatin in red less that in blue, 0 where there is none.
    """

    focus: float
    background: float
    clipped_bright: float
    clipped_dark: float
    stained: float
    nucleated_cells: int
    aspect_ratio: float = 1.0
    red_over_blue: float = 0.0

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """What a person should correct, most important first; empty for a good photograph.

        A measure speaks only where it can be trusted: bright pixels hide most stain and edges, an empty field
        has no focus, and cells are counted in photographs with nothing else wrong.
        """
        too_bright = self.clipped_bright > MOST_CLIPPED_BRIGHT
        too_dark = self.background < LEAST_BACKGROUND
        least_stained = LEAST_STAINED / 5 if too_bright else LEAST_STAINED
        empty = self.stained < least_stained and not too_dark
        found = [
            reason
            for reason, holds in (
                (Reason.ODD_SHAPE, self.aspect_ratio > MOST_ASPECT_RATIO),
                (Reason.CHANNELS_SWAPPED, self.red_over_blue < LEAST_RED_OVER_BLUE),
                (Reason.UNDEREXPOSED, too_dark),
                (Reason.OVEREXPOSED, too_bright),
                (Reason.BLACK_AREAS, self.clipped_dark > MOST_CLIPPED_DARK),
                (Reason.EMPTY, empty),
                (Reason.OUT_OF_FOCUS, self.focus < LEAST_FOCUS and not empty and not too_bright),
            )
            if holds
        ]
        if not found and self.nucleated_cells < LEAST_NUCLEATED_CELLS:
            found.append(Reason.FEW_NUCLEATED_CELLS)
        return tuple(found)

    def to_json(self) -> dict[str, Any]:
        """What is stored: ``{"measures": {name: number}, "reasons": [code]}``, floats to four places."""
        measures = {name: round(value, 4) for name, value in asdict(self).items()}
        return {"measures": measures, "reasons": [reason.value for reason in self.reasons]}


def assess(photograph: Image.Image | Pixels) -> Quality:
    """Measure one photograph.

    :param photograph: a decoded RGB image of any size, or the model's input tensor, UINT8 [3, 224, 224].
    :raises ValueError: when an image is not RGB, or pixels have another shape.
    """
    aspect_ratio = 1.0
    if isinstance(photograph, Image.Image):
        aspect_ratio = max(photograph.size) / min(photograph.size)
    pixels = to_tensor(photograph) if isinstance(photograph, Image.Image) else photograph
    if pixels.shape != (3, SIDE, SIDE):
        raise ValueError(f"expected pixels of shape (3, {SIDE}, {SIDE}), got {pixels.shape}")
    image = Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0)))
    luma = np.asarray(image.convert("L"))[_FIELD]
    return Quality(
        focus=_focus(image.convert("L")),
        background=float(np.percentile(luma, 90)),
        clipped_bright=float((pixels.min(axis=0)[_FIELD] >= BRIGHT).mean()),
        clipped_dark=float((pixels.max(axis=0)[_FIELD] <= DARK).mean()),
        stained=_stained(image.getchannel("G")),
        nucleated_cells=count(nuclei(pixels)),
        aspect_ratio=aspect_ratio,
        red_over_blue=_red_over_blue(image),
    )


def _focus(luma: Image.Image) -> float:
    """Variance of second differences at blur 1 over that at blur 2, the lower of the two axes.

    The variance of the Laplacian (Pech-Pacheco et al., ICPR 2000) depends on how much there is to see, and
    rises with noise. Its fall when the picture is blurred again (the idea of Crete et al., SPIE 6492, 2007)
    does not: a sharp picture loses much, a blurred one has little to lose. Blur 1 first takes noise and JPEG
    blocks out. One axis at a time finds movement as well.
    """
    fine, coarse = (_second_differences(luma.filter(ImageFilter.GaussianBlur(blur))) for blur in (1, 2))
    return float((fine / (coarse + 1e-3)).min())


def _second_differences(luma: Image.Image) -> NDArray[np.float32]:
    values = np.asarray(luma, dtype=np.float32)
    across = values[:, 2:] + values[:, :-2] - 2 * values[:, 1:-1]
    down = values[2:] + values[:-2] - 2 * values[1:-1]
    return np.array([across[_FIELD[:, 1:-1]].var(), down[_FIELD[1:-1]].var()], dtype=np.float32)


def _density(channel: Image.Image) -> NDArray[np.float32]:
    """Optical density over the field, against its own ground."""
    smooth = np.asarray(channel.filter(ImageFilter.BoxBlur(1)), dtype=np.float32)[_FIELD]
    density: NDArray[np.float32] = np.log((np.percentile(smooth, 90) + 8) / (smooth + 8))
    return density


def _stained(green: Image.Image) -> float:
    return float((_density(green) > STAINED_DENSITY).mean())


def _red_over_blue(image: Image.Image) -> float:
    """How much more red than blue light the chromatin swallows: all usual stains let the blue through."""
    red, green, blue = (_density(channel) for channel in image.split())
    purple = (green > PURPLE_DENSITY) & (green - np.maximum(red, blue) > PURPLE_EXCESS)
    return float((red - blue)[purple].mean()) if purple.sum() >= LEAST_PURPLE else 0.0
