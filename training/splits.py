"""Which photographs train and which validate, without dividing what was photographed together.

The data set has no patient identifiers. File numbers run in the order of capture, so each class is cut into
contiguous blocks of numbers and every fifth block validates: neighbours, which share slide, stain and light,
stay on one side except at a block's ends. Photographs of overlapping fields (``overlap_group``) are never
divided. This is stricter than a random split and still **no patient split**: the same patient may be in both
parts.
"""

import csv
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from smear.classes import CLASSES
from training.data import DataError, Photograph, read_manifest

#: Blocks each class is cut into, and how many folds they are dealt to.
BLOCKS = 20
FOLDS = 5

#: The fold that validates in split v1.
VALIDATION_FOLD = 2

#: The committed split: hashes only, no photographs.
COMMITTED = Path(__file__).parent / "splits" / "v1.csv"

#: How the split is named wherever a figure is shown.
KIND = "contiguous blocks of file numbers, overlap groups kept whole; not a patient split"


@dataclass(frozen=True, slots=True)
class Split:
    """Block and fold of each photograph, aligned with the sequence it was made from; INT64 [n] each."""

    block: NDArray[np.int64]
    fold: NDArray[np.int64]
    validation_fold: int

    @property
    def validation(self) -> NDArray[np.bool_]:
        """True where the photograph validates, BOOL [n]."""
        return self.fold == self.validation_fold

    @property
    def train(self) -> NDArray[np.bool_]:
        """True where the photograph trains, BOOL [n]."""
        return ~self.validation


def contiguous_blocks(
    photographs: Sequence[Photograph],
    blocks: int = BLOCKS,
    folds: int = FOLDS,
    validation_fold: int = VALIDATION_FOLD,
) -> Split:
    """Cut every class into ``blocks`` runs of file numbers, nearly equal, and deal them to ``folds`` in turn.

    An overlap group goes whole to the block in which its first photograph falls.
    """
    block = np.full(len(photographs), -1, dtype=np.int64)
    for label in CLASSES:
        groups: dict[str, list[int]] = defaultdict(list)
        of_class = sorted(
            (index for index, photograph in enumerate(photographs) if photograph.label == label),
            key=lambda index: photographs[index].number,
        )
        for index in of_class:
            groups[photographs[index].group].append(index)
        seen = 0
        for members in groups.values():  # in the order of their first photographs
            block[members] = seen * blocks // len(of_class)
            seen += len(members)
    return Split(block=block, fold=block % folds, validation_fold=validation_fold)


def write(split: Split, photographs: Sequence[Photograph], path: Path) -> None:
    """Write the split as CSV: sha256, class, group, block, fold, part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["sha256", "class", "group", "block", "fold", "part"])
        for photograph, block, fold, validates in zip(
            photographs, split.block, split.fold, split.validation, strict=True
        ):
            part = "validation" if validates else "train"
            writer.writerow([photograph.sha256, photograph.label, photograph.group, block, fold, part])


def read(path: Path, photographs: Sequence[Photograph]) -> Split:
    """Read a committed split and align it with ``photographs`` by overlap group and hash.

    :raises DataError: when the file does not cover exactly these photographs.
    """
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    by_key = {(row["sha256"], row["group"]): row for row in rows}
    keys = [(photograph.sha256, photograph.group) for photograph in photographs]
    if set(by_key) != set(keys):
        raise DataError(f"{path} was made from other photographs than the manifest names; write a new split")
    block = np.array([int(by_key[key]["block"]) for key in keys], dtype=np.int64)
    fold = np.array([int(by_key[key]["fold"]) for key in keys], dtype=np.int64)
    validation = {int(row["fold"]) for row in rows if row["part"] == "validation"}
    if len(validation) != 1:
        raise DataError(f"{path} names no single validation fold")
    return Split(block=block, fold=fold, validation_fold=validation.pop())


def validation_part(data: Path, committed: Path = COMMITTED) -> list[Photograph]:
    """The photographs that validate in the committed split.

    :raises DataError: when the manifest under ``data`` is missing or is another one.
    """
    photographs = read_manifest(data / "blood-smears" / "manifest.csv")
    validation = read(committed, photographs).validation
    return [photograph for photograph, validates in zip(photographs, validation, strict=True) if validates]
