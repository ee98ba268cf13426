"""How good a classification is, in the terms of the model card."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix, roc_auc_score

from smear.classes import CLASSES, MALIGNANT

#: Bins of the expected calibration error, each holding (nearly) the same number of photographs.
ECE_BINS = 15

_MALIGNANT = np.array([label in MALIGNANT for label in CLASSES])
_BENIGN = int(np.flatnonzero(~_MALIGNANT)[0])


def measure(probabilities: NDArray[np.floating[Any]], labels: NDArray[np.int64]) -> dict[str, Any]:
    """Every figure the card shows, as plain numbers; ``None`` where the photographs cannot tell.

    :param probabilities: [n, 4] in the order of ``smear.classes.CLASSES``, rows summing to one.
    :param labels: class indices [n].
    """
    predicted = probabilities.argmax(axis=1)
    return {
        "images": len(labels),
        **from_predictions(predicted, labels),
        "auroc": _auroc(probabilities, labels),
        "auroc_malignant": _auroc_malignant(probabilities, labels),
        "ece": expected_calibration_error(probabilities, labels),
        "brier": brier(probabilities, labels),
        "confusion": {
            "labels": list(CLASSES),
            "rows_are": "true class",
            "matrix": confusion_matrix(labels, predicted, labels=range(len(CLASSES))).tolist(),
        },
    }


def from_predictions(predicted: NDArray[np.int64], labels: NDArray[np.int64]) -> dict[str, Any]:
    """The figures that need no probabilities; all that is shown of a baseline.

    ``malignant_sensitivity`` is the share of malignant photographs given any malignant class. ``macro_f1`` is
    the mean over the classes that occur.
    """
    present = np.unique(labels)
    recall = {CLASSES[label]: _share(predicted[labels == label] == label) for label in range(len(CLASSES))}
    return {
        "accuracy": _share(predicted == labels),
        "macro_f1": _macro_f1(predicted, labels, present),
        "recall": recall,
        "malignant_sensitivity": _share(_MALIGNANT[predicted[_MALIGNANT[labels]]]),
        "benign_recall": recall[CLASSES[_BENIGN]],
    }


def expected_calibration_error(
    probabilities: NDArray[np.floating[Any]], labels: NDArray[np.int64], bins: int = ECE_BINS
) -> float:
    """Mean gap between confidence and accuracy over equal-mass bins (Nguyen and O'Connor, EMNLP 2015)."""
    confidence = probabilities.max(axis=1).astype(np.float64)
    correct = (probabilities.argmax(axis=1) == labels).astype(np.float64)
    order = np.argsort(confidence, kind="stable")
    return float(
        sum(
            len(members) / len(labels) * abs(confidence[members].mean() - correct[members].mean())
            for members in np.array_split(order, bins)
            if len(members)
        )
    )


def brier(probabilities: NDArray[np.floating[Any]], labels: NDArray[np.int64]) -> float:
    """Mean squared distance from the true class's corner, 0 to 2 (Brier, Mon Weather Rev 1950)."""
    wanted = np.eye(len(CLASSES))[labels]
    return float(((probabilities.astype(np.float64) - wanted) ** 2).sum(axis=1).mean())


def over_folds(measured: Sequence[dict[str, Any]]) -> dict[str, dict[str, float | None]]:
    """Mean, standard deviation and worst of each measure over the folds that have such photographs."""
    result: dict[str, dict[str, float | None]] = {}
    for name in ("accuracy", "macro_f1", "malignant_sensitivity", "benign_recall"):
        values = [one[name] for one in measured if one[name] is not None]
        result[name] = {
            "mean": float(np.mean(values)) if values else None,
            "sd": float(np.std(values, ddof=1)) if len(values) > 1 else None,
            "worst": min(values, default=None),
        }
    return result


def _macro_f1(predicted: NDArray[np.int64], labels: NDArray[np.int64], present: NDArray[np.int64]) -> float:
    # Counted here because scikit-learn's checks take a hundred times as long, and the bootstrap asks 2000 times.
    counts = np.bincount(labels * len(CLASSES) + predicted, minlength=len(CLASSES) ** 2)
    matrix = counts.reshape(len(CLASSES), len(CLASSES))
    hits = matrix.diagonal()[present]
    return float((2 * hits / (matrix.sum(axis=0) + matrix.sum(axis=1))[present].clip(1)).mean())


def per_fold(
    predicted: NDArray[np.int64], labels: NDArray[np.int64], fold: NDArray[np.int64]
) -> dict[str, dict[str, float | None]]:
    """:func:`over_folds` of answers [n] by their fold [n]."""
    return over_folds(
        [from_predictions(predicted[fold == one], labels[fold == one]) for one in np.unique(fold)]
    )


def reliability(
    probabilities: NDArray[np.floating[Any]], labels: NDArray[np.int64], bins: int = ECE_BINS
) -> list[dict[str, float]]:
    """Mean confidence and accuracy of each equal-mass bin: what a reliability plot shows."""
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == labels
    return [
        {
            "confidence": float(confidence[members].mean()),
            "accuracy": float(correct[members].mean()),
            "photographs": len(members),
        }
        for members in np.array_split(np.argsort(confidence, kind="stable"), bins)
        if len(members)
    ]


def _share(hits: NDArray[np.bool_]) -> float | None:
    return float(hits.mean()) if len(hits) else None


def _auroc(probabilities: NDArray[np.floating[Any]], labels: NDArray[np.int64]) -> float | None:
    """Mean over classes of each class against the rest."""
    if len(np.unique(labels)) < len(CLASSES):
        return None
    one_hot = np.eye(len(CLASSES), dtype=np.int64)[labels]
    return float(roc_auc_score(one_hot, probabilities, average="macro"))


def _auroc_malignant(probabilities: NDArray[np.floating[Any]], labels: NDArray[np.int64]) -> float | None:
    """Malignant against Benign, scored by the summed probability of the malignant classes."""
    malignant = _MALIGNANT[labels]
    if malignant.all() or not malignant.any():
        return None
    # Equal to the sum over the malignant classes, and keeps its order where that sum rounds to one.
    return float(roc_auc_score(malignant, -probabilities[:, _BENIGN].astype(np.float64)))
