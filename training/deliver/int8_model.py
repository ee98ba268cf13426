"""The int8 variant of a version: quantized, with its own temperature and outlier statistics, beside the FP32 model.

Temperature and outlier threshold are matched to the FP32 version's on training photographs and need no others: a
final model has no photographs left but the test part, and that is for no choice. Both were found on photographs
kept apart, and what is matched inherits that; ``compare`` shows how well on photographs that neither network saw.
"""

import argparse
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from torch import Tensor
from tqdm import tqdm

from smear.refer import ReferRule
from training.command import Command
from training.data import splits, transforms
from training.data.augment import Strength
from training.data.manifest import DEFAULT_DATA, DataError, Photograph, file_sha256, read_manifest, targets
from training.data.transforms import Transform
from training.deliver.card import parameter
from training.evaluate import bootstrap, metrics
from training.fit.train import git_commit
from training.model import outliers, quantize, weights
from training.model.network import LeukemiaVGG16
from training.model.quantized import ENGINE
from training.model.repository import INT8_MODEL

#: Photographs whose activations set the scales, and on which both networks are matched.
CALIBRATION = 256

BATCH = 8

#: The gates of the variant: share of photographs with the same leading class, loss of macro-F1, calibration error.
LEAST_AGREEMENT = 0.99
MOST_F1_LOSS = 0.005
MOST_ECE = 0.015

#: The figures its card shows, beside calibration error and Brier score.
MEASURES = ("accuracy", "macro_f1", "malignant_sensitivity", "benign_recall")

#: What the int8 card takes over from the FP32 version's; all else in that one was measured on the FP32 network.
_SHARED = (
    *("version", "research_use_only", "intended_use", "classes", "architecture", "training"),
    *("training_data", "split", "refer_rule", "limits", "known_failures", "provenance"),
)

#: Parameters of config.pbtxt that belong to a version; all others are the FP32 model's.
_OF_A_VERSION = ('parameters { key: "weights_sha256:', 'parameters { key: "outlier_threshold:')


@dataclass(frozen=True, slots=True)
class Responses:
    """What a network says of some photographs: logits [n, 4], outlier features [n, 768], OUTLIER_SCORE [n]."""

    logits: NDArray[np.float32]
    features: NDArray[np.float32]
    scores: NDArray[np.float32]


def respond(network: LeukemiaVGG16, batches: Iterable[Tensor]) -> Responses:
    """Run ``network`` over UINT8 [n, 3, 224, 224] batches."""
    logits, features, scores = [], [], []
    with torch.inference_mode():
        for batch in batches:
            pool3 = network.to_pool3(batch)
            pool4 = network.pool3_to_pool4(pool3)
            seen = network.outlier_features(pool3, pool4)
            logits.append(network.logits(pool3, pool4).numpy())
            features.append(seen.numpy())
            scores.append(network.outlier_score(seen)[:, 0].numpy())
    return Responses(np.concatenate(logits), np.concatenate(features), np.concatenate(scores))


def answers_of(path: Path, photographs: Sequence[Photograph]) -> Responses:
    """What the weights ``path`` answer about ``photographs``.

    The gates of a version and of its int8 variant ask the FP32 weights about the same photographs, which takes
    minutes: the last answers are kept for as long as the process runs.
    """
    return _answers_of(path, file_sha256(path), tuple(photographs))


@lru_cache(maxsize=2)
def _answers_of(path: Path, sha256: str, photographs: tuple[Photograph, ...]) -> Responses:
    return respond(weights.load(path), batches(photographs, path.parent.parent.name))


