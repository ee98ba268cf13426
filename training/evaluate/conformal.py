"""Prediction sets that hold the true class as often as they promise, for every class by itself.

Class-conditional split conformal prediction (Vovk, ACML 2012; Sadinle, Lei and Wasserman, J Am Stat Assoc 2019): a
class is in the set when its probability is at least a bar, and the bar of a class is that quantile of its own held-out
photographs' probabilities that lets the promised share through. The promise needs photographs that can be exchanged;
those of one slide are not, so it is checked where whole pseudo-slides are new.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from smear.classes import CLASSES
from smear.refer import ReferRule

#: Coverage promised for each class.
LEVEL = 0.99

#: Share of held-out photographs that is *refer* because the leading class has too little, whatever the set. Where
#: hardly any photograph is called wrong, prediction sets of 99 % hold one class and refer nothing; most of what is
#: wrong is among the least confident all the same.
LOW_CONFIDENCE = 0.05


def bars(
    probabilities: NDArray[np.floating[Any]], labels: NDArray[np.int64], level: float
) -> tuple[float, ...]:
    """The least probability with which each class is in the set, in the order of ``CLASSES``.

    :param probabilities: [n, 4] of photographs that the network did not learn from.
    :raises ValueError: when a class has too few photographs for ``level`` (fewer than ``1 / (1 - level) - 1``).
    """
    found = []
    for label, name in enumerate(CLASSES):
        own = np.sort(probabilities[labels == label, label])
        rank = int(np.floor((len(own) + 1) * (1 - level)))
        if rank < 1:
            raise ValueError(f"{len(own)} photographs of {name} are too few for a coverage of {level}")
        found.append(round(float(np.floor(own[rank - 1] * 1e6) / 1e6), 6))
    return tuple(found)


def least_confidence(probabilities: NDArray[np.floating[Any]]) -> float:
    """The probability of the leading class below which :data:`LOW_CONFIDENCE` of the photographs lie.

    :param probabilities: [n, 4] of photographs that the network did not learn from.
    """
    return round(float(np.quantile(probabilities.max(axis=1), LOW_CONFIDENCE)), 4)


def covered(
    probabilities: NDArray[np.floating[Any]], labels: NDArray[np.int64], least: tuple[float, ...]
) -> NDArray[np.bool_]:
    """Whether the true class is in the set, BOOL [n]."""
    return probabilities[np.arange(len(labels)), labels] >= np.array(least)[labels]


def cross_covered(
    probabilities: NDArray[np.floating[Any]],
    labels: NDArray[np.int64],
    fold: NDArray[np.int64],
    level: float,
) -> NDArray[np.bool_]:
    """:func:`covered` with each fold's bars taken from the other folds: whole pseudo-slides are new, BOOL [n]."""
    inside = np.zeros(len(labels), dtype=bool)
    for held_out in np.unique(fold):
        rows = fold == held_out
        least = bars(probabilities[~rows], labels[~rows], level)
        inside[rows] = covered(probabilities[rows], labels[rows], least)
    return inside


def coverage(
    inside: NDArray[np.bool_], labels: NDArray[np.int64], groups: NDArray[np.int64]
) -> dict[str, Any]:
    """Share covered, over all, by class, and by pseudo-slide (mean over slides, and the worst)."""
    by_group = [float(inside[groups == group].mean()) for group in np.unique(groups)]
    return {
        "photographs": float(inside.mean()),
        "by_class": {
            name: float(inside[labels == label].mean())
            for label, name in enumerate(CLASSES)
            if (labels == label).any()
        },
        "by_group": {"mean": float(np.mean(by_group)), "worst": min(by_group), "groups": len(by_group)},
    }


def set_sizes(probabilities: NDArray[np.floating[Any]], rule: ReferRule) -> dict[str, float]:
    """Share of photographs by the number of classes in their set."""
    sizes = np.array([len(rule.prediction_set(row)) for row in probabilities.tolist()])
    return {str(size): float((sizes == size).mean()) for size in range(len(CLASSES) + 1)}


def referred(
    probabilities: NDArray[np.floating[Any]], scores: NDArray[np.float32], rule: ReferRule
) -> dict[str, float]:
    """Share of photographs whose answer is *refer*, altogether and by reason."""
    reasons = [
        rule.reasons(row, score) for row, score in zip(probabilities.tolist(), scores.tolist(), strict=True)
    ]
    shares = {"any": float(np.mean([bool(found) for found in reasons]))}
    for found in sorted({reason for one in reasons for reason in one}):
        shares[found.value] = float(np.mean([found in one for one in reasons]))
    return shares


def errors(
    probabilities: NDArray[np.floating[Any]],
    scores: NDArray[np.float32],
    labels: NDArray[np.int64],
    rule: ReferRule,
) -> dict[str, int]:
    """How many photographs are called wrong, and how many of those the rule does not refer."""
    wrong = probabilities.argmax(axis=1) != labels
    caught = np.array(
        [
            bool(rule.reasons(row, score))
            for row, score in zip(probabilities.tolist(), scores.tolist(), strict=True)
        ]
    )
    return {"wrong": int(wrong.sum()), "wrong_and_not_referred": int((wrong & ~caught).sum())}
