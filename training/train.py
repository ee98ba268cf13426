"""From the manifest to a run: weights, figures and the record of how they came about."""

import dataclasses
import json
import os
import platform
import subprocess
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import softmax

from training import baselines, calibrate, features, fit, metrics, splits, weights
from training.config import Config
from training.data import Photograph, file_sha256, load_all, read_manifest, targets
from training.evaluate import NOTE
from training.network import LeukemiaVGG16


def train(config: Config) -> dict[str, Any]:
    """Run the recipe; returns the record that is also written to ``run.json`` in ``config.out``.

    Interrupted, it goes on from caches and checkpoint when called again with the same recipe.

    :raises DataError: when photographs or ImageNet weights are missing.
    """
    started, commit = time.monotonic(), git_commit()
    weights.deterministic(config.threads, config.seed)
    photographs = read_manifest(config.manifest)
    split = splits.read(config.split, photographs) if config.split else splits.contiguous_blocks(photographs)
    config.out.mkdir(parents=True, exist_ok=True)
    splits.write(split, photographs, config.out / "split.csv")
    labels = targets(photographs)

    network = LeukemiaVGG16()
    weights.load_backbone(network, config.backbone_path)
    clean, augmented = _cached(network, photographs, split, config)
    training_rows = np.flatnonzero(split.train)
    _, embeddings = fit.predict(network, clean)
    fit.probe(network, embeddings[training_rows], labels[training_rows], config.probe_c)

    history: list[dict[str, Any]] = []
    if config.epochs:
        validation = np.flatnonzero(split.validation)
        network, history = fit.fine_tune(
            network,
            [clean[training_rows], *augmented],
            labels[training_rows],
            config,
            checkpoint=config.out / "checkpoint.pt",
            watch=lambda average: _summary(fit.predict(average, clean[validation])[0], labels[validation]),
        )
    network = weights.rounded(network)
    averages = features.averages(clean)
    record = _calibrated(network, clean, averages, labels, split)
    colour = baselines.colour_statistics(load_all(photographs))
    seen = baselines.Features(colour, averages)
    note = {
        "temperature": record["temperature"],
        "outlier_threshold": record["outlier_threshold"],
        "split": splits.KIND,
    }
    weights.save(network, config.out / "weights.safetensors", {NOTE: json.dumps(note, sort_keys=True)})
    baselines.save(seen[split.train], labels[split.train], config.out / "baselines.safetensors")
    record |= {
        "baselines": compare(seen, labels, split),
        "history": history,
        "seconds": round(time.monotonic() - started),
        "weights_sha256": file_sha256(config.out / "weights.safetensors"),
        "git_commit": commit,
        **provenance(config, photographs, split),
    }
    (config.out / "run.json").write_text(json.dumps(record, indent=2) + "\n")
    return record


def compare(seen: baselines.Features, labels: NDArray[np.int64], split: splits.Split) -> dict[str, Any]:
    """The baselines on this split, over all folds of blocks and, to show what those hide, random folds."""
    random = np.random.default_rng(0).integers(splits.FOLDS, size=len(labels))
    return {
        "validation": _fold(seen, labels, split.fold, split.validation_fold),
        "contiguous_folds": _folds(seen, labels, split.fold),
        "random_folds": _folds(seen, labels, random),
    }


def provenance(config: Config, photographs: Sequence[Photograph], split: splits.Split) -> dict[str, Any]:
    """Which data, recipe and machine a run came from."""
    return {
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "manifest_sha256": file_sha256(config.manifest),
        "backbone_sha256": file_sha256(config.backbone_path),
        "recipe": json.loads(json.dumps(dataclasses.asdict(config), default=str)),
        "split": {
            "kind": splits.KIND,
            "photographs": len(photographs),
            "train": int(split.train.sum()),
            "validation": int(split.validation.sum()),
            "validation_fold": split.validation_fold,
        },
        "machine": {"cpus": os.cpu_count(), "arch": platform.machine(), "torch": torch.__version__},
    }


def git_commit() -> str:
    """The commit of the working tree, with ``+changes`` where training code differs from it."""

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
        return done.stdout.strip()

    commit = git("rev-parse", "HEAD") or "unknown"
    return commit + ("+changes" if git("status", "--porcelain", "--", "training", "smear") else "")


def _cached(
    network: LeukemiaVGG16, photographs: list[Photograph], split: splits.Split, config: Config
) -> tuple[NDArray[np.float16], list[NDArray[np.float16]]]:
    """Block-4 features of all photographs as they are, and of the training part in each augmented version."""
    backbone = file_sha256(config.backbone_path)
    training = [photograph for photograph, trains in zip(photographs, split.train, strict=True) if trains]

    def cached(part: list[Photograph], version: int) -> NDArray[np.float16]:
        key = features.cache_key(backbone, part, version, config.seed, config.strength)
        return features.pool4(
            network, part, config.cache, key, version=version, seed=config.seed, strength=config.strength
        )

    return cached(photographs, 0), [cached(training, version + 1) for version in range(config.versions)]


def _calibrated(
    network: LeukemiaVGG16,
    clean: NDArray[np.float16],
    averages: NDArray[np.float32],
    labels: NDArray[np.int64],
    split: splits.Split,
) -> dict[str, Any]:
    """Fit temperature (validation), outlier statistics (training) and threshold (validation); measure."""
    logits, _ = fit.predict(network, clean[split.validation])
    temperature = calibrate.fit_temperature(logits, labels[split.validation])
    network.temperature.fill_(temperature)
    calibrate.fit_outliers(network, averages[split.train], labels[split.train])
    scores = calibrate.outlier_scores(network, averages[split.validation])
    return {
        "temperature": round(temperature, 4),
        "outlier_threshold": calibrate.threshold(scores),
        "validation": metrics.measure(softmax(logits / temperature, axis=1), labels[split.validation]),
    }


def _summary(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> dict[str, Any]:
    figures = metrics.from_predictions(logits.argmax(axis=1), labels)
    return {name: figures[name] for name in ("macro_f1", "malignant_sensitivity", "benign_recall")}


def _fold(
    seen: baselines.Features, labels: NDArray[np.int64], fold: NDArray[np.int64], held_out: int
) -> dict[str, Any]:
    inside = fold == held_out
    return baselines.measure(baselines.fit(seen[~inside], labels[~inside]), seen[inside], labels[inside])


def _folds(seen: baselines.Features, labels: NDArray[np.int64], fold: NDArray[np.int64]) -> dict[str, Any]:
    """Each baseline's figures over all folds."""
    measured = [_fold(seen, labels, fold, held_out) for held_out in range(splits.FOLDS)]
    return {name: metrics.over_folds([one[name] for one in measured]) for name in baselines.BASELINES}
