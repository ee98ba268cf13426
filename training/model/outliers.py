"""What an unusual photograph looks like: the statistics behind OUTLIER_SCORE, and what was tried instead.

Features are square roots of the spatial averages after blocks 3 and 4, which are frozen: texture and colour as
ImageNet's filters see them, before anything was taught about leukaemia. The score in the graph is a Mahalanobis
distance to the nearest class centre (Lee et al., NeurIPS 2018) with a covariance of probabilistic PCA's form
(Tipping and Bishop, J R Stat Soc B 1999): leading components, and one variance for all the rest.
"""

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import NearestNeighbors

from training.model.network import OUTLIER_COMPONENTS, SEES, LeukemiaVGG16, block_columns

#: Share of true fields that may lie above the threshold; half of what is allowed, as pseudo-slides differ.
FALSE_REFER = 0.01

#: Weight of the mean variance in every direction's variance.
SHRINKAGE = 0.01

#: Neighbours of the score that was tried beside the Mahalanobis distance (Sun et al., ICML 2022).
NEIGHBOURS = 5

#: Outlier features of the same photographs, FP32 [n, width] each: as they are, then augmented.
Versions = Sequence[NDArray[np.float32]]

#: What was tried.
LAYERS = ("block 3", "block 4", "blocks 3 and 4")


def columns_of(layers: str, averages: int) -> slice:
    """Which of so many averages after blocks 3 and 4 belong to ``layers``, one of :data:`LAYERS`."""
    return dict(zip(LAYERS, (*block_columns(averages), slice(None)), strict=True))[layers]


def statistics(features: NDArray[np.float32], labels: NDArray[np.int64]) -> dict[str, NDArray[np.float32]]:
    """The outlier buffers of a network but their scale, from training photographs.

    :param features: ``LeukemiaVGG16.outlier_features`` of n photographs, FP32 [n, width].
    :returns: ``outlier_spread`` [width], ``outlier_centres`` [classes, width], ``outlier_components``
        [width, components] and ``outlier_noise`` [1].
    """
    scaled = features.astype(np.float64)
    spread = scaled.std(axis=0) + 1e-3
    scaled /= spread
    centres = np.stack([scaled[labels == label].mean(axis=0) for label in range(int(labels.max()) + 1)])
    within = scaled - centres[labels]
    variances, directions = np.linalg.eigh(within.T @ within / len(within))
    # Shrinking towards the mean keeps the inverse finite where photographs are fewer than dimensions.
    variances = (1 - SHRINKAGE) * variances + SHRINKAGE * variances.mean()
    kept = min(OUTLIER_COMPONENTS, len(variances) - 1)
    leading, noise = variances[-kept:], variances[:-kept].mean()
    components = np.zeros((features.shape[1], OUTLIER_COMPONENTS))
    components[:, :kept] = directions[:, -kept:] * np.sqrt((1 / noise - 1 / leading).clip(min=0))
    found = {
        "outlier_spread": spread,
        "outlier_centres": centres,
        "outlier_components": components,
        "outlier_noise": np.array([noise]),
    }
    return {name: value.astype(np.float32) for name, value in found.items()}


def fit(network: LeukemiaVGG16, versions: Versions, labels: NDArray[np.int64]) -> None:
    """Fill the outlier buffers of ``network``, so that the median training photograph scores 1.

    :param versions: ``network.outlier_features`` of the training photographs as they are and augmented. Without the
        latter every smear that is a little less sharp or more compressed than the training photographs is an outlier.
    """
    for name, value in statistics(*_stacked(versions, labels)).items():
        getattr(network, name).copy_(torch.from_numpy(value))
    network.outlier_scale.fill_(1.0)
    network.outlier_scale.fill_(float(np.median(scores(network, versions[0]))))


def scores(network: LeukemiaVGG16, features: NDArray[np.float32]) -> NDArray[np.float32]:
    """OUTLIER_SCORE [n] of outlier features [n, width]."""
    with torch.inference_mode():
        return cast(NDArray[np.float32], network.outlier_score(torch.from_numpy(features))[:, 0].numpy())


def held_out_scores(
    versions: Versions, labels: NDArray[np.int64], fold: NDArray[np.int64]
) -> NDArray[np.float32]:
    """OUTLIER_SCORE of every photograph in every version by statistics that know nothing of its fold, [versions, n]."""
    found = np.empty((len(versions), len(labels)), dtype=np.float32)
    for held_out in np.unique(fold):
        inside = fold == held_out
        network = LeukemiaVGG16(width=versions[0].shape[1] // SEES["blocks34"])
        fit(network, [features[~inside] for features in versions], labels[~inside])
        for row, features in zip(found, versions, strict=True):
            row[inside] = scores(network, features[inside])
    return found


def threshold(held_out: NDArray[np.float32]) -> float:
    """The OUTLIER_SCORE above which the answer is *refer*, from :func:`held_out_scores`."""
    return round(float(np.quantile(held_out, 1 - FALSE_REFER)), 4)


def compare(
    versions: Versions,
    labels: NDArray[np.int64],
    fold: NDArray[np.int64],
    other_images: dict[str, NDArray[np.float32]],
) -> list[dict[str, Any]]:
    """Mahalanobis distance and nearest neighbours over one layer and two: AUROC against each kind of other picture.

    :param versions: outlier features of the photographs of the folds, as they are and augmented.
    :param other_images: outlier features of other pictures by their kind.
    """
    rows = []
    for layers in LAYERS:
        columns = columns_of(layers, versions[0].shape[1])
        for method, score in (("Mahalanobis", _mahalanobis), ("nearest neighbours", _neighbours)):
            own = np.empty(len(labels))
            for held_out in np.unique(fold):
                inside = fold == held_out
                known = [features[~inside][:, columns] for features in versions]
                own[inside] = score(*_stacked(known, labels[~inside]), versions[0][inside][:, columns])
            limit = np.quantile(own, 1 - FALSE_REFER)
            kinds = {}
            for kind, pictures in other_images.items():
                everything = _stacked([features[:, columns] for features in versions], labels)
                other = score(*everything, pictures[:, columns])
                truth = np.r_[np.zeros(len(own)), np.ones(len(other))]
                kinds[kind] = {
                    "auroc": float(roc_auc_score(truth, np.r_[own, other])),
                    "caught": float((other > limit).mean()),
                    "pictures": len(other),
                }
            rows.append({"layers": layers, "method": method, "other_images": kinds})
    return rows


def _stacked(versions: Versions, labels: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    return np.concatenate(list(versions)), np.tile(labels, len(versions))


def _mahalanobis(
    known: NDArray[np.float32], labels: NDArray[np.int64], asked: NDArray[np.float32]
) -> NDArray[np.float64]:
    found = statistics(known, labels)
    from_centres = (asked / found["outlier_spread"])[:, None] - found["outlier_centres"][None]
    explained = ((from_centres @ found["outlier_components"]) ** 2).sum(axis=2)
    squared = (from_centres**2).sum(axis=2) / found["outlier_noise"] - explained
    return cast(NDArray[np.float64], np.sqrt(squared.min(axis=1).clip(min=0)))


def _neighbours(
    known: NDArray[np.float32], labels: NDArray[np.int64], asked: NDArray[np.float32]
) -> NDArray[np.float64]:
    spread = known.std(axis=0) + 1e-3
    search = NearestNeighbors(n_neighbors=NEIGHBOURS).fit(known / spread)
    return cast(NDArray[np.float64], search.kneighbors(asked / spread)[0][:, -1])
