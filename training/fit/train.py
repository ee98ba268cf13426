"""One training run: from the manifest to weights, outputs on the held-out part, and a record of how they came about."""

import csv
import dataclasses
import json
import os
import platform
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import softmax

from training import config as configs
from training.command import Command
from training.config import Config
from training.data import reviewed, splits, transforms
from training.data.manifest import DataError, Photograph, file_sha256, read_manifest, targets
from training.data.transforms import Transform
from training.evaluate import metrics
from training.fit import fine_tuning, parallel
from training.fit.features import Cache, Joined, Maps
from training.model import weights
from training.model.network import SEES, LeukemiaVGG16

#: Share of the training groups set aside where a recipe stops early.
STOP_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Material:
    """What a run works on; everything but ``split`` is the same for all folds of a recipe.

    The first ``public`` photographs are the public set's; every figure is over them, so that versions can be compared.
    After them come those ``taken`` from signed cases, where the recipe names a folder of them.
    """

    photographs: list[Photograph]
    labels: NDArray[np.int64]
    split: splits.Split
    public: int
    taken: reviewed.Taken | None = None

    @classmethod
    def read(cls, config: Config) -> "Material":
        """The photographs of the manifest in the split that ``config`` names, and those of the signed cases.

        :raises DataError: when they are missing, or not the ones the split was made from.
        """
        photographs = read_manifest(config.manifest)
        split = splits.read(config.split, photographs)
        public, taken = len(photographs), None
        if config.reviewed is not None:
            taken = reviewed.take(config.reviewed, photographs, split, config.blind_only)
            photographs = photographs + [one.photograph for one in taken.photographs]
        material = cls(photographs, targets(photographs), split, public, taken)
        return dataclasses.replace(material, split=material.of_kind(config.split_kind))

    def of_kind(self, kind: str) -> splits.Split:
        """The split, or the comparison of that name made from it, in which signed cases stay where they are.

        :raises DataError: when there is no such kind.
        """
        public = splits.Split(self.split.slide[: self.public], self.split.fold[: self.public])
        made = splits.of_kind(kind, self.photographs[: self.public], public)
        return made if self.taken is None else reviewed.joined(made, self.taken.split)


def train(config: Config) -> dict[str, Any]:
    """Run the recipe on one fold (or for the final model); returns the record also written to ``run.json``.

    Beside it stand ``weights.safetensors`` (uncalibrated: :mod:`training.fit.build` calibrates), ``outputs.npz`` (rows
    and logits of the held-out photographs) and ``history.csv``. A finished run is read, not repeated; an interrupted
    one goes on from caches and checkpoint.

    :raises DataError: when photographs or ImageNet weights are missing.
    """
    if (finished := _finished(config)) is not None:
        return finished
    parallel.start()
    started, commit = time.monotonic(), git_commit()
    weights.deterministic(config.threads, config.seed)
    material = Material.read(config)
    config.out.mkdir(parents=True, exist_ok=True)
    network, history = tuned(config, material)
    network = weights.rounded(network)
    record = measured(config, material, network)
    record |= {
        "history": history,
        "seconds": round(time.monotonic() - started),
        "git_commit": commit,
        **provenance(config, material),
    }
    if parallel.first():
        weights.save(network, config.out / "weights.safetensors")
        write_history(config, history)
        (config.out / "run.json").write_text(json.dumps(record, indent=2) + "\n")
        _checkpoint(config, material).unlink(missing_ok=True)
    parallel.wait()
    return record


def tuned(config: Config, material: Material) -> tuple[LeukemiaVGG16, list[dict[str, Any]]]:
    """The network after linear probing and fine-tuning, and one record per epoch."""
    network = untrained(config)
    rows, aside = _training_rows(config, material)
    labels, block = material.labels, fine_tuning.start_block(config)
    plain, augmented = plain_transform(config), augmented_transforms(config)
    probed = [plain] if config.epochs else [plain, *augmented]
    fine_tuning.probe(
        network,
        [seen(network, material, transform, config, rows) for transform in probed],
        labels[rows],
        config,
    )
    history: list[dict[str, Any]] = []
    if config.epochs:
        versions = [cached(network, material, transform, config, block) for transform in (plain, *augmented)]
        network, history = fine_tuning.fine_tune(
            network,
            [_Rows(maps, rows) for maps in versions],
            labels[rows],
            config,
            checkpoint=_checkpoint(config, material),
            stop_on=(versions[0][aside], labels[aside]) if len(aside) else None,
        )
    return network, history


