"""From a cross-validated recipe and its final network to calibrated weights, and every figure that stands beside them.

Temperature, conformal bars and outlier threshold come from photographs that the judging network had not seen: the
held-out logits and scores of the cross-validation. The final network differs from those five by having trained on all
five folds; whether the numbers fit it is checked on the test part, which nothing here looks at. Signed cases train, and
nothing else: some were labelled by people who had seen the model's answer, and versions are compared on the public set.
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import softmax

from smear.refer import ReferRule
from training import config as configs
from training.command import Command
from training.config import Config
from training.data import splits, transforms
from training.data.manifest import IMAGE_SUFFIXES, file_sha256, load_all, load_path
from training.evaluate import baselines, bootstrap, calibrate, conformal, metrics
from training.fit import crossvalidate
from training.fit.train import Material, augmented_transforms, averages, train, untrained
from training.model import outliers, weights
from training.model.network import LeukemiaVGG16

#: Where the record of a finished run is: its name, and the one it had until version 3.
RECORDS = ("build.json", "finish.json")


@dataclass(frozen=True, slots=True)
class HeldOut:
    """What the cross-validation says of every photograph outside the test part, from networks that had not seen it.

    ``scores`` [n] are OUTLIER_SCORES, ``augmented_scores`` [versions, n] those of the augmented versions.
    """

    rows: NDArray[np.int64]
    labels: NDArray[np.int64]
    fold: NDArray[np.int64]
    slide: NDArray[np.int64]
    logits: NDArray[np.float32]
    scores: NDArray[np.float32]
    augmented_scores: NDArray[np.float32]

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """Calibrated, each fold's by the others, [n, 4]."""
        return crossvalidate.scaled_by_other_folds(self.logits, self.labels, self.fold)


def build(config: Config) -> dict[str, Any]:
    """Cross-validate, train the final network, calibrate it; returns the record also written to ``build.json``.

    Writes ``weights.safetensors`` and ``baselines.safetensors`` into ``config.out``. Everything finished before is read
    again, so an interrupted call goes on where it stopped.
    """
    material = Material.read(config)
    folds = crossvalidate.crossvalidate(replace(config, out=config.out / "group"))
    final = train(replace(config, out=config.out / "final"))
    random = crossvalidate.crossvalidate(replace(config, out=config.out / "random", split_kind="random"))
    network = weights.load(config.out / "final" / "weights.safetensors")
    versions = outlier_features(config, material)
    held_out = _held_out(config, material, versions)
    trains = material.split.training()
    rule, temperature = calibrated(held_out)
    network.temperature.fill_(temperature)
    outliers.fit(network, [features[trains] for features in versions], material.labels[trains])
    note = {
        "temperature": round(temperature, 4),
        "outlier_threshold": rule.outlier_threshold,
        "refer_rule": rule.to_card(),
        "split": splits.KINDS["group"],
    }
    path = config.out / "weights.safetensors"
    weights.save(network, path, {weights.NOTE: json.dumps(note, sort_keys=True)})
    seen = baseline_features(config, material)
    # Delivered beside the weights: of patients' photographs not even averages.
    public = trains & (np.arange(len(trains)) < material.public)
    baselines.save(seen[public], material.labels[public], path.with_name("baselines.safetensors"))
    record = {
        **note,
        **final,
        "weights_sha256": file_sha256(path),
        "crossvalidation": folds,
        "random": random,
        "baselines": baselines_over_folds(seen, material),
        "calibration": described(held_out, rule),
        "outliers": outliers.compare(
            [features[held_out.rows] for features in versions],
            held_out.labels,
            held_out.fold,
            other_images(config),
        ),
    }
    (config.out / RECORDS[0]).write_text(json.dumps(record, indent=2) + "\n")
    return record


def calibrated(held_out: HeldOut) -> tuple[ReferRule, float]:
    """The refer rule and the temperature that the held-out answers ask for."""
    temperature = calibrate.fit_temperature(held_out.logits, held_out.labels)
    probabilities = softmax(held_out.logits.astype(np.float64) / temperature, axis=1)
    rule = ReferRule(
        level=conformal.LEVEL,
        least_probability=conformal.bars(probabilities, held_out.labels, conformal.LEVEL),
        least_confidence=conformal.least_confidence(probabilities),
        outlier_threshold=outliers.threshold(held_out.scores),
    )
    return rule, temperature


