"""Deletion and insertion curves: does the activation map point at what the model uses?

After Petsiuk, Das and Saenko (RISE, BMVC 2018). Cells of the 14 x 14 map are taken away in the order of the map, and
the probability of the predicted class is followed: a map that points at what counts makes it fall early (small area
under the curve). Put back in the same order, it makes the probability rise early (large area).

What is taken away is replaced by the photograph's own blurred content. A grey or black patch would bring edges and a
colour that no smear has, and the fall could come from the patch; a blurred patch keeps the field's light and stain
and takes only what has form. What stain alone tells the model therefore stays, and shows as the curve's far end.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from torch import nn

from smear.tensor import SIDE, mask_scale_bar

Pixels = NDArray[np.uint8]
Order = NDArray[np.int64]
Curve = NDArray[np.float64]

#: Cells of the activation map each way, and a cell's width in pixels.
GRID = 14
CELL = SIDE // GRID

#: Steps from the whole photograph to nothing of it, of equally many cells each.
STEPS = 14

#: Standard deviation of the blur in pixels: a nucleus is about 20 wide, and none may be left to see.
BLUR = 12.0

#: Width in cells of what the occlusion order covers at a time; a nucleus fits into two.
WINDOW = 2

#: Pairs of a random order and its reverse.
RANDOM_PAIRS = 1

BATCH = 14


@dataclass(frozen=True, slots=True)
class Curves:
    """Probability of the predicted class along one order, FP64 [STEPS + 1] each.

    ``deletion`` starts with the whole photograph, ``insertion`` with the blurred one.
    """

    deletion: Curve
    insertion: Curve


def area(curve: Curve) -> float:
    """Area under a curve over the share of cells, 0 to 1 (trapezoids)."""
    return float(np.trapezoid(curve, dx=1 / (len(curve) - 1)))


def follow(
    network: nn.Module,
    pixels: Pixels,
    activation: NDArray[np.float32],
    target: int,
    random: np.random.Generator,
) -> dict[str, Curves]:
    """Curves of one photograph in the order of its map, of occlusion, and the mean over random orders.

    :param pixels: UINT8 [3, 224, 224] from ``smear.tensor``.
    :param activation: the map of class ``target``, FP32 [14, 14].
    :returns: by ``map``, ``occlusion`` and ``random``.
    """
    vague = _blurred(pixels)
    orders = {
        "map": [_falling(activation)],
        "occlusion": [_falling(_occlusion(network, pixels, vague, target))],
        "random": [random.permutation(GRID * GRID) for _ in range(RANDOM_PAIRS)],
    }
    flat = [order for found in orders.values() for order in found]
    # Putting back along an order passes through the same pictures as taking away along its reverse.
    steps = np.concatenate([_steps(order) for one in flat for order in (one, one[::-1])])
    ends = np.stack([np.zeros((GRID, GRID), dtype=bool), np.ones((GRID, GRID), dtype=bool)])
    answers, _ = _answers(network, pixels, vague, np.concatenate([ends, steps]), target)
    whole, nothing = answers[:2]
    falls = [
        np.concatenate([[whole], fall, [nothing]]) for fall in answers[2:].reshape(len(flat) * 2, STEPS - 1)
    ]
    pairs = {"map": falls[0:2], "occlusion": falls[2:4]}
    curves = {name: Curves(forth, back[::-1]) for name, (forth, back) in pairs.items()}
    chance = np.mean(falls[4:], axis=0)  # a random order's reverse is as random
    return curves | {"random": Curves(chance, chance[::-1])}


def _blurred(pixels: Pixels) -> Pixels:
    image = Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0)))
    return np.asarray(image.filter(ImageFilter.GaussianBlur(BLUR))).transpose(2, 0, 1)


def _answers(
    network: nn.Module, pixels: Pixels, vague: Pixels, removed: NDArray[np.bool_], target: int
) -> tuple[Curve, Curve]:
    """Probability and evidence of ``target`` with the cells ``removed`` (BOOL [n, 14, 14]) blurred, FP64 [n] each.

    The evidence is the class's logit above the mean of all, up to a constant: the mean of its map says as much.
    """
    device = next(network.parameters()).device
    probability, evidence = [], []
    for start in range(0, len(removed), BATCH):
        holes = removed[start : start + BATCH].repeat(CELL, axis=1).repeat(CELL, axis=2)[:, None]
        pictures = mask_scale_bar(np.where(holes, vague, pixels))
        with torch.inference_mode():
            answer, maps, *_ = network(torch.from_numpy(pictures).to(device))
        logits = maps.double().mean(dim=(2, 3))
        probability.append(answer[:, target].double().cpu().numpy())
        evidence.append((logits[:, target] - logits.mean(dim=1)).cpu().numpy())
    return np.concatenate(probability), np.concatenate(evidence)


def _steps(order: Order) -> NDArray[np.bool_]:
    """What is gone after each step but the first and the last, BOOL [STEPS - 1, 14, 14]."""
    place = np.empty(GRID * GRID, dtype=np.int64)
    place[order] = np.arange(GRID * GRID)
    gone = place[None] < np.arange(1, STEPS)[:, None] * (GRID * GRID / STEPS)
    return gone.reshape(-1, GRID, GRID)


def _falling(values: NDArray[np.floating]) -> Order:
    """Indices of the 196 cells, the highest value first; equal ones in reading order."""
    return np.argsort(-values.ravel(), kind="stable").astype(np.int64)


def _occlusion(network: nn.Module, pixels: Pixels, vague: Pixels, target: int) -> Curve:
    """How far blurring each window of cells brings the evidence down, FP64 [14, 14].

    Not the probability: where that is nearly 1 it hardly moves, and rounding would order the windows.
    """
    across = GRID // WINDOW
    windows = np.eye(across * across, dtype=bool).reshape(-1, across, across)
    removed = windows.repeat(WINDOW, axis=1).repeat(WINDOW, axis=2)
    _, left = _answers(network, pixels, vague, removed, target)
    return -left.reshape(across, across).repeat(WINDOW, axis=0).repeat(WINDOW, axis=1)