def untrained(config: Config) -> LeukemiaVGG16:
    """The network of a recipe with the convolutions as trained on ImageNet."""
    if config.sees not in SEES:
        raise DataError(f"sees {config.sees!r} is not one of {', '.join(SEES)}")
    return weights.from_backbone(config.backbone_path, sees=config.sees, enlarged=config.enlarged)


def seen(
    network: LeukemiaVGG16, material: Material, transform: Transform, config: Config, rows: NDArray[np.int64]
) -> NDArray[np.float32]:
    """What the linear layer of an untuned network sees of the photographs ``rows``, FP32 [n, 512 or 768], centred."""
    if network.deep:
        return fine_tuning.predict(network, cached(network, material, transform, config, 4)[rows])[1]
    means = torch.from_numpy(averages(network, material, transform, config)[rows])
    return cast(NDArray[np.float32], (network.roots(means) - network.centre).numpy())


def _finished(config: Config) -> dict[str, Any] | None:
    """The record of a finished run of this recipe on these signed cases; None where there is none."""
    path = config.out / "run.json"
    if not path.is_file():
        return None
    record = dict(json.loads(path.read_text()))
    # A key that recipes did not have then had what is its default now.
    recipe = recipe_of(Config()) | record["recipe"]
    cases = (record.get("reviewed") or {}).get("manifest_sha256")
    same = recipe == recipe_of(config) and cases == reviewed.manifest_sha256(config.reviewed)
    return record if same else None


def _checkpoint(config: Config, material: Material) -> Path:
    """Where an interrupted run goes on; not with other signed cases than it began with."""
    taken = material.taken
    cases = "" if taken is None else f"-{taken.record['manifest_sha256'][:16]}"
    return config.out / f"fine_tuning{cases}.pt"


class _Rows:
    """Some rows of memory-mapped maps, without copying them."""

    def __init__(self, maps: Maps | Joined, rows: NDArray[np.int64]) -> None:
        self.maps, self.rows = maps, rows

    @property
    def shape(self) -> tuple[int, ...]:
        """That of an array of these rows."""
        return len(self.rows), *self.maps.shape[1:]

    def __getitem__(self, row: int) -> Maps:
        return np.asarray(self.maps[self.rows[row]])


def plain_transform(config: Config) -> Transform:
    """The photographs as they are, as the recipe looks at them."""
    return transforms.clean(config.normalise, config.masked, config.side)


def augmented_transforms(config: Config) -> list[Transform]:
    """The recipe's augmented versions."""
    return [
        transforms.augmented(version + 1, config.seed, config.strength) for version in range(config.versions)
    ]


def cached(
    network: LeukemiaVGG16, material: Material, transform: Transform, config: Config, block: int
) -> Maps | Joined:
    """Maps of every photograph in ``transform`` after ``block``, by the ImageNet blocks before it.

    Signed cases have a cache of their own, so that new ones do not cost the public set's again. Augmented views are
    computed in the recipe's precision; the plain one, on which figures are made, in single.
    """
    cache = _cache(config, transform)
    fresh = _untouched(network, config)
    maps = _by_part(material, lambda part: cache.maps(fresh, part, transform, block))
    return maps[0] if len(maps) == 1 else Joined(tuple(maps))


def averages(
    network: LeukemiaVGG16, material: Material, transform: Transform, config: Config
) -> NDArray[np.float32]:
    """Spatial averages after blocks 3 and 4 of every photograph in ``transform``, FP32 [n, 768]; cached too."""
    cache = _cache(config, transform)
    fresh = _untouched(network, config)
    return np.concatenate(_by_part(material, lambda part: cache.means(fresh, part, transform)))


