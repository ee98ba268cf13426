"""Whether the activation map points at what the model uses, and how much of it lies on nuclei.

The map is exact: its mean plus the bias is the logit (``tests/training/test_network.py``). That says what it adds up
to, not that its bright cells show what counts, because every cell has looked at its surroundings; the curves of
``training.evaluate.deletion`` measure that, and ``smear.nuclei`` says where the nuclei are.
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from tqdm import tqdm

from smear.classes import CLASSES
from smear.nuclei import nuclei
from training.command import Command
from training.data import manifest, splits
from training.data.manifest import Photograph
from training.evaluate import deletion
from training.model import precision, repository, weights

ORDERS = ("map", "occlusion", "random")

#: One photograph's figures, by name.
Row = dict[str, float]


def explain(
    network: nn.Module, photographs: Sequence[Photograph], seed: int = 0, arithmetic: str = "float32"
) -> dict[str, Any]:
    """Curves and nuclear mass over ``photographs``, by class, as plain numbers.

    :param network: of the model contract's outputs, in evaluation mode.
    :param seed: of the random orders.
    :param arithmetic: of the curves (``training.model.precision``); maps and nuclear mass are in single precision.
    :returns: ``classes`` and ``all``, each with ``images``, ``deletion`` and ``insertion`` (by order: mean, standard
        deviation over photographs), ``map_better_than_random`` (shares of photographs) and ``nuclei``; and
        ``curves``, the mean curves over all photographs, by order.
    :raises DataError: when there is no photograph or one cannot be read.
    """
    if not photographs:
        raise manifest.DataError("no photographs to explain")
    rows: list[Row] = []
    curves: list[dict[str, deletion.Curves]] = []
    for index, photograph in enumerate(tqdm(photographs, desc="explain", unit="img")):
        pixels = manifest.load(photograph)
        activation, predicted = _map(network, pixels)
        with precision.shortened(arithmetic):
            random = np.random.default_rng((seed, index))
            found = deletion.follow(network, pixels, activation[predicted], predicted, random)
        curves.append(found)
        rows.append(_areas(found) | nuclear_mass(activation[predicted], nuclei(pixels)))
    labels = np.array([photograph.label for photograph in photographs])
    return {
        "images": len(rows),
        "steps": deletion.STEPS,
        "blur_sigma": deletion.BLUR,
        "random_orders": 2 * deletion.RANDOM_PAIRS,
        "arithmetic": arithmetic,
        "classes": {
            label: _summary([row for row, own in zip(rows, labels, strict=True) if own == label])
            for label in CLASSES
            if label in labels
        },
        "all": _summary(rows),
        "curves": {
            kind: {
                order: np.mean([getattr(one[order], kind) for one in curves], axis=0).tolist()
                for order in ORDERS
            }
            for kind in ("deletion", "insertion")
        },
    }


def nuclear_mass(activation: NDArray[np.float32], mask: NDArray[np.bool_]) -> Row:
    """How much of the positive part of a map, FP32 [14, 14], lies on nuclei, ``mask`` BOOL [224, 224].

    ``area`` is the share of the field that nuclei take: a map that knows nothing of them has that much on them.
    ``reach`` is what a map would have that weighs each cell by its nuclear share: a cell is about as large as a
    nucleus and seldom lies on one alone, so no map of this resolution gets near 1. ``share`` is NaN when nothing is
    positive, ``reach`` when there is no nucleus.
    """
    cells = mask.reshape(deletion.GRID, deletion.CELL, deletion.GRID, deletion.CELL).mean(axis=(1, 3))
    positive = activation.clip(min=0).astype(np.float64)
    return {
        "share": _weighted(cells, positive),
        "area": float(cells.mean()),
        "reach": _weighted(cells, cells),
    }


def sample(photographs: Sequence[Photograph], per_class: int) -> list[Photograph]:
    """At most ``per_class`` photographs of each class, evenly spread over the order of capture."""
    chosen: list[Photograph] = []
    for label in CLASSES:
        own = [photograph for photograph in photographs if photograph.label == label]
        places = np.linspace(0, len(own) - 1, min(per_class, len(own))).round().astype(int)
        chosen += [own[place] for place in places]
    return chosen


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--images", type=Path, help="a folder holding one folder per class; else the test part"
    )
    parser.add_argument("--data", type=Path, default=manifest.DEFAULT_DATA, help="where the manifest lies")
    parser.add_argument("--weights", type=Path, default=repository.COMMITTED)
    parser.add_argument("--limit", type=int, default=15, help="photographs of each class")
    parser.add_argument("--seed", type=int, default=0, help="of the random orders")
    parser.add_argument("--precision", choices=precision.PRECISIONS, default="auto", help="of the curves")


def _run(parsed: argparse.Namespace) -> dict[str, Any]:
    network = weights.load(parsed.weights).to(precision.device())
    photographs = manifest.read_folders(parsed.images) if parsed.images else splits.test_part(parsed.data)
    return explain(network, sample(photographs, parsed.limit), parsed.seed, parsed.precision)


def _map(network: nn.Module, pixels: NDArray[np.uint8]) -> tuple[NDArray[np.float32], int]:
    """ACTIVATION_MAP of one photograph and its predicted class."""
    device = next(network.parameters()).device
    with torch.inference_mode():
        probabilities, activation, *_ = network(torch.from_numpy(pixels[None]).to(device))
    return activation[0].float().cpu().numpy(), int(probabilities[0].argmax())


def _areas(found: dict[str, deletion.Curves]) -> Row:
    return {
        f"{kind}_{order}": deletion.area(getattr(found[order], kind))
        for kind in ("deletion", "insertion")
        for order in ORDERS
    }


def _summary(rows: Sequence[Row]) -> dict[str, Any]:
    def values(name: str) -> NDArray[np.float64]:
        return np.array([row[name] for row in rows])

    def better(kind: str, compare: Callable[[Any, Any], Any]) -> float:
        return float(compare(values(f"{kind}_map"), values(f"{kind}_random")).mean())

    return {
        "images": len(rows),
        **{
            kind: {order: _spread(values(f"{kind}_{order}")) for order in ORDERS}
            for kind in ("deletion", "insertion")
        },
        "map_better_than_random": {
            "deletion": better("deletion", np.less),
            "insertion": better("insertion", np.greater),
        },
        "nuclei": {name: _spread(values(name)) for name in ("share", "area", "reach")},
    }


def _spread(values: NDArray[np.float64]) -> dict[str, float | None]:
    """Mean and standard deviation of what is known."""
    known = values[~np.isnan(values)]
    if not len(known):
        return {"mean": None, "sd": None}
    return {"mean": float(known.mean()), "sd": float(known.std(ddof=1)) if len(known) > 1 else None}


def _weighted(values: NDArray[np.float64], weight: NDArray[np.float64]) -> float:
    total = float(weight.sum())
    return float((values * weight).sum()) / total if total > 0 else float("nan")


COMMAND = Command(
    "explain",
    "whether the activation map points at what the model uses, and at nuclei",
    _arguments,
    _run,
)
