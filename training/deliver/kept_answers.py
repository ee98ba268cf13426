"""What a version answered about the test part when it was judged, kept beside its weights to be measured again in part.

``test_answers.csv``: the hash of a photograph's file, its label, the probability of each class to four digits.
"""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from smear.classes import CLASSES
from training.data.manifest import DataError, Photograph, targets
from training.evaluate import metrics

NAME = "test_answers.csv"

#: How far a probability may be from the kept one: processors differ in the last digits, other weights in the first.
MOST_APART = 0.01

Probabilities = NDArray[np.floating[Any]]


def write(folder: Path, photographs: Sequence[Photograph], probabilities: Probabilities) -> None:
    """Keep what was answered, ``probabilities`` [n, 4], in ``folder``."""
    with (folder / NAME).open("w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["sha256", "label", *CLASSES])
        for photograph, row in zip(photographs, probabilities, strict=True):
            rows.writerow([photograph.sha256, photograph.label, *(f"{value:.4f}" for value in row)])


def read(folder: Path, photographs: Sequence[Photograph]) -> Probabilities:
    """What was answered about these photographs, [n, 4].

    :raises DataError: when nothing was kept, or not about all of them.
    """
    path = folder / NAME
    if not path.is_file():
        raise DataError(f"{path} is missing: judge the whole test part first, without --every")
    with path.open(newline="") as file:
        kept = {row["sha256"]: [float(row[name]) for name in CLASSES] for row in csv.DictReader(file)}
    missing = sum(photograph.sha256 not in kept for photograph in photographs)
    if missing:
        raise DataError(
            f"{path} lacks {missing} of {len(photographs)} photographs; judge the whole test part again"
        )
    return np.array([kept[photograph.sha256] for photograph in photographs])


def measured_in_part(
    folder: Path, photographs: Sequence[Photograph], part: slice, probabilities: Probabilities, stated: float
) -> dict[str, Any]:
    """The criterion *measured again*, for what was measured of a ``part`` of the test part only.

    :param probabilities: of ``photographs[part]``, [m, 4].
    :param stated: the card's macro-F1, which the kept answers must give.
    :raises DataError: as `read`.
    """
    kept = read(folder, photographs)
    of_kept = metrics.from_predictions(kept.argmax(axis=1), targets(photographs))["macro_f1"]
    apart = float(np.abs(kept[part] - probabilities).max())
    return {
        "key": "repeated",
        "text": f"answers about {len(probabilities)} photographs of the test part, measured again",
        "bar": f"within {MOST_APART} of those that give the card's macro-F1, {stated:.4f}",
        "value": apart,
        "passed": apart <= MOST_APART and abs(of_kept - stated) <= 0.0005,
    }
