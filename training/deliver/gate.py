"""Whether a version is good enough to be used: ``python -m training gate VERSION``.

Every criterion is a bar that was set before the version was trained. What needs no photographs (hash, answers of the
exported file) is measured again each time; what needs them is measured again where the data set is, and otherwise
taken from the card, whose figures belong to the same hash. The result goes into ``gate.json`` beside the weights, which
the portal asks before it sends cases to a version.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from training.command import Command
from training.data import splits
from training.data.manifest import DEFAULT_DATA, DataError, file_sha256, targets
from training.deliver import export, int8_model, kept_answers, parity
from training.evaluate import metrics
from training.fit.train import git_commit
from training.model import quantized, repository, weights

Card = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Criterion:
    """One bar: ``value`` of a card must be at least (or, ``at_most``, no more than) ``bar``."""

    key: str
    text: str
    bar: float
    value: Callable[[Card], float]
    at_most: bool = False

    def judge(self, card: Card) -> dict[str, Any]:
        """The criterion as ``gate.json`` keeps it."""
        value = self.value(card)
        passed = value <= self.bar if self.at_most else value >= self.bar
        words = "at most" if self.at_most else "at least"
        return {
            "key": self.key,
            "text": self.text,
            "bar": f"{words} {self.bar:g}",
            "value": value,
            "passed": bool(passed),
        }


def _estimate(part: str, measure: str) -> Callable[[Card], float]:
    def value(card: Card) -> float:
        found = next(one for one in card["estimates"] if one["key"] == part)
        return float(found["measures"][measure]["value"])

    return value


def _fold(measure: str, which: str) -> Callable[[Card], float]:
    return lambda card: float(card["folds"][measure][which])


def _coverage_gap(card: Card) -> float:
    """By how much the sets cover less or more than promised, in the mean over new pseudo-slides."""
    return float(abs(card["calibration"]["coverage"]["by_group"]["mean"] - card["refer_rule"]["level"]))


def _least_auroc(card: Card) -> float:
    used = next(
        one
        for one in card["outliers"]
        if one["layers"] == "blocks 3 and 4" and one["method"] == "Mahalanobis"
    )
    # Where no other pictures were at hand nothing is known, which is no pass.
    # Cards before version 4 say strangers.
    kinds = used["other_images"] if "other_images" in used else used["strangers"]
    return min((kind["auroc"] for kind in kinds.values()), default=0.0)


def _false_referral(card: Card) -> float:
    return float(card["calibration"]["referred"].get("outlier", 0.0))


CRITERIA = (
    Criterion("test_macro_f1", "macro-F1 on the test part", 0.995, _estimate("test", "macro_f1")),
    Criterion(
        "test_malignant_sensitivity",
        "malignant sensitivity on the test part",
        0.998,
        _estimate("test", "malignant_sensitivity"),
    ),
    Criterion(
        "test_benign_recall", "Benign recall on the test part", 0.985, _estimate("test", "benign_recall")
    ),
    Criterion("cv_macro_f1", "macro-F1, mean over held-out folds", 0.985, _fold("macro_f1", "mean")),
    Criterion(
        "cv_malignant_sensitivity",
        "malignant sensitivity, mean over held-out folds",
        0.997,
        _fold("malignant_sensitivity", "mean"),
    ),
    Criterion(
        "cv_benign_recall", "Benign recall, mean over held-out folds", 0.97, _fold("benign_recall", "mean")
    ),
    Criterion("cv_benign_recall_worst", "Benign recall, worst fold", 0.93, _fold("benign_recall", "worst")),
    Criterion(
        "cv_ece", "calibration error in cross-validation", 0.015, _estimate("cross_validation", "ece"), True
    ),
    Criterion("test_ece", "calibration error on the test part", 0.015, _estimate("test", "ece"), True),
    Criterion("coverage", "prediction sets: distance of coverage from its level", 0.01, _coverage_gap, True),
    Criterion("outlier_auroc", "outlier score: least AUROC against other pictures", 0.99, _least_auroc),
    Criterion("outlier_false", "true fields referred as outliers", 0.02, _false_referral, True),
    Criterion(
        "shift_fall",
        "largest fall of macro-F1 under a shift not seen in training",
        0.02,
        lambda card: float(card["shifts"]["largest_fall_unseen"]),
        True,
    ),
)


def gate(
    version: int,
    model: Path = repository.MODEL,
    data: Path = DEFAULT_DATA,
    *,
    keep: bool = True,
    every: int = 1,
) -> dict[str, Any]:
    """Judge a delivered version and write ``gate.json`` beside its weights (not with ``keep`` false).

    :param every: measure again on every ``every``-th photograph of the test part only.
    :returns: the content of that file.
    :raises DataError: when there is no such version, or its card is another's.
    """
    folder = model / str(version)
    card = _card(folder, model)
    weights_path = folder / "weights.safetensors"
    criteria = [_hash(card, weights_path), _exported(weights_path)]
    if "quantization" in card:
        criteria += _against_fp32(card, weights_path, data, every)
    else:
        if (data / "blood-smears" / "manifest.csv").is_file():
            criteria.append(_repeated(card, weights_path, data, keep, every))
        criteria += [criterion.judge(card) for criterion in CRITERIA]
    result = {
        "weights_sha256": file_sha256(weights_path),
        "passed": all(one["passed"] for one in criteria),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "git_commit": git_commit(),
        "criteria": criteria,
    }
    if keep:
        (folder / "gate.json").write_text(json.dumps(result, indent=2) + "\n")
    return result


def _card(folder: Path, model: Path) -> Card:
    if not (folder / "weights.safetensors").is_file():
        raise DataError(f"no version {folder.name} under {model}")
    card: Card = json.loads((model / "model_card.json").read_text())
    if str(card["version"]) != folder.name:
        raise DataError(f"the card of {model} describes version {card['version']}, not {folder.name}")
    return card


def _hash(card: Card, weights_path: Path) -> dict[str, Any]:
    found = file_sha256(weights_path)
    return {
        "key": "hash",
        "text": "the card describes these weights",
        "bar": f"sha256 {card['sha256'][:12]}",
        "value": found[:12],
        "passed": found == card["sha256"],
    }


def _exported(weights_path: Path) -> dict[str, Any]:
    """What Triton would load answers as the network does, at every batch size."""
    network = weights.load(weights_path)
    said = "as the network"
    try:
        with quantized.engine():
            script = export.to_torchscript(network)
            parity.require_same(str(weights_path.parent), script, network)
    except DataError as error:
        said = str(error)
    return {
        "key": "exported",
        "text": f"the exported model's answers at batches of {', '.join(map(str, parity.BATCHES))}",
        "bar": "as the network",
        "value": said,
        "passed": said == "as the network",
    }


def _against_fp32(card: Card, weights_path: Path, data: Path, every: int = 1) -> list[dict[str, Any]]:
    """The int8 variant beside the FP32 version it was made from: measured again, or as delivered with these weights."""
    source = (
        weights_path.parents[2] / card["quantization"]["from"] / weights_path.parent.name / weights_path.name
    )
    has_photographs = (data / "blood-smears" / "manifest.csv").is_file()
    # A processor that computes int8 wrongly measures itself, not the version.
    if has_photographs and source.is_file() and not quantized.sums_overflow():
        return int8_model.criteria(int8_model.compare(source, weights_path, splits.test_part(data)[::every]))
    kept = weights_path.with_name("gate.json")
    if not kept.is_file():
        raise DataError(f"{kept} is missing, and this machine cannot measure anew: see docs/model.md")
    stored = json.loads(kept.read_text())
    if stored["weights_sha256"] != file_sha256(weights_path):
        raise DataError(f"{kept} belongs to other weights; measure again where the photographs are")
    return [one for one in stored["criteria"] if one["key"].startswith("int8_")]


def _repeated(card: Card, weights_path: Path, data: Path, keep: bool, every: int) -> dict[str, Any]:
    """The test part measured again: the card's macro-F1 within the last digit that a processor may differ in."""
    photographs, folder = splits.test_part(data), weights_path.parent
    # The card's other figures (baselines, intervals) cost three times as much and decide nothing here.
    answers = int8_model.answers_of(weights_path, photographs[::every])
    probabilities = weights.probabilities(weights_path, answers.logits)
    stated = _estimate("test", "macro_f1")(card)
    if every > 1:
        part = slice(None, None, every)
        return kept_answers.measured_in_part(folder, photographs, part, probabilities, stated)
    if keep:
        kept_answers.write(folder, photographs, probabilities)
    measured = metrics.from_predictions(probabilities.argmax(axis=1), targets(photographs))["macro_f1"]
    return {
        "key": "repeated",
        "text": "macro-F1 on the test part, measured again",
        "bar": f"within 0.003 of {stated:.4f}",
        "value": measured,
        "passed": abs(measured - stated) <= 0.003,
    }


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("version", type=int)
    parser.add_argument(
        "--model", type=Path, nargs="+", default=[repository.MODEL], help="one folder or several"
    )
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA)
    parser.add_argument(
        "--check",
        action="store_true",
        help="leave gate.json as it is; exit status 0 when only what despite_gate.json names fails",
    )
    parser.add_argument(
        "--every",
        type=int,
        default=1,
        metavar="N",
        help="with --check: measure again on every Nth photograph of the test part, against the answers kept",
    )


