"""Intervals by resampling groups: photographs of one pseudo-slide stand or fall together, so they are drawn together.

Within each class as many pseudo-slides as there are, drawn with replacement (cluster bootstrap: Davison and Hinkley,
*Bootstrap Methods and their Application*, 1997, section 3.8), percentiles at 2.5 and 97.5. Where no photograph is
called wrong, every resample says so and the interval has no width: that is the method's limit, not certainty.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from smear.classes import CLASSES
from training import metrics

RESAMPLES = 2000

#: Percentiles of a 95 % interval.
BOUNDS = (2.5, 97.5)

#: What gets an interval.
MEASURES = ("accuracy", "macro_f1", "malignant_sensitivity", "benign_recall", "ece", "brier")


def intervals(
    probabilities: NDArray[np.floating[Any]],
    labels: NDArray[np.int64],
    groups: NDArray[np.int64],
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, dict[str, float | None]]:
    """Every measure with its 95 % interval over groups: ``{"macro_f1": {"value", "low", "high"}}``.

    :param probabilities: [n, 4], rows summing to one.
    :param groups: the pseudo-slide of each photograph, [n].
    """
    found = _figures(probabilities, labels)
    drawn = [
        _figures(probabilities[rows], labels[rows]) for rows in _resampled(labels, groups, resamples, seed)
    ]
    result: dict[str, dict[str, float | None]] = {}
    for name in MEASURES:
        values = [one[name] for one in drawn if one[name] is not None]
        low, high = np.percentile(values, BOUNDS) if values else (None, None)
        result[name] = {"value": found[name], "low": _plain(low), "high": _plain(high)}
    return result


def of_answers(
    predicted: NDArray[np.int64], labels: NDArray[np.int64], groups: NDArray[np.int64]
) -> dict[str, dict[str, float | None]]:
    """:func:`intervals` of a classifier that gives no probabilities: without ``ece`` and ``brier``."""
    found = intervals(np.eye(len(CLASSES))[predicted], labels, groups)
    return {name: value for name, value in found.items() if name not in ("ece", "brier")}


def _figures(probabilities: NDArray[np.floating[Any]], labels: NDArray[np.int64]) -> dict[str, Any]:
    return {
        **metrics.from_predictions(probabilities.argmax(axis=1), labels),
        "ece": metrics.expected_calibration_error(probabilities, labels),
        "brier": metrics.brier(probabilities, labels),
    }


def _resampled(
    labels: NDArray[np.int64], groups: NDArray[np.int64], resamples: int, seed: int
) -> list[NDArray[np.int64]]:
    random = np.random.default_rng(seed)
    members = {group: np.flatnonzero(groups == group) for group in np.unique(groups)}
    of_class = [np.unique(groups[labels == label]) for label in np.unique(labels)]
    return [
        np.concatenate(
            [members[group] for names in of_class for group in random.choice(names, size=len(names))]
        )
        for _ in range(resamples)
    ]


def _plain(value: float | None) -> float | None:
    return None if value is None else float(value)
