"""Pictures of other things than smears: how many of them the outlier score catches."""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from training.command import Command
from training.data.manifest import IMAGE_SUFFIXES, DataError, load_path
from training.model import repository, weights


def score_other_images(weights_path: Path, root: Path) -> dict[str, Any]:
    """How many pictures of each folder under ``root`` the outlier gate catches: none of them is a smear it knows.

    :raises DataError: when there is no threshold, no folder or no readable picture.
    """
    threshold = weights.read_note(weights_path).get("outlier_threshold")
    if threshold is None:
        raise DataError(f"{weights_path} notes no outlier threshold")
    network = weights.load(weights_path)
    found: dict[str, Any] = {}
    for folder in sorted(path for path in root.iterdir() if path.is_dir()):
        pictures = sorted(path for path in folder.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES)
        with torch.inference_mode():
            scores = [
                float(network(torch.from_numpy(load_path(path))[None])[3])
                for path in tqdm(pictures, desc=folder.name, unit="img")
            ]
        if scores:
            found[folder.name] = {
                "images": len(scores),
                "share_above": float(np.mean(np.array(scores) > threshold)),
                "least_score": min(scores),
            }
    if not found:
        raise DataError(f"{root} holds no folder with pictures")
    return {"threshold": threshold, "folders": found}


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--images", type=Path, required=True, help="a folder holding one folder per kind of picture"
    )
    parser.add_argument("--weights", type=Path, default=repository.COMMITTED)


COMMAND = Command(
    "outliers",
    "how many pictures of other things the outlier gate catches",
    _arguments,
    lambda parsed: score_other_images(parsed.weights, parsed.images),
)
