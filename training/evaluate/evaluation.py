"""Figures of a weights file on photographs: the network end to end, from files through ``smear.tensor``."""

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from smear.refer import ReferRule
from training.command import Command
from training.data import splits, transforms
from training.data.manifest import DEFAULT_DATA, Photograph, file_sha256, load, read_folders, targets
from training.evaluate import baselines, conformal, metrics
from training.model import repository, weights
from training.model.network import LeukemiaVGG16

BATCH = 16


@dataclass(frozen=True, slots=True)
class Answers:
    """What a network says of n photographs, and what the baselines see of them.

    ``probabilities`` FP32 [n, 4], ``scores`` (OUTLIER_SCORE) FP32 [n], ``labels`` INT64 [n].
    """

    probabilities: NDArray[np.float32]
    scores: NDArray[np.float32]
    labels: NDArray[np.int64]
    seen: baselines.Features


def answers(network: LeukemiaVGG16, photographs: Sequence[Photograph]) -> Answers:
    """Classify ``photographs`` end to end, in batches.

    The baselines see the network's own blocks 3 and 4 at 224 pixels, which are ImageNet's: a delivered recipe tunes
    only what comes after.

    :raises DataError: when a photograph cannot be read.
    """
    probabilities, scores, whole, painted, colour = [], [], [], [], []
    plain = network.unenlarged()
    with torch.inference_mode(), tqdm(total=len(photographs), desc="evaluate", unit="img") as bar:
        for start in range(0, len(photographs), BATCH):
            pixels = np.stack([load(photograph) for photograph in photographs[start : start + BATCH]])
            inputs = torch.from_numpy(pixels)
            answer, _, _, score = network(inputs)
            probabilities.append(answer.numpy())
            scores.append(score[:, 0].numpy())
            whole.append(_means(plain, inputs))
            without_cells = np.stack([transforms.painted_out(picture) for picture in pixels])
            painted.append(_means(plain, torch.from_numpy(without_cells)))
            colour.append(baselines.colour_statistics(pixels))
            bar.update(len(pixels))
    seen = baselines.Features.of(*(np.concatenate(part) for part in (colour, whole, painted)))
    return Answers(np.concatenate(probabilities), np.concatenate(scores), targets(photographs), seen)


def _means(network: LeukemiaVGG16, images: torch.Tensor) -> NDArray[np.float32]:
    pool3 = network.to_pool3(images)
    means: NDArray[np.float32] = network.means(pool3, network.pool3_to_pool4(pool3)).numpy()
    return means


def evaluate(weights_path: Path, photographs: Sequence[Photograph]) -> dict[str, Any]:
    """Classify ``photographs`` and measure, with the baselines beside.

    The baselines are fitted on the training part's features in ``baselines.safetensors`` beside the weights;
    where that file is missing, ``baselines`` is ``None`` and ``baselines_reason`` says so.

    :raises DataError: when weights or a photograph cannot be read.
    """
    network = weights.load(weights_path)
    return figures(weights_path, answers(network, photographs))


def figures(weights_path: Path, found: Answers) -> dict[str, Any]:
    """Every figure of ``found``, the answers of the network in ``weights_path``."""
    note = weights.read_note(weights_path)
    result = metrics.measure(found.probabilities, found.labels)
    result["weights_sha256"] = file_sha256(weights_path)
    result["outliers"] = _outliers(found.scores, note.get("outlier_threshold"))
    if "refer_rule" in note:
        rule = ReferRule.from_card(note)
        result["referred"] = conformal.referred(found.probabilities, found.scores, rule)
        result["errors"] = conformal.errors(found.probabilities, found.scores, found.labels, rule)
    return result | _baselines(weights_path.with_name("baselines.safetensors"), found.seen, found.labels)


def _outliers(scores: np.ndarray, threshold: float | None) -> dict[str, Any]:
    above = None if threshold is None else float((scores > threshold).mean())
    return {"threshold": threshold, "share_above": above, "median_score": float(np.median(scores))}


def _baselines(path: Path, features: baselines.Features, labels: np.ndarray) -> dict[str, Any]:
    if not path.is_file():
        return {"baselines": None, "baselines_reason": f"no {path.name} beside the weights to fit them on"}
    return {"baselines": baselines.measure(baselines.fit(*baselines.load(path)), features, labels)}


def _arguments(parser: argparse.ArgumentParser) -> None:
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--images", type=Path, help="a folder holding one folder per class")
    source.add_argument("--test", action="store_true", help="the test part of the committed split")
    parser.add_argument("--weights", type=Path, default=repository.COMMITTED)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="where the manifest lies (--test)")


def _run(parsed: argparse.Namespace) -> dict[str, Any]:
    torch.set_num_threads(os.cpu_count() or 1)
    photographs = read_folders(parsed.images) if parsed.images else splits.test_part(parsed.data)
    return evaluate(parsed.weights, photographs)


COMMAND = Command(
    "evaluate",
    "measure a weights file on photographs, one folder per class",
    _arguments,
    _run,
)