def described(held_out: HeldOut, rule: ReferRule) -> dict[str, Any]:
    """Calibration, coverage and referral on held-out pseudo-slides, everything fitted on the other folds."""
    probabilities = held_out.probabilities
    inside = conformal.cross_covered(probabilities, held_out.labels, held_out.fold, conformal.LEVEL)
    return {
        "ece": metrics.expected_calibration_error(probabilities, held_out.labels),
        "brier": metrics.brier(probabilities, held_out.labels),
        "reliability": metrics.reliability(probabilities, held_out.labels),
        "coverage": conformal.coverage(inside, held_out.labels, held_out.slide),
        "set_sizes": conformal.set_sizes(probabilities, rule),
        "referred": conformal.referred(probabilities, held_out.scores, rule),
        "errors": conformal.errors(probabilities, held_out.scores, held_out.labels, rule),
        "augmented_above": (held_out.augmented_scores > rule.outlier_threshold).mean(axis=1).tolist(),
    }


def outlier_features(config: Config, material: Material) -> list[NDArray[np.float32]]:
    """``LeukemiaVGG16.outlier_features`` of every photograph as it is and augmented, FP32 [n, 768] each."""
    network = untrained(config).eval()
    return [
        cast(
            NDArray[np.float32],
            network.roots(torch.from_numpy(averages(network, material, transform, config))).numpy(),
        )
        for transform in (transforms.clean(), *augmented_transforms(config))
    ]


def baseline_features(config: Config, material: Material) -> baselines.Features:
    """What the baselines see of every photograph."""
    network = untrained(replace(config, enlarged=0)).eval()
    return baselines.Features.of(
        baselines.colour_statistics(load_all(material.photographs)),
        averages(network, material, transforms.clean(), config),
        averages(network, material, transforms.background(), config),
    )


def baselines_over_folds(seen: baselines.Features, material: Material) -> dict[str, Any]:
    """Each baseline's held-out figures with intervals, by kind of split."""
    found: dict[str, Any] = {}
    for kind in splits.KINDS:
        split = material.of_kind(kind)
        rows = np.flatnonzero(~split.test)
        fold, labels, slide = split.fold[rows], material.labels[rows], split.slide[rows]
        answers = baselines.held_out(seen[rows], labels, fold)
        # Signed cases teach, as they taught the network; they are not measured on.
        public = rows < material.public
        answers = {name: predicted[public] for name, predicted in answers.items()}
        labels, fold, slide = labels[public], fold[public], slide[public]
        found[kind] = {
            name: {
                "title": baselines.BASELINES[name].title,
                "folds": metrics.per_fold(predicted, labels, fold),
                "measures": bootstrap.of_answers(predicted, labels, slide),
            }
            for name, predicted in answers.items()
        }
    return found


def other_images(config: Config) -> dict[str, NDArray[np.float32]]:
    """Outlier features of the pictures of other things under the data folder, by kind; empty where there are none."""
    root = config.data / "other-images"
    if not root.is_dir():
        return {}
    network = untrained(config).eval()
    kinds = {}
    for folder in sorted(path for path in root.iterdir() if path.is_dir()):
        pictures = sorted(path for path in folder.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES)
        if pictures:
            kinds[folder.name] = np.concatenate([_features_of(network, path) for path in pictures])
    return kinds


def _features_of(network: LeukemiaVGG16, path: Path) -> NDArray[np.float32]:
    with torch.inference_mode():
        pool3 = network.to_pool3(torch.from_numpy(load_path(path))[None])
        return network.outlier_features(pool3, network.pool3_to_pool4(pool3)).numpy()


def _held_out(config: Config, material: Material, versions: outliers.Versions) -> HeldOut:
    rows, logits = crossvalidate.held_out_logits(replace(config, out=config.out / "group"))
    rows, logits = rows[rows < material.public], logits[rows < material.public]
    labels, fold = material.labels[rows], material.split.fold[rows]
    scores = outliers.held_out_scores([features[rows] for features in versions], labels, fold)
    return HeldOut(rows, labels, fold, material.split.slide[rows], logits, scores[0], scores[1:])


COMMAND = Command(
    "build",
    "cross-validate, train the final model and calibrate it",
    configs.add_arguments,
    lambda parsed: build(configs.from_arguments(parsed)),
)
