"""Fine-tuning block 5 and the head on cached block-4 features.

The head starts from a logistic regression on the untouched network (linear probing first keeps the first
steps from spoiling the features: Kumar et al., ICLR 2022); block 5 and the head then train together with
AdamW, a warmed-up cosine schedule, class-balanced sampling, mixup between block-4 features and label
smoothing. Delivered is the exponential moving average of the weights.

Everything random is drawn from a generator seeded by the epoch, and the state is kept after each epoch, so a
resumed run gives the same weights as an uninterrupted one.
"""

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from torch import Tensor
from torch.nn import functional
from tqdm import tqdm

from training.config import Config
from training.network import POOL4, LeukemiaVGG16

Maps = NDArray[np.float16]
EpochMetrics = Callable[[LeukemiaVGG16], dict[str, Any]]


def predict(
    network: LeukemiaVGG16, pool4: Maps, batch: int = 64
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Logits [n, 4] and embeddings [n, 512] from cached features [n, 512, 14, 14]."""
    logits, embeddings = [], []
    with torch.inference_mode():
        for start in range(0, len(pool4), batch):
            embedding = network.to_maps(_tensor(pool4[start : start + batch])).mean(dim=(2, 3))
            embeddings.append(embedding.numpy())
            logits.append(network.classifier(embedding).numpy())
    return np.concatenate(logits), np.concatenate(embeddings)


def probe(
    network: LeukemiaVGG16, embeddings: NDArray[np.float32], labels: NDArray[np.int64], c: float
) -> None:
    """Set the head to a logistic regression on ``embeddings`` [n, 512], scaling folded into the weights."""
    mean, scale = embeddings.mean(axis=0), embeddings.std(axis=0) + 1e-6
    regression = LogisticRegression(C=c, max_iter=2000).fit((embeddings - mean) / scale, labels)
    weight = regression.coef_ / scale
    bias = regression.intercept_ - weight @ mean
    with torch.no_grad():
        network.classifier.weight.copy_(torch.from_numpy(weight))
        network.classifier.bias.copy_(torch.from_numpy(bias))


def fine_tune(
    network: LeukemiaVGG16,
    versions: Sequence[Maps],
    labels: NDArray[np.int64],
    config: Config,
    *,
    checkpoint: Path,
    watch: EpochMetrics | None = None,
) -> tuple[LeukemiaVGG16, list[dict[str, Any]]]:
    """Train block 5 and the head; returns the averaged network and one record per epoch.

    :param network: with block 5 and head as they start; changed in place.
    :param versions: block-4 features of the same photographs, first as they are, then augmented.
    :param checkpoint: where the state is kept; an existing one is continued.
    :param watch: figures of the averaged network after each epoch, for the record only: nothing is selected
        by them.
    """
    trained: list[Tensor] = [*network.features[POOL4:].parameters(), *network.classifier.parameters()]
    optimiser = torch.optim.AdamW(
        [
            {"params": list(network.features[POOL4:].parameters()), "lr": config.lr_block5},
            {"params": list(network.classifier.parameters()), "lr": config.lr_head},
        ],
        weight_decay=config.weight_decay,
    )
    steps = math.ceil(len(labels) / config.batch)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, _cosine(config.epochs * steps, config.warmup))
    average = copy.deepcopy(network).eval().requires_grad_(False)
    history: list[dict[str, Any]] = []
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        network.load_state_dict(state["network"])
        average.load_state_dict(state["average"])
        optimiser.load_state_dict(state["optimiser"])
        schedule.load_state_dict(state["schedule"])
        history = state["history"]
    averaged: list[Tensor] = [*average.features[POOL4:].parameters(), *average.classifier.parameters()]
    for epoch in range(len(history), config.epochs):
        losses = []
        with tqdm(total=steps, desc=f"epoch {epoch + 1}/{config.epochs}", unit="batch") as bar:
            for images, wanted in batches(versions, labels, config, epoch):
                loss = functional.cross_entropy(
                    network.logits(images), wanted, label_smoothing=config.label_smoothing
                )
                optimiser.zero_grad(set_to_none=True)
                loss.backward()
                torch.nn.utils.clip_grad_norm_(trained, 5.0)
                optimiser.step()
                schedule.step()
                decay = min(config.ema, (1 + schedule.last_epoch) / (10 + schedule.last_epoch))
                with torch.no_grad():
                    torch._foreach_lerp_(averaged, trained, 1 - decay)
                losses.append(float(loss.detach()))
                bar.update()
                bar.set_postfix(loss=f"{np.mean(losses[-20:]):.3f}")
        history.append(
            {"epoch": epoch + 1, "loss": float(np.mean(losses)), **(watch(average) if watch else {})}
        )
        _keep(checkpoint, network, average, optimiser, schedule, history)
    return average, history


def batches(
    versions: Sequence[Maps], labels: NDArray[np.int64], config: Config, epoch: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """One epoch: features FP32 [batch, 512, 14, 14] and soft labels FP32 [batch, classes].

    Photographs are drawn with replacement so that the classes come equally often, each in one of its
    versions.
    """
    random = np.random.default_rng((config.seed, epoch))
    classes = int(labels.max()) + 1
    counts = np.bincount(labels, minlength=classes)
    share = (1 / counts)[labels] / np.count_nonzero(counts)
    drawn = _systematic(share, random)
    clean = config.clean_share if len(versions) > 1 else 1.0
    of_version = np.where(
        random.random(len(drawn)) < clean, 0, random.integers(1, max(2, len(versions)), len(drawn))
    )
    one_hot = np.eye(max(classes, 4), dtype=np.float32)
    for start in range(0, len(drawn), config.batch):
        rows, version = drawn[start : start + config.batch], of_version[start : start + config.batch]
        images = _tensor(np.stack([versions[v][row] for v, row in zip(version, rows, strict=True)]))
        wanted = torch.from_numpy(one_hot[labels[rows]])
        if config.mixup:
            weight = float(random.beta(config.mixup, config.mixup))
            partner = torch.from_numpy(random.permutation(len(rows)))
            images = weight * images + (1 - weight) * images[partner]
            wanted = weight * wanted + (1 - weight) * wanted[partner]
        yield images, wanted


def _systematic(share: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.int64]:
    """As many indices as ``share`` has, each about ``n * share`` times, in random order.

    Systematic sampling: a photograph of a class of average size comes once, never by luck four times.
    """
    order = random.permutation(len(share))
    cumulative = np.cumsum(share[order])
    points = (np.arange(len(share)) + random.random()) / len(share) * cumulative[-1]
    return random.permutation(order[np.searchsorted(cumulative, points)])


def _cosine(total: int, warmup: float) -> Callable[[int], float]:
    ramp = max(1, round(total * warmup))

    def factor(step: int) -> float:
        if step < ramp:
            return (step + 1) / ramp
        return 0.5 * (1 + math.cos(math.pi * (step - ramp) / max(1, total - ramp)))

    return factor


def _tensor(maps: Maps) -> Tensor:
    return torch.from_numpy(maps.astype(np.float32)).contiguous(memory_format=torch.channels_last)


def _keep(
    path: Path,
    network: LeukemiaVGG16,
    average: LeukemiaVGG16,
    optimiser: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    history: list[dict[str, Any]],
) -> None:
    """Write the state aside and move it into place, so an interruption leaves the last whole one."""
    part = path.with_suffix(".part")
    torch.save(
        {
            "network": network.state_dict(),
            "average": average.state_dict(),
            "optimiser": optimiser.state_dict(),
            "schedule": schedule.state_dict(),
            "history": history,
        },
        part,
    )
    part.replace(path)