def make(
    source: Path, training: Sequence[Photograph], target: Path, strength: Strength | None = None
) -> dict[str, Any]:
    """Quantize the FP32 weights ``source``, fit temperature and outlier statistics, write ``target``.

    :param training: the photographs ``source`` was trained on, in any order.
    :param strength: of the augmentation that ``source``'s outlier statistics know; None for none. Each photograph then
        comes as it is and once augmented.
    :returns: the note in the header of ``target``.
    :raises DataError: when weights or photographs cannot be read, or the weights are no delivered version.
    """
    network, note = weights.load(source), weights.read_note(source)
    if "outlier_threshold" not in note:
        raise DataError(f"{source} notes no outlier threshold; quantize a delivered version")
    every = max(1, len(training) // CALIBRATION)
    sample = list(training[::every])
    with quantize.observed(network) as seen:
        wanted = respond(network, batches(sample, "observe"))
    int8 = quantize.quantize(network, seen)
    found = respond(int8, batches(training, "fit"))
    versions = [found.features]
    if strength is not None:
        changed = transforms.augmented(1, 0, strength)
        versions.append(respond(int8, batches(training, "fit, augmented", changed)).features)
    outliers.fit(int8, versions, targets(training))
    scores = outliers.scores(int8, found.features)[::every]
    temperature = match_temperature(wanted.logits / network.temperature.item(), found.logits[::every])
    int8.temperature.fill_(temperature)
    note |= {
        "temperature": round(temperature, 4),
        "outlier_threshold": round(note["outlier_threshold"] * float(np.median(scores / wanted.scores)), 4),
        "quantized_from": file_sha256(source),
        "calibration_photographs": len(sample),
    }
    weights.save(int8, target, {weights.NOTE: json.dumps(note, sort_keys=True)})
    return note


def match_temperature(calibrated: NDArray[np.floating[Any]], logits: NDArray[np.floating[Any]]) -> float:
    """The temperature of ``logits`` with the least cross-entropy to another network's probabilities.

    :param calibrated: the other network's logits divided by its temperature, [n, classes].
    :returns: a factor between 0.05 and 20; logits are divided by it.
    """
    wanted = softmax(calibrated.astype(np.float64), axis=1)
    scores = logits.astype(np.float64)

    def loss(log_temperature: float) -> float:
        return -float((wanted * log_softmax(scores / np.exp(log_temperature), axis=1)).sum(axis=1).mean())

    found = minimize_scalar(loss, bounds=(np.log(0.05), np.log(20)), method="bounded")
    return float(np.exp(found.x))


def compare(source: Path, target: Path, photographs: Sequence[Photograph]) -> dict[str, Any]:
    """The int8 weights ``target`` against the FP32 weights ``source`` on photographs that trained neither.

    :returns: ``images``, ``agreement`` (share with the same leading class), ``refer_agreement`` (share that both or
        neither of them refers), the figures of ``metrics.measure`` under ``fp32`` and ``int8``, and under
        ``probabilities`` what both answered, [n, 4] each.
    """
    labels = targets(photographs)
    answered, figures, leading, referred = [], [], [], []
    for path in (source, target):
        answers = answers_of(path, photographs)
        probabilities = weights.probabilities(path, answers.logits)
        answered.append(probabilities)
        figures.append(metrics.measure(probabilities, labels))
        leading.append(probabilities.argmax(axis=1))
        rule = ReferRule.from_card(weights.read_note(path))
        pairs = zip(probabilities.tolist(), answers.scores.tolist(), strict=True)
        referred.append(np.array([bool(rule.reasons(*pair)) for pair in pairs]))
    return {
        "images": len(labels),
        "agreement": float((leading[0] == leading[1]).mean()),
        "refer_agreement": float((referred[0] == referred[1]).mean()),
        "fp32": figures[0],
        "int8": figures[1],
        "probabilities": dict(zip(("fp32", "int8"), answered, strict=True)),
    }


def criteria(compared: dict[str, Any]) -> list[dict[str, Any]]:
    """What ``compare`` found against each bar, in the form of ``gate.json``."""
    fp32, int8 = compared["fp32"], compared["int8"]
    rows = (
        ("int8_agreement", "leading class as in FP32", LEAST_AGREEMENT, compared["agreement"]),
        ("int8_macro_f1", "macro-F1 of int8", fp32["macro_f1"] - MOST_F1_LOSS, int8["macro_f1"]),
        (
            "int8_malignant_sensitivity",
            "malignant sensitivity of int8",
            fp32["malignant_sensitivity"],
            int8["malignant_sensitivity"],
        ),
    )
    found = [
        {"key": key, "text": text, "bar": f"at least {bar:.4f}", "value": value, "passed": value >= bar}
        for key, text, bar, value in rows
    ]
    error = int8["ece"]
    return [
        *found,
        {
            "key": "int8_ece",
            "text": "calibration error of int8 with its own temperature",
            "bar": f"at most {MOST_ECE}",
            "value": error,
            "passed": error <= MOST_ECE,
        },
    ]


def deliver(
    source: Path,
    target: Path,
    training: Sequence[Photograph],
    kept: Sequence[Photograph],
    slides: NDArray[np.int64],
) -> Any:
    """Make the int8 variant of a delivered version and put everything that belongs to it into the model repository.

    Under ``target``: ``weights.safetensors`` and ``gate.json`` in the version's folder, ``config.pbtxt``,
    ``labels.txt``, ``model_card.json`` and ``model_card.md``. ``python -m training export`` writes ``model.pt``.

    :param source: the version's folder of the FP32 model, ``triton_models/leukemia_vgg16/<version>``.
    :param target: the folder of the int8 model.
    :param kept: photographs that trained neither; the comparison is made on them and nothing is chosen by it.
    :param slides: the pseudo-slide of each of these, over which the card's intervals are.
    :returns: the content of ``gate.json``.
    :raises DataError: when something is missing, or the FP32 model's card describes another version.
    """
    weights_path = target / source.name / "weights.safetensors"
    card = json.loads((source.parent / "model_card.json").read_text())
    if str(card["version"]) != source.name:
        raise DataError(
            f"the card beside {source} describes version {card['version']}; deliver that one first"
        )
    recipe = card.get("provenance", {}).get("recipe", {})
    strength = Strength(**recipe["strength"]) if recipe.get("versions") else None
    note = make(source / weights_path.name, training, weights_path, strength)
    compared = compare(source / weights_path.name, weights_path, kept)
    passed = criteria(compared)
    gate = {
        "weights_sha256": file_sha256(weights_path),
        "passed": all(one["passed"] for one in passed),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "git_commit": git_commit(),
        "criteria": passed,
    }
    _write_json(weights_path.with_name("gate.json"), gate)
    shutil.copyfile(source.parent / "labels.txt", target / "labels.txt")
    (target / "config.pbtxt").write_text(config(source.parent / "config.pbtxt", target))
    compared["measures"] = {
        name: bootstrap.intervals(answers, targets(kept), slides)
        for name, answers in compared["probabilities"].items()
    }
    described = describe(card, note, compared, weights_path)
    _write_json(target / "model_card.json", described)
    (target / "model_card.md").write_text(render(described, compared))
    return gate


def config(template: Path, model: Path) -> str:
    """The ``config.pbtxt`` of ``model``: the FP32 model's, with its own name and its own versions' parameters."""
    lines = template.read_text().splitlines()
    own = {
        f"{name}:{path.parent.name}": value
        for path in sorted(model.glob("*/weights.safetensors"))
        for name, value in (
            ("weights_sha256", file_sha256(path)),
            ("outlier_threshold", str(weights.read_note(path)["outlier_threshold"])),
        )
    }
    first = next((row for row, line in enumerate(lines) if line.startswith(_OF_A_VERSION)), len(lines))
    kept = [line for line in lines if not line.startswith(_OF_A_VERSION)]
    kept[first:first] = [parameter(key, value) for key, value in own.items()]
    named = [f'name: "{model.name}"' if line.startswith("name: ") else line for line in kept]
    written = "# Written by python -m training quantize from the FP32 model's; change that one."
    return "\n".join([written, *named]) + "\n"


def describe(
    card: dict[str, Any], note: dict[str, Any], compared: dict[str, Any], path: Path
) -> dict[str, Any]:
    """The int8 card: what it shares with the FP32 version's, and its own figures.

    The refer rule's bars are on calibrated probabilities, which are matched, so they are that version's.
    """
    title = "photographs kept apart"
    return {
        **{name: card[name] for name in _SHARED if name in card},
        "name": path.parent.parent.name,
        "sha256": file_sha256(path),
        "bytes": path.stat().st_size,
        "temperature": note["temperature"],
        "outlier_threshold": note["outlier_threshold"],
        "figures": compared["int8"],
        "estimates": [
            {
                "key": "test",
                "title": title,
                "images": compared["images"],
                "measures": compared["measures"]["int8"],
            }
        ],
        "comparisons": [
            {
                "key": "fp32",
                "title": f"{card['name']}, the same version in FP32",
                "part": "test",
                "measures": compared["measures"]["fp32"],
            }
        ],
        "quantization": {
            "method": "static, after training: int8 weights by output channel, uint8 activations by tensor",
            "engine": ENGINE,
            "from": card["name"],
            "from_sha256": note["quantized_from"],
            "calibration_photographs": note["calibration_photographs"],
            "agreement": compared["agreement"],
            "refer_agreement": compared["refer_agreement"],
        },
    }


def render(card: dict[str, Any], compared: dict[str, Any]) -> str:
    """The int8 card as Markdown; for what both have in common it names the FP32 version's."""
    made = card["quantization"]
    own = compared["measures"]["int8"]
    rows = "\n".join(
        f"| {name.replace('_', ' ')} | {compared['fp32'][name]:.4f} | {compared['int8'][name]:.4f} "
        f"| {own[name]['low']:.4f} to {own[name]['high']:.4f} |"
        for name in (*MEASURES, "ece")
    )
    return f"""# {card["name"]}, version {card["version"]}

**{card["intended_use"]}**

Version {card["version"]} of `{made["from"]}` (weights `{made["from_sha256"]}`) in eight-bit integers,
for processors with VNNI or AMX. Training, data, limits and known failures are in that version's
[card](../{made["from"]}/model_card.md).

Weights: `{card["version"]}/weights.safetensors`, {card["bytes"] / 1e6:.1f} MB, SHA-256 `{card["sha256"]}`.
Written by `python -m training quantize`; `model_card.json` holds the same as data.

- {made["method"]}; engine {made["engine"]}; scales from {made["calibration_photographs"]} training photographs
- Temperature {card["temperature"]}, outlier threshold {card["outlier_threshold"]}: its own

{compared["images"]} photographs that trained neither, in one run:

| | FP32 | int8 | int8, 95 % interval over pseudo-slides |
|---|---|---|---|
{rows}

The same leading class on {compared["agreement"]:.4f} of them; both or neither *refer* on
{compared["refer_agreement"]:.4f}.
"""


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--weights", type=Path, required=True, help="weights.safetensors of the FP32 version")
    parser.add_argument("--out", type=Path, default=INT8_MODEL, help="the int8 model's folder")
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA)


def _run(parsed: argparse.Namespace) -> Any:
    torch.set_num_threads(os.cpu_count() or 1)
    photographs = read_manifest(parsed.data / "blood-smears" / "manifest.csv")
    split = splits.read(splits.COMMITTED, photographs)

    def part(mask: NDArray[np.bool_]) -> list[Photograph]:
        return [one for one, inside in zip(photographs, mask, strict=True) if inside]

    slides = split.slide[split.test]
    return deliver(parsed.weights.parent, parsed.out, part(split.training()), part(split.test), slides)


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def batches(
    photographs: Sequence[Photograph], what: str, transform: Transform | None = None
) -> Iterator[Tensor]:
    """The model's input, UINT8 [n, 3, 224, 224] at a time, with progress titled ``what``; as ``transform`` shows it."""
    transform = transform or transforms.clean()
    with tqdm(total=len(photographs), desc=what, unit="img") as bar:
        for start in range(0, len(photographs), BATCH):
            part = photographs[start : start + BATCH]
            yield torch.from_numpy(np.stack([transform.make(one) for one in part]))
            bar.update(len(part))


COMMAND = Command(
    "quantize",
    "make the int8 variant of a delivered version, with its own calibration and card",
    _arguments,
    _run,
)