def _cache(config: Config, transform: Transform) -> Cache:
    precision = "float32" if transform.name.startswith("clean") else config.precision
    return Cache(config.cache, file_sha256(config.backbone_path), precision)


def _by_part(material: Material, compute: Callable[[list[Photograph]], NDArray[Any]]) -> list[NDArray[Any]]:
    """``compute`` of the public set and of the signed cases, by the first process; the others read what it wrote."""
    if not parallel.first():
        parallel.wait()
    parts = (material.photographs[: material.public], material.photographs[material.public :])
    found = [compute(part) for part in parts if part]
    if parallel.first():
        parallel.wait()
    return found


def _untouched(network: LeukemiaVGG16, config: Config) -> LeukemiaVGG16:
    """A network with the ImageNet convolutions, whatever was tuned in ``network``."""
    return untrained(config) if config.tuned == "block4" else network


def measured(config: Config, material: Material, network: LeukemiaVGG16) -> dict[str, Any]:
    """Figures on the held-out part, whose logits are kept in ``outputs.npz`` for whatever is fitted on them."""
    rows = np.flatnonzero(material.split.validation(config.held_out))
    if network.deep or config.epochs:
        block = fine_tuning.start_block(config)
        maps = cached(network, material, plain_transform(config), config, block)
        logits, pooled = fine_tuning.predict(network, maps[rows], block)
    else:
        pooled = seen(network, material, plain_transform(config), config, rows)
        logits = network.classifier(torch.from_numpy(pooled)).detach().numpy()
    if parallel.first():
        np.savez(config.out / "outputs.npz", rows=rows, logits=logits, pooled=pooled.astype(np.float16))
    labels = material.labels[rows]
    return {"validation": metrics.measure(softmax(logits, axis=1), labels)}


def _training_rows(config: Config, material: Material) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows that train, and rows of training groups set aside for early stopping (none without patience)."""
    trains = material.split.training(config.held_out)
    if not config.patience:
        return np.flatnonzero(trains), np.array([], dtype=np.int64)
    random = np.random.default_rng(config.seed)
    aside = np.zeros(len(trains), dtype=bool)
    for label in np.unique(material.labels):
        of_class = trains & (material.labels == label)
        for slide in random.permutation(np.unique(material.split.slide[of_class])):
            if (aside & of_class).sum() < STOP_SHARE * of_class.sum():
                aside |= of_class & (material.split.slide == slide)
    return np.flatnonzero(trains & ~aside), np.flatnonzero(aside)


def recipe_of(config: Config) -> dict[str, Any]:
    """The recipe as plain data."""
    return dict(json.loads(json.dumps(dataclasses.asdict(config), default=str)))


def provenance(config: Config, material: Material) -> dict[str, Any]:
    """Which data, recipe and machine a run came from."""
    split = material.split
    return {
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "manifest_sha256": file_sha256(config.manifest),
        "backbone_sha256": file_sha256(config.backbone_path),
        "recipe": recipe_of(config),
        "split": {
            "kind": splits.KINDS[split.kind],
            "photographs": len(material.photographs),
            "train": int(split.training(config.held_out).sum()),
            "held_out": int(split.validation(config.held_out).sum()),
            "pseudo_slides": len(np.unique(split.slide)),
        },
        "machine": {"cpus": os.cpu_count(), "arch": platform.machine(), "torch": torch.__version__},
        "reviewed": material.taken.record if material.taken else None,
    }


def git_commit() -> str:
    """The commit of the working tree, with ``+changes`` where training code differs from it."""

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
        return done.stdout.strip()

    commit = git("rev-parse", "HEAD") or "unknown"
    return commit + ("+changes" if git("status", "--porcelain", "--", "training", "smear") else "")


def write_history(config: Config, history: Sequence[dict[str, Any]]) -> None:
    """One line an epoch, for a spreadsheet or a plot."""
    if not history:
        return
    with (config.out / "history.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(history[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(history)


COMMAND = Command(
    "train",
    "run the recipe on one fold (--fold 0) or for the final model",
    configs.add_arguments,
    lambda parsed: train(configs.from_arguments(parsed)),
)
