"""Whether a network reads the cells or the slide: what it says of pictures that separate the two.

``training.data.counterfactual`` makes them. A figure on photographs as they are says nothing before these are known.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn
from tqdm import tqdm

from smear.classes import CLASSES
from smear.refer import ReferRule
from training.command import Command
from training.data import manifest, splits
from training.data.counterfactual import Field, Kind, make
from training.data.manifest import Photograph
from training.evaluate import explain, metrics
from training.model import precision, repository, weights

#: Photographs of each class.
COUNT = 40


def measure(
    network: nn.Module, photographs: Sequence[Photograph], rule: ReferRule, write: Path | None = None
) -> dict[str, Any]:
    """What ``network`` answers, by kind of picture, as plain numbers.

    The ground, light and stain come from a photograph of another class, each of the others in turn. A photograph in
    which no nucleated cell is found makes no pictures.

    :param network: of the model contract's outputs, in evaluation mode.
    :param write: a folder that gets the pictures, one folder per kind and class of the cells, as
        ``training evaluate --images`` takes them.
    :returns: ``images``, ``without_cells`` (photographs left out); for ``as_they_are`` and each kind the shares
        ``same_class`` (as the photograph's own answer), ``follows_cells`` and, for pictures with another one's slide,
        ``follows_slide`` (the class of the cells and of the slide), ``referred``, ``wrong_and_not_referred``, and
        ``macro_f1`` against the class of the cells.
    :raises DataError: when fewer than two classes have photographs with cells.
    """
    fields = [Field(manifest.load(photograph)) for photograph in tqdm(photographs, desc="cells", unit="img")]
    kept = [number for number, field in enumerate(fields) if field.has_cells]
    targets = manifest.targets(photographs)
    if len(set(targets[kept])) < 2:
        raise manifest.DataError("cells of one class can be set on no other's ground: two classes are needed")
    others = _of_other_classes(targets, kept)
    labels, slides = targets[kept], targets[others]
    own, referred = _answers(network, [fields[one].pixels for one in kept], rule)
    found: dict[str, Any] = {
        "images": len(kept),
        "without_cells": len(fields) - len(kept),
        "as_they_are": _figures(own, own, referred, labels),
    }
    for kind in Kind:
        pairs = zip(kept, others, strict=True)
        pictures = [
            make(kind, fields[one], fields[other]) for one, other in tqdm(pairs, desc=kind, unit="img")
        ]
        if write:
            _write(write / kind, pictures, [photographs[one] for one in kept])
        predicted, referred = _answers(network, pictures, rule)
        found[kind] = _figures(predicted, own, referred, labels)
        if kind in (Kind.OTHER_GROUND, Kind.OTHER_STAIN):
            found[kind]["follows_slide"] = float((predicted == slides).mean())
    return found


def _of_other_classes(targets: NDArray[np.int64], kept: Sequence[int]) -> list[int]:
    """For each photograph kept one of another class: the classes in turn, and their photographs in turn."""
    by_class = {
        target: [one for one in kept if targets[one] == target] for target in sorted(set(targets[kept]))
    }
    taken = dict.fromkeys(by_class, 0)
    others = []
    for place, one in enumerate(kept):
        classes = [target for target in by_class if target != targets[one]]
        target = classes[place % len(classes)]
        others.append(by_class[target][taken[target] % len(by_class[target])])
        taken[target] += 1
    return others


def _answers(
    network: nn.Module, pictures: Sequence[NDArray[np.uint8]], rule: ReferRule
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The leading class of each picture, INT64 [n], and whether the answer is *refer*, BOOL [n]."""
    device = next(network.parameters()).device
    predicted, referred = [], []
    with torch.inference_mode():
        for picture in pictures:
            answer, _, _, score = network(torch.from_numpy(picture)[None].to(device))
            probabilities = answer[0].float().tolist()
            predicted.append(int(np.argmax(probabilities)))
            referred.append(bool(rule.reasons(probabilities, float(score[0, 0]))))
    return np.array(predicted), np.array(referred)


def _figures(
    predicted: NDArray[np.int64],
    own: NDArray[np.int64],
    referred: NDArray[np.bool_],
    labels: NDArray[np.int64],
) -> dict[str, Any]:
    return {
        "same_class": float((predicted == own).mean()),
        "follows_cells": float((predicted == labels).mean()),
        "referred": float(referred.mean()),
        "wrong_and_not_referred": float(((predicted != labels) & ~referred).mean()),
        "macro_f1": metrics.from_predictions(predicted, labels)["macro_f1"],
    }


def _write(folder: Path, pictures: Sequence[NDArray[np.uint8]], photographs: Sequence[Photograph]) -> None:
    for picture, photograph in zip(pictures, photographs, strict=True):
        path = folder / photograph.label / f"{photograph.path.stem}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.ascontiguousarray(picture.transpose(1, 2, 0))).save(path)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--images", type=Path, help="a folder holding one folder per class; else the test part"
    )
    parser.add_argument("--data", type=Path, default=manifest.DEFAULT_DATA, help="where the manifest lies")
    parser.add_argument("--weights", type=Path, default=repository.COMMITTED)
    parser.add_argument("--count", type=int, default=COUNT, help="photographs of each class")
    parser.add_argument("--write", type=Path, help="a folder that gets the pictures, by kind and class")


def _run(parsed: argparse.Namespace) -> dict[str, Any]:
    photographs = manifest.read_folders(parsed.images) if parsed.images else splits.test_part(parsed.data)
    note = weights.read_note(parsed.weights)
    if "refer_rule" not in note:
        raise manifest.DataError(f"{parsed.weights} notes no refer rule")
    network = weights.load(parsed.weights).to(precision.device())
    found = measure(
        network, explain.sample(photographs, parsed.count), ReferRule.from_card(note), parsed.write
    )
    return {"classes": list(CLASSES)} | found


COMMAND = Command(
    "counterfactual",
    "whether cells are read or the slide: pictures that separate the two",
    _arguments,
    _run,
)
