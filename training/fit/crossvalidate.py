"""A recipe over all folds: figures with their spread over groups, and what was learnt without each photograph."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from training import config as configs
from training.command import Command
from training.config import Config
from training.data import splits
from training.evaluate import bootstrap, calibrate, metrics
from training.fit.train import Material, train


def crossvalidate(config: Config) -> dict[str, Any]:
    """Train the recipe once for every fold; returns the record also written to ``crossvalidation.json``.

    Every photograph outside the test part is judged by the network that trained without its fold. Probabilities use
    the temperature fitted on the other folds' held-out logits, so no figure saw its own labels. Signed cases stand
    apart under ``reviewed``: the figures are those of the public set, whatever else trained.
    """
    config.out.mkdir(parents=True, exist_ok=True)
    runs = [
        train(replace(config, fold=str(fold), out=config.out / f"fold{fold}")) for fold in range(splits.FOLDS)
    ]
    material = Material.read(config)
    every_row, every_logit = held_out_logits(config)
    rows, logits = every_row[every_row < material.public], every_logit[every_row < material.public]
    labels, fold = material.labels[rows], material.split.fold[rows]
    probabilities = scaled_by_other_folds(logits, labels, fold)
    temperature = calibrate.fit_temperature(logits, labels)
    record = {
        "split": splits.KINDS[config.split_kind],
        "folds": metrics.per_fold(probabilities.argmax(axis=1), labels, fold),
        "pooled": bootstrap.intervals(probabilities, labels, material.split.slide[rows]),
        "confusion": metrics.measure(probabilities, labels)["confusion"],
        "temperature": temperature,
        "reviewed": of_signed_cases(material, every_row, softmax(every_logit / temperature, axis=1)),
        "seconds": sum(run["seconds"] for run in runs),
        "recipe": runs[0]["recipe"] | {"fold": "all", "out": str(config.out)},
        "git_commit": runs[0]["git_commit"],
    }
    (config.out / "crossvalidation.json").write_text(json.dumps(record, indent=2) + "\n")
    return record


def of_signed_cases(
    material: Material, rows: NDArray[np.int64], probabilities: NDArray[np.floating[Any]]
) -> dict[str, Any] | None:
    """Figures over the signed cases by networks that had not seen them; None where there are none.

    Only photographs whose reader had not seen the model's answer count: the others would flatter it.
    """
    if material.taken is None:
        return None
    blind = np.r_[np.zeros(material.public, bool), [not one.model_seen for one in material.taken.photographs]]
    own = blind[rows]
    return metrics.measure(probabilities[own], material.labels[rows[own]]) if own.any() else None


def held_out_logits(config: Config) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Rows [n] and logits [n, 4] of every photograph outside the test part, in the manifest's order."""
    kept = [np.load(config.out / f"fold{fold}" / "outputs.npz") for fold in range(splits.FOLDS)]
    rows = np.concatenate([one["rows"] for one in kept])
    order = np.argsort(rows)
    return rows[order], np.concatenate([one["logits"] for one in kept])[order]


def scaled_by_other_folds(
    logits: NDArray[np.float32], labels: NDArray[np.int64], fold: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Probabilities [n, 4], each fold's with the temperature that fits the other folds."""
    probabilities = np.empty(logits.shape)
    for held_out in np.unique(fold):
        inside = fold == held_out
        temperature = calibrate.fit_temperature(logits[~inside], labels[~inside])
        probabilities[inside] = softmax(logits[inside].astype(np.float64) / temperature, axis=1)
    return probabilities


COMMAND = Command(
    "crossvalidate",
    "run the recipe on every fold",
    configs.add_arguments,
    lambda parsed: crossvalidate(configs.from_arguments(parsed)),
)
