"""What is fitted after the weights: the temperature, and what an unusual photograph looks like."""

from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from training.network import OUTLIER_COMPONENTS, LeukemiaVGG16

#: Share of the validation photographs that stays below the outlier threshold.
THRESHOLD_QUANTILE = 0.98

#: Weight of the mean variance in every direction's variance.
SHRINKAGE = 0.01


def fit_temperature(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """The temperature with the least negative log-likelihood (Guo et al., ICML 2017).

    :param logits: [n, classes] of photographs that did not train.
    :returns: a factor between 0.05 and 20; logits are divided by it.
    """
    scores = logits.astype(np.float64)

    def loss(log_temperature: float) -> float:
        scaled = log_softmax(scores / np.exp(log_temperature), axis=1)
        return -float(scaled[np.arange(len(labels)), labels].mean())

    found = minimize_scalar(loss, bounds=(np.log(0.05), np.log(20)), method="bounded")
    return float(np.exp(found.x))


def fit_outliers(network: LeukemiaVGG16, averages: NDArray[np.float32], labels: NDArray[np.int64]) -> None:
    """Fill the outlier buffers of ``network`` from the training photographs.

    :param averages: block 4's spatial means, FP32 [n, 512].
    """
    roots = np.sqrt(averages.astype(np.float64))
    centres = np.stack([roots[labels == label].mean(axis=0) for label in range(len(network.outlier_centres))])
    spread = roots - centres[labels]
    variances, directions = np.linalg.eigh(spread.T @ spread / len(spread))
    # Shrinking towards the mean keeps the inverse finite where photographs are fewer than dimensions.
    variances = (1 - SHRINKAGE) * variances + SHRINKAGE * variances.mean()
    leading, rest = variances[-OUTLIER_COMPONENTS:], variances[:-OUTLIER_COMPONENTS]
    noise = rest.mean()
    components = directions[:, -OUTLIER_COMPONENTS:] * np.sqrt((1 / noise - 1 / leading).clip(min=0))
    for name, value in (
        ("outlier_centres", centres),
        ("outlier_components", components),
        ("outlier_noise", [noise]),
        ("outlier_scale", [1.0]),
    ):
        getattr(network, name).copy_(torch.as_tensor(np.asarray(value), dtype=torch.float32))
    network.outlier_scale.copy_(torch.tensor([np.median(outlier_scores(network, averages))]))


def outlier_scores(network: LeukemiaVGG16, averages: NDArray[np.float32]) -> NDArray[np.float32]:
    """OUTLIER_SCORE [n] from block 4's spatial means [n, 512]."""
    with torch.inference_mode():
        pooled = torch.from_numpy(averages)[:, :, None, None]
        return cast(NDArray[np.float32], network.outlier_score(pooled)[:, 0].numpy())


def threshold(scores: NDArray[np.float32]) -> float:
    """The OUTLIER_SCORE above which the answer is *refer*: a quantile of the validation photographs'."""
    return round(float(np.quantile(scores, THRESHOLD_QUANTILE)), 4)
