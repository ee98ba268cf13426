"""Stain normalisation, tried as an ablation: every photograph brought to one reference of colour.

The references are the medians over the training photographs of split v2, so nothing is fitted on what is tested.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.data.augment import STAINS

Pixels = NDArray[np.uint8]

#: Mean and standard deviation of the logarithmic optical densities per channel that Reinhard's method aims at.
REFERENCE_MEAN = np.array([0.16, 0.24, 0.09], dtype=np.float32)
REFERENCE_SPREAD = np.array([0.17, 0.20, 0.07], dtype=np.float32)

#: Optical density of the 99th percentile of the first two stains that the stain-vector method aims at.
REFERENCE_STAIN = np.array([1.0, 0.6], dtype=np.float32)


def none(pixels: Pixels) -> Pixels:
    """As it is."""
    return pixels


def moments(pixels: Pixels) -> Pixels:
    """Mean and spread of each channel's optical density brought to the reference.

    Reinhard et al., IEEE Comput Graph Appl 2001, in optical density instead of l-alpha-beta.
    """
    density = _density(pixels)
    mean, spread = density.mean(axis=1, keepdims=True), density.std(axis=1, keepdims=True) + 1e-4
    aimed = (density - mean) / spread * REFERENCE_SPREAD[:, None] + REFERENCE_MEAN[:, None]
    return _pixels(aimed, pixels.shape)


def stains(pixels: Pixels) -> Pixels:
    """White balance by the background, then each stain's strength brought to the reference.

    Ruifrok and Johnston's fixed stain vectors; the strength is the 99th percentile, as in Macenko et al., ISBI 2009.
    """
    density = _density(pixels)
    density -= np.quantile(density, 0.2, axis=1, keepdims=True)
    amounts = np.linalg.inv(STAINS).T @ density
    strength = np.quantile(amounts[:2], 0.99, axis=1).clip(0.05)
    amounts[:2] *= (REFERENCE_STAIN / strength)[:, None]
    return _pixels(STAINS.T @ amounts, pixels.shape)


NORMALISATIONS: dict[str, Callable[[Pixels], Pixels]] = {"none": none, "moments": moments, "stains": stains}


def _density(pixels: Pixels) -> NDArray[np.float32]:
    flat = pixels.reshape(3, -1).astype(np.float32)
    return -np.log(np.maximum(flat, 1) / 255)


def _pixels(density: NDArray[np.floating[Any]], shape: tuple[int, ...]) -> Pixels:
    values = np.exp(-density) * 255
    pixels: Pixels = (values.clip(0, 255) + 0.5).astype(np.uint8).reshape(shape)
    return pixels
