"""What simpler things reach on the same photographs, to be printed beside every figure of the model.

Stain and brightness alone tell the classes of this data set apart to a large part, so a figure means little
without them. What the baselines need is kept beside the weights (``baselines.safetensors``: the training
part's colour statistics and frozen block-4 averages); they are refitted in seconds, and no classifier is
unpickled.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file
from sklearn.base import ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC

from training.evaluate.metrics import from_predictions
from training.model.network import block_columns


@dataclass(frozen=True, slots=True)
class Features:
    """What the baselines see of n photographs, in FP32.

    ``colour`` [n, 9]; ``block3`` [n, 256] and ``block4`` [n, 512], averages of frozen ImageNet features at 224 pixels;
    ``background`` [n, 512], block 4's of the photograph with its nucleated cells painted out.
    """

    colour: NDArray[np.float32]
    block3: NDArray[np.float32]
    block4: NDArray[np.float32]
    background: NDArray[np.float32]

    @classmethod
    def of(
        cls, colour: NDArray[np.float32], whole: NDArray[np.float32], painted: NDArray[np.float32]
    ) -> "Features":
        """From averages after blocks 3 and 4 side by side, [n, 768], of whole and of painted photographs."""
        block3, block4 = block_columns(whole.shape[1])
        return cls(colour, whole[:, block3], whole[:, block4], painted[:, block4])

    def __getitem__(self, chosen: NDArray[Any]) -> "Features":
        return Features(*(getattr(self, one.name)[chosen] for one in fields(self)))


@dataclass(frozen=True, slots=True)
class Baseline:
    """One classifier over one kind of features."""

    title: str
    features: str
    make: Callable[[], ClassifierMixin]


BASELINES: dict[str, Baseline] = {
    "colour_5nn": Baseline(
        "five nearest neighbours on nine colour statistics, which see no cell",
        "colour",
        lambda: make_pipeline(StandardScaler(), KNeighborsClassifier(5)),
    ),
    "background_logistic": Baseline(
        "logistic regression on frozen block-4 averages of the background: every nucleated cell painted out",
        "background",
        lambda: make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=2000)),
    ),
    "block4_logistic": Baseline(
        "logistic regression on frozen ImageNet block-4 averages",
        "block4",
        lambda: make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=2000)),
    ),
    "block4_rbf_svm": Baseline(
        "RBF support-vector machine on square roots of frozen ImageNet block-4 averages",
        "block4",
        lambda: support_vectors(),
    ),
    "block3_rbf_svm": Baseline(
        "the same on block 3, which sees no more than a nucleus and its rim",
        "block3",
        lambda: support_vectors(),
    ),
}


def support_vectors() -> ClassifierMixin:
    """An RBF support-vector machine on standardised square roots."""
    return make_pipeline(FunctionTransformer(np.sqrt), StandardScaler(), SVC(C=10, gamma="scale"))


def colour_statistics(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Mean, standard deviation and median of each channel, FP32 [n, 9], of UINT8 [n, 3, 224, 224]."""
    flat = pixels.reshape(len(pixels), 3, -1)
    rows = [
        np.concatenate([image.mean(axis=1), image.std(axis=1), np.median(image, axis=1)]) for image in flat
    ]
    return np.array(rows, dtype=np.float32).reshape(len(pixels), 9)


def save(features: Features, labels: NDArray[np.int64], path: Path) -> None:
    """Keep what the baselines are fitted on: colour in FP32, averages in FP16."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(
        {
            "colour": features.colour,
            "block3": features.block3.astype(np.float16),
            "block4": features.block4.astype(np.float16),
            "background": features.background.astype(np.float16),
            "labels": labels.astype(np.uint8),
        },
        path,
    )


def load(path: Path) -> tuple[Features, NDArray[np.int64]]:
    """Features and class indices written by :func:`save`."""
    stored = load_file(path)
    seen = Features(*(stored[one.name].astype(np.float32) for one in fields(Features)))
    return seen, stored["labels"].astype(np.int64)


def fit(features: Features, labels: NDArray[np.int64]) -> dict[str, ClassifierMixin]:
    """Fit every baseline."""
    return {
        name: baseline.make().fit(getattr(features, baseline.features), labels)
        for name, baseline in BASELINES.items()
    }


def held_out(
    features: Features, labels: NDArray[np.int64], fold: NDArray[np.int64]
) -> dict[str, NDArray[np.int64]]:
    """What each baseline, fitted on the other folds, calls every photograph: INT64 [n] by name."""
    called = {name: np.empty(len(labels), dtype=np.int64) for name in BASELINES}
    for one in np.unique(fold):
        inside = fold == one
        for name, predicted in answers(fit(features[~inside], labels[~inside]), features[inside]).items():
            called[name][inside] = predicted
    return called


def answers(fitted: dict[str, ClassifierMixin], features: Features) -> dict[str, NDArray[np.int64]]:
    """What every fitted baseline calls other photographs, INT64 [n] by the baseline's name."""
    return {
        name: classifier.predict(getattr(features, BASELINES[name].features))
        for name, classifier in fitted.items()
    }


def measure(
    fitted: dict[str, ClassifierMixin], features: Features, labels: NDArray[np.int64]
) -> dict[str, dict[str, Any]]:
    """Figures of every fitted baseline on other photographs, by the baseline's name."""
    return {
        name: {"title": BASELINES[name].title} | from_predictions(predicted, labels)
        for name, predicted in answers(fitted, features).items()
    }
