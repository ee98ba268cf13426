"""Intervals by resampling groups: photographs of one pseudo-slide stand or fall together, so they are drawn together.

Within each class as many pseudo-slides as there are, drawn with replacement (cluster bootstrap: Davison and Hinkley,
*Bootstrap Methods and their Application*, 1997, section 3.8), percentiles at 2.5 and 97.5. Where no photograph is
called wrong, every resample says so and the interval has no width: that is the method's limit, not certainty.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.evaluate import metrics

RESAMPLES = 2000

#: Percentiles of a 95 % interval.
BOUNDS = (2.5, 97.5)

#: What gets an interval; the first four need no probabilities.
MEASURES = ("accuracy", "macro_f1", "malignant_sensitivity", "benign_recall", "ece", "brier")
OF_ANSWERS = MEASURES[:4]


def intervals(
    probabilities: NDArray[np.floating[Any]],
    labels: NDArray[np.int64],
    groups: NDArray[np.int64],
    resamples: int | None = None,
    seed: int = 0,
) -> dict[str, dict[str, float | None]]:
    """Every measure with its 95 % interval over groups: ``{"macro_f1": {"value", "low", "high"}}``.

    :param probabilities: [n, 4], rows summing to one.
    :param groups: the pseudo-slide of each photograph, [n].
    :param resamples: how many; :data:`RESAMPLES` if not given.
    """

    def figures(rows: Any) -> dict[str, Any]:
        answers, own = probabilities[rows], labels[rows]
        return {
            **metrics.from_predictions(answers.argmax(axis=1), own),
            "ece": metrics.expected_calibration_error(answers, own),
            "brier": metrics.brier(answers, own),
        }

    return _intervals(figures, MEASURES, _resampled(labels, groups, resamples, seed))


def of_answers(
    predicted: NDArray[np.int64], labels: NDArray[np.int64], groups: NDArray[np.int64]
) -> dict[str, dict[str, float | None]]:
    """:func:`intervals` of a classifier that gives no probabilities: without ``ece`` and ``brier``."""

    def figures(rows: Any) -> dict[str, Any]:
        return metrics.from_predictions(predicted[rows], labels[rows])

    return _intervals(figures, OF_ANSWERS, _resampled(labels, groups))


def _intervals(
    figures: Callable[[Any], dict[str, Any]], measures: Sequence[str], drawn: Iterable[NDArray[np.int64]]
) -> dict[str, dict[str, float | None]]:
    """Each of ``measures`` over all rows, and its percentiles over the rows ``drawn``."""
    found = figures(slice(None))
    resampled = [figures(rows) for rows in drawn]
    result: dict[str, dict[str, float | None]] = {}
    for name in measures:
        values = [one[name] for one in resampled if one[name] is not None]
        low, high = np.percentile(values, BOUNDS) if values else (None, None)
        result[name] = {"value": found[name], "low": _plain(low), "high": _plain(high)}
    return result


def _resampled(
    labels: NDArray[np.int64], groups: NDArray[np.int64], resamples: int | None = None, seed: int = 0
) -> list[NDArray[np.int64]]:
    random = np.random.default_rng(seed)
    members = {group: np.flatnonzero(groups == group) for group in np.unique(groups)}
    of_class = [np.unique(groups[labels == label]) for label in np.unique(labels)]
    return [
        np.concatenate(
            [members[group] for names in of_class for group in random.choice(names, size=len(names))]
        )
        for _ in range(RESAMPLES if resamples is None else resamples)
    ]


def _plain(value: float | None) -> float | None:
    return None if value is None else float(value)
