"""Drawn exports of signed cases, in the layout that ``manage.py export_reviewed`` writes."""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from smear.decode import decode
from training.data import synthetic
from training.data.manifest import file_sha256
from training.data.reviewed import SCHEMA


class Shot(NamedTuple):
    """One photograph of a case."""

    label: str
    image: Image.Image
    model_seen: bool = False
    laboratory: str = "lab-a"


def drawn(label: str, seed: int, *, model_seen: bool = False) -> Shot:
    """A new photograph of a class."""
    return Shot(label, synthetic.draw(label, np.random.default_rng((7, seed))), model_seen)


def write_export(folder: Path, cases: Mapping[str, Sequence[Shot]]) -> Path:
    """Write the photographs of each case, named by its key, losslessly; returns ``folder``."""
    root = folder / "blood-smears"
    rows = []
    for key, shots in cases.items():
        for number, shot in enumerate(shots):
            path = root / shot.label / f"{key}-{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            shot.image.save(path)
            with path.open("rb") as file:
                pixels = decode(file).pixel_sha256
            rows.append(
                {
                    "path": path.relative_to(root).as_posix(),
                    "class": shot.label,
                    "sha256": file_sha256(path),
                    "overlap_group": key,
                    "pixel_sha256": pixels,
                    "laboratory": shot.laboratory,
                    "report_version": 1,
                    "disputed": 0,
                    "model_seen": int(shot.model_seen),
                    "follows_case": 0,
                }
            )
    with (root / "manifest.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    (folder / "export.json").write_text(json.dumps({"schema": SCHEMA}))
    return folder
