"""What a change of the recipe brings: ``python -m training ablate``, one row a change, over the same folds.

Rows are cross-validations by pseudo-slides, so that a difference can be seen beside the spread over folds; the test
part is not touched. ``training/configs/ablations.toml`` names the rows by what they change in the recipe.
"""

import argparse
import json
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from training import config as configs
from training.command import Command
from training.config import Config
from training.data import splits
from training.data.manifest import DataError
from training.evaluate import metrics
from training.evaluate.baselines import support_vectors
from training.fit import crossvalidate
from training.fit.train import Material, averages, plain_transform, untrained
from training.model import outliers

#: The rows of the table.
ROWS = Path(__file__).parents[1] / "configs" / "ablations.toml"


def ablate(config: Config, rows: Path = ROWS, only: str | None = None) -> list[dict[str, Any]]:
    """Every row of ``rows`` (or the one named ``only``): figures over folds and the seconds they took.

    A row starts from ``config``, or from the file it names as ``recipe``. One with ``frozen = true`` asks about the
    input: frozen ImageNet averages of ``blocks`` (block 4 if not said) and a support-vector machine on them, which
    costs no luck of training. Written to ``ablations.json``.

    :raises DataError: when a row changes something that no recipe knows.
    """
    listed = tomllib.loads(rows.read_text())
    if only is not None and only not in listed:
        raise DataError(f"{rows} has no row {only}; it has {', '.join(listed)}")
    kept = config.out / "ablations.json"
    found: dict[str, Any] = json.loads(kept.read_text()) if kept.is_file() else {}
    kept.parent.mkdir(parents=True, exist_ok=True)
    for name, changes in listed.items():
        if only in (None, name):
            found[name] = _row(config, name, dict(changes))
            kept.write_text(json.dumps(found, indent=2) + "\n")
    return [{"name": name, **row} for name, row in found.items()]


def _row(config: Config, name: str, changes: dict[str, Any]) -> dict[str, Any]:
    if recipe := changes.pop("recipe", None):
        config = replace(
            configs.read(ROWS.parent / recipe), data=config.data, split=config.split, out=config.out
        )
    words, frozen = changes.pop("words"), changes.pop("frozen", False)
    blocks = changes.pop("blocks", [4])
    strength = replace(config.strength, **changes.pop("strength", {}))
    changed = replace(config, **changes, strength=strength, out=config.out / "ablations" / name)
    measured = _frozen(changed, blocks) if frozen else _trained(changed)
    return {"words": words, "kind": "frozen" if frozen else "trained", **measured}


def _trained(config: Config) -> dict[str, Any]:
    record = crossvalidate.crossvalidate(config)
    return {"folds": record["folds"], "ece": record["pooled"]["ece"]["value"], "seconds": record["seconds"]}


def _frozen(config: Config, blocks: list[int]) -> dict[str, Any]:
    material = Material.read(config)
    network = untrained(replace(config, sees="blocks34")).eval()
    means = averages(network, material, plain_transform(config), config)
    seen = np.concatenate(
        [means[:, outliers.columns_of(f"block {block}", means.shape[1])] for block in blocks], axis=1
    )
    labels, fold = material.labels, material.split.fold
    called = np.empty(len(labels), dtype=np.int64)
    for held_out in range(splits.FOLDS):
        trains, inside = material.split.training(held_out), fold == held_out
        called[inside] = support_vectors().fit(seen[trains], labels[trains]).predict(seen[inside])
    rows = np.flatnonzero(~material.split.test[: material.public])
    return {"folds": metrics.per_fold(called[rows], labels[rows], fold[rows])}


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, default=configs.DEFAULT_CONFIG, help="the recipe, TOML")
    parser.add_argument("--only", help="one row of training/configs/ablations.toml")


COMMAND = Command(
    "ablate",
    "what each change of the recipe brings, over the same folds",
    _arguments,
    lambda parsed: ablate(configs.read(parsed.config), only=parsed.only),
)
