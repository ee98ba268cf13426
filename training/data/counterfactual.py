"""Pictures that tell whether cells are read or the slide: either without the other, or of two different fields.

A photograph's stain, light and ground go with its class in this data set, so a classifier that reads them is right on
photographs and wrong on patients. Each kind of picture here separates the two, and says what a reader of cells does.

Method. Nuclei by ``smear.nuclei.nuclei``, whole cells by ``smear.nuclei.cells``. Optical density
``d = -ln((I + 8) / (L + 8))`` per channel against the field's own light ``L``, its 90th percentile per channel
(Lambert-Beer; Ruifrok and Johnston, Anal Quant Cytol Histol 23:291, 2001); under another light ``L'`` the picture is
``(L' + 8) exp(-d) - 8``.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from smear import nuclei
from smear.regions import Mask
from smear.tensor import mask_scale_bar

Pixels = NDArray[np.uint8]

#: Added to intensities before the logarithm: keeps the noise of black pixels down.
DARK = 8.0
#: The light of a field, of its intensities per channel.
LIGHT_PERCENTILE = 90
#: Bounds of the ratio of two stains' densities; beyond them no laboratory's stain lies.
LEAST_RATIO, MOST_RATIO = 1 / 3, 3.0


class Kind(StrEnum):
    """The four kinds, in the order in which they are shown."""

    CELLS_ALONE = "cells_alone"
    PAINTED_OUT = "painted_out"
    OTHER_GROUND = "other_ground"
    OTHER_STAIN = "other_stain"


@dataclass(frozen=True)
class Field:
    """A photograph as the model takes it, UINT8 [3, 224, 224], with what its pictures are made of."""

    pixels: Pixels

    @cached_property
    def nuclei(self) -> Mask:
        """BOOL [224, 224]."""
        return nuclei.nuclei(self.pixels)

    @cached_property
    def cells(self) -> Mask:
        """The whole nucleated cells, BOOL [224, 224]."""
        return nuclei.cells(self.pixels, self.nuclei)

    @cached_property
    def light(self) -> NDArray[np.float32]:
        """Of the empty background, FLOAT32 [3, 1, 1], 0 to 255."""
        light = np.percentile(self.pixels.reshape(3, -1), LIGHT_PERCENTILE, axis=1)
        return light.astype(np.float32)[:, None, None]

    @cached_property
    def density(self) -> NDArray[np.float32]:
        """Optical density, FLOAT32 [3, 224, 224]."""
        shown: NDArray[np.float32] = -np.log((self.pixels.astype(np.float32) + DARK) / (self.light + DARK))
        return shown

    @cached_property
    def stain(self) -> NDArray[np.float32]:
        """Mean density of the nuclei, FLOAT32 [3, 1, 1]."""
        mean: NDArray[np.float32] = self.density[:, self.nuclei].mean(axis=1)[:, None, None]
        return mean

    @property
    def has_cells(self) -> bool:
        return bool(self.nuclei.any())


def make(kind: Kind, field: Field, other: Field) -> Pixels:
    """The picture of a kind, UINT8 [3, 224, 224], its scale-bar corner masked again.

    :param field: whose cells are shown, or painted out.
    :param other: of another class: whose ground, light or stain is shown. Cells alone and painted out need none of it.
    :raises ValueError: where either shows no nucleated cell.
    """
    if not (field.has_cells and other.has_cells):
        raise ValueError("a field without a nucleated cell has nothing to tell apart")
    return mask_scale_bar(_MAKERS[kind](field, other))


def _cells_alone(field: Field, other: Field) -> Pixels:
    empty = np.broadcast_to(field.light.round().astype(np.uint8), field.pixels.shape)
    return np.where(field.cells, field.pixels, empty)


def _painted_out(field: Field, other: Field) -> Pixels:
    return nuclei.paint_out(field.pixels, field.nuclei)


def _other_ground(field: Field, other: Field) -> Pixels:
    ground = nuclei.paint_out(other.pixels, other.nuclei)
    return np.where(field.cells, _under(other.light, field.density), ground)


def _other_stain(field: Field, other: Field) -> Pixels:
    ratio = np.clip(other.stain / np.maximum(field.stain, 1e-3), LEAST_RATIO, MOST_RATIO).astype(np.float32)
    return _under(other.light, field.density * ratio)


_MAKERS = {
    Kind.CELLS_ALONE: _cells_alone,
    Kind.PAINTED_OUT: _painted_out,
    Kind.OTHER_GROUND: _other_ground,
    Kind.OTHER_STAIN: _other_stain,
}


def _under(light: NDArray[np.float32], density: NDArray[np.float32]) -> Pixels:
    values = (light + DARK) * np.exp(-density) - DARK
    shown: Pixels = (values.clip(0, 255) + 0.5).astype(np.uint8)
    return shown
