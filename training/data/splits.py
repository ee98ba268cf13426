"""Which photographs train, which validate and which are left for the end, without dividing what was taken together.

Pseudo-slides (:mod:`training.data.slides`) go whole to one of six parts: five folds for cross-validation, and one test
part that no choice may look at. Beside this **group split** stand two others, to show what they hide or what is harder:
single photographs assigned at random, as in the literature on this data set, and contiguous blocks of file numbers.
**None of them is a patient split**: the data set names no patients, so one patient's photographs may be in two parts.
"""

import argparse
import csv
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from smear.classes import CLASSES
from training.command import Command
from training.data import slides
from training.data.manifest import DEFAULT_DATA, DataError, Photograph, read_manifest

#: Folds of the cross-validation.
FOLDS = 5

#: What :attr:`Split.fold` holds for the test part.
TEST = -1

#: Blocks each class is cut into for the split by contiguous numbers.
BLOCKS = 20

#: The committed split: hashes and group names only, no photographs.
COMMITTED = Path(__file__).parents[1] / "splits" / "v2.csv"

#: How each split is named wherever a figure is shown.
KINDS = {
    "group": "pseudo-slides (file numbers, overlapping fields, appearance) kept whole; not a patient split",
    "contiguous": "contiguous blocks of file numbers, overlapping fields kept whole; not a patient split",
    "random": "single photographs at random: neighbours of one slide on both sides",
}


@dataclass(frozen=True, slots=True)
class Split:
    """Pseudo-slide and fold of each photograph, aligned with the sequence it was made from; INT64 [n] each."""

    slide: NDArray[np.int64]
    fold: NDArray[np.int64]
    kind: str = "group"

    @property
    def test(self) -> NDArray[np.bool_]:
        """True where the photograph is in the test part, BOOL [n]."""
        return np.equal(self.fold, TEST)

    def training(self, held_out: int | None = None) -> NDArray[np.bool_]:
        """True where the photograph trains when fold ``held_out`` validates (None: the final model), BOOL [n]."""
        kept: NDArray[np.bool_] = (self.fold != TEST) & (self.fold != held_out)
        return kept

    def validation(self, held_out: int | None = None) -> NDArray[np.bool_]:
        """True where the photograph is measured on: the held-out fold, or the test part for the final model."""
        return np.equal(self.fold, TEST if held_out is None else held_out)


def by_slide(photographs: Sequence[Photograph]) -> Split:
    """Find the pseudo-slides and assign them to the test part and the folds, class by class.

    The largest come first and go to the part that has the fewest photographs of the class, so that all six parts hold
    nearly the same number. Nothing random, nothing chosen by a figure.
    """
    slide = slides.pseudo_slides(photographs, slides.appearances(photographs))
    fold = np.full(len(photographs), TEST, dtype=np.int64)
    labels = np.array([photograph.target for photograph in photographs])
    for label in np.unique(labels):
        names, sizes = np.unique(slide[labels == label], return_counts=True)
        held = np.zeros(FOLDS + 1, dtype=np.int64)
        for name, size in sorted(zip(names, sizes, strict=True), key=lambda one: (-one[1], one[0])):
            part = int(held.argmin())
            fold[slide == name] = part - 1
            held[part] += size
    return Split(slide=slide, fold=fold)


def at_random(split: Split, seed: int = 0) -> Split:
    """The same photographs in parts of the same sizes, assigned singly and at random: what the literature does."""
    return Split(split.slide, np.random.default_rng(seed).permutation(split.fold), "random")


def contiguous(photographs: Sequence[Photograph], split: Split) -> Split:
    """The photographs outside the test part, by contiguous blocks of numbers assigned to the folds in turn.

    An overlap group goes whole to the block in which its first photograph falls.
    """
    fold = np.full(len(photographs), TEST, dtype=np.int64)
    for label in CLASSES:
        groups: dict[str, list[int]] = defaultdict(list)
        of_class = sorted(
            (
                row
                for row, photograph in enumerate(photographs)
                if photograph.label == label and split.fold[row] != TEST
            ),
            key=lambda row: photographs[row].number,
        )
        for row in of_class:
            groups[photographs[row].group].append(row)
        seen = 0
        for members in groups.values():  # in the order of their first photographs
            fold[members] = seen * BLOCKS // len(of_class) % FOLDS
            seen += len(members)
    return Split(split.slide, fold, "contiguous")


def of_kind(kind: str, photographs: Sequence[Photograph], split: Split) -> Split:
    """``split`` itself, or the comparison of that name made from it.

    :raises DataError: when there is no such kind.
    """
    if kind not in KINDS:
        raise DataError(f"split {kind!r} is not one of {', '.join(KINDS)}")
    if kind == "random":
        return at_random(split)
    return contiguous(photographs, split) if kind == "contiguous" else split


def write(split: Split, photographs: Sequence[Photograph], path: Path) -> None:
    """Write the split as CSV: sha256, class, overlap_group, pseudo_slide, part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["sha256", "class", "overlap_group", "pseudo_slide", "part"])
        for one, slide, fold in zip(photographs, split.slide, split.fold, strict=True):
            part = "test" if fold == TEST else f"fold{fold}"
            writer.writerow([one.sha256, one.label, one.group, slide, part])


def read(path: Path, photographs: Sequence[Photograph]) -> Split:
    """Read a committed split and align it with ``photographs`` by overlap group and hash.

    :raises DataError: when the file does not cover exactly these photographs.
    """
    with path.open(newline="") as file:
        rows = {(row["sha256"], row["overlap_group"]): row for row in csv.DictReader(file)}
    keys = [(photograph.sha256, photograph.group) for photograph in photographs]
    if set(rows) != set(keys):
        raise DataError(
            f"{path} was made from other photographs than the manifest names; python -m training split writes one"
        )
    slide = np.array([int(rows[key]["pseudo_slide"]) for key in keys], dtype=np.int64)
    parts = [rows[key]["part"] for key in keys]
    fold = np.array([TEST if part == "test" else int(part.removeprefix("fold")) for part in parts])
    return Split(slide=slide, fold=fold)


def test_part(data: Path) -> list[Photograph]:
    """The photographs of the committed split's test part.

    :raises DataError: when the manifest under ``data`` is missing or is another one.
    """
    photographs, split = _committed(data)
    return [photographs[row] for row in np.flatnonzero(split.test)]


def test_slides(data: Path) -> NDArray[np.int64]:
    """The pseudo-slide of each photograph of :func:`test_part`."""
    _, split = _committed(data)
    return split.slide[split.test]


def _committed(data: Path) -> tuple[list[Photograph], Split]:
    photographs = read_manifest(data / "blood-smears" / "manifest.csv")
    return photographs, read(COMMITTED, photographs)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="where the manifest lies")
    parser.add_argument(
        "--out", type=Path, required=True, help="the split to write, CSV; a recipe names it as split"
    )


def _run(parsed: argparse.Namespace) -> dict[str, Any]:
    photographs = read_manifest(parsed.data / "blood-smears" / "manifest.csv")
    split = by_slide(photographs)
    write(split, photographs, parsed.out)
    parts = {"test": TEST} | {f"fold{fold}": fold for fold in range(FOLDS)}
    return {
        "written": str(parsed.out),
        "pseudo_slides": len(np.unique(split.slide)),
        "photographs": {name: int((split.fold == fold).sum()) for name, fold in parts.items()},
    }


COMMAND = Command(
    "split",
    "divide a manifest's photographs into folds and test part, pseudo-slides kept whole",
    _arguments,
    _run,
)