def _run(parsed: argparse.Namespace) -> Card | list[Card]:
    """What ``gate`` says of the model; of several, a list in their order."""
    if parsed.every < 1:
        raise DataError(f"--every {parsed.every}: give a number from 1")
    if parsed.every > 1 and not parsed.check:
        raise DataError("--every measures a part, which decides nothing: give it together with --check")
    results = []
    for model in parsed.model:
        result = gate(parsed.version, model, parsed.data, keep=not parsed.check, every=parsed.every)
        if parsed.check:
            result["admitted"] = admitted(result, model / str(parsed.version))
        results.append(result)
    return results[0] if len(results) == 1 else results


def _failed(said: Card | list[Card]) -> bool:
    results = said if isinstance(said, list) else [said]
    return not all(result["passed"] or result.get("admitted") for result in results)


def admitted(result: dict[str, Any], folder: Path) -> bool:
    """Whether every criterion that failed is one that ``despite_gate.json`` beside the weights names.

    That file says which bars a committed version is known to miss and why it is used all the same; the portal shows
    the reason. Anything else that fails stays a failure.
    """
    path = folder / "despite_gate.json"
    if not path.is_file():
        return False
    named = set(json.loads(path.read_text())["criteria"])
    return {one["key"] for one in result["criteria"] if not one["passed"]} <= named


COMMAND = Command(
    "gate",
    "whether a version is good enough; exit status 1 when not",
    _arguments,
    _run,
    failed=_failed,
)
