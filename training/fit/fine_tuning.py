"""Fine-tuning the last blocks and the linear layer on cached maps of the frozen ones.

The head starts from a logistic regression on the untouched network (linear probing first keeps the first
steps from spoiling the features: Kumar et al., ICLR 2022); block 5 and the head then train together with
AdamW, a warmed-up cosine schedule, class-balanced sampling, mixup between block-4 features and label
smoothing. Delivered is the exponential moving average of the weights.

Everything random is drawn from a generator seeded by the epoch, and the state is kept after each epoch, so a
resumed run gives the same weights as an uninterrupted one.
"""

import copy
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from torch import Tensor
from torch.nn import functional
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR
from tqdm import tqdm

from training.config import Config
from training.data.manifest import DataError
from training.fit.checkpoint import State
from training.fit.features import Maps, to_device
from training.fit.parallel import first, own_rows, own_weight, share_gradients
from training.model.network import POOL3, POOL4, LeukemiaVGG16
from training.model.precision import device, shortened


class MapSource(Protocol):
    """Maps of n photographs, taken one at a time: an array, or some rows of one."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    def __getitem__(self, row: int) -> Maps: ...


#: What may be trained, and the block whose cached output the training starts from.
TUNED = {"head": 4, "conv5_3": 4, "block5": 4, "block4": 3}

#: Index of the first trained convolution in ``network.features``.
_FIRST = {"head": None, "conv5_3": 28, "block5": POOL4, "block4": POOL3}


def start_block(config: Config) -> int:
    """The block whose cached output a recipe starts from.

    :raises DataError: when ``tuned`` is none of :data:`TUNED`, or tunes what the network does not have.
    """
    if config.tuned not in TUNED:
        raise DataError(f"tuned {config.tuned!r} is not one of {', '.join(TUNED)}")
    if config.sees == "block5":
        return TUNED[config.tuned]
    if config.tuned not in ("head", "block4"):
        raise DataError(f"a network that sees {config.sees} has no block 5 for {config.tuned!r} to tune")
    return 3


def parameters(network: LeukemiaVGG16, tuned: str) -> list[Tensor]:
    """The tensors that train."""
    start = _FIRST[tuned]
    convolutions = [] if start is None else list(network.features[start:].parameters())
    return [*convolutions, *network.classifier.parameters()]


def predict(
    network: LeukemiaVGG16, maps: Maps, block: int = 4, batch: int = 64
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Logits [n, 4] and what the linear layer sees [n, 512 or 768] from cached maps after ``block``."""
    logits, pooled = [], []
    network.eval().to(device())
    with torch.inference_mode():
        for start in range(0, len(maps), batch):
            seen = _seen(network, to_device(maps[start : start + batch]), block)
            pooled.append(seen.float().cpu().numpy())
            logits.append(network.classifier(seen).float().cpu().numpy())
    return np.concatenate(logits), np.concatenate(pooled)


def logits_after(network: LeukemiaVGG16, maps: Tensor, block: int) -> Tensor:
    """Logits [batch, classes] from maps after ``block`` (3 or 4)."""
    answer: Tensor = network.classifier(_seen(network, maps, block))
    return answer


def _seen(network: LeukemiaVGG16, maps: Tensor, block: int) -> Tensor:
    if block == 4:
        return network.to_maps(maps).mean(dim=(2, 3)) - network.centre
    return network.seen(maps, network.pool3_to_pool4(maps))


def probe(
    network: LeukemiaVGG16,
    versions: Sequence[NDArray[np.float32]],
    labels: NDArray[np.int64],
    config: Config,
) -> None:
    """Set the linear layer to a class-balanced logistic regression, scaling folded into the weights.

    :param versions: what the linear layer sees of the same n photographs, not yet centred, FP32 [n, width] each: as
        they are and, where nothing is fine-tuned afterwards, augmented; ``config.clean_share`` is the first one's
        share of the weight.
    """
    mean, scale = versions[0].mean(axis=0), versions[0].std(axis=0) + 1e-6
    rest = len(versions) - 1
    shares = [config.clean_share, *[(1 - config.clean_share) / rest] * rest] if rest else [1.0]
    balance = len(labels) / np.bincount(labels)[labels] / (labels.max() + 1)
    regression = LogisticRegression(C=config.probe_c, max_iter=2000).fit(
        np.concatenate([(seen - mean) / scale for seen in versions]),
        np.tile(labels, len(versions)),
        sample_weight=np.concatenate([share * balance for share in shares]),
    )
    with torch.no_grad():
        network.centre.copy_(torch.from_numpy(mean))
        network.classifier.weight.copy_(torch.from_numpy(regression.coef_ / scale))
        network.classifier.bias.copy_(torch.from_numpy(regression.intercept_))


def fine_tune(
    network: LeukemiaVGG16,
    versions: Sequence[MapSource],
    labels: NDArray[np.int64],
    config: Config,
    *,
    checkpoint: Path | None = None,
    stop_on: tuple[Maps, NDArray[np.int64]] | None = None,
) -> tuple[LeukemiaVGG16, list[dict[str, Any]]]:
    """Train what ``config.tuned`` names; returns the averaged network and one record per epoch.

    :param network: with everything as it starts; changed in place.
    :param versions: maps of the same photographs after block :func:`start_block`, first as they are, then augmented.
    :param checkpoint: where the state is kept; an existing one is continued.
    :param stop_on: maps and labels of training groups set aside for early stopping: the epoch with the least loss
        there is returned, and ``config.patience`` epochs without a better one end the training.
    """
    network.to(device())
    trained = parameters(network, config.tuned)
    optimiser = torch.optim.AdamW(_rates(network, config), weight_decay=config.weight_decay)
    steps = math.ceil(len(labels) / config.batch)
    schedule = _schedule(optimiser, config.epochs * steps, config.warmup)
    average = copy.deepcopy(network).eval().requires_grad_(False)
    state = State(network, average, optimiser, schedule)
    if checkpoint is not None:
        state.load(checkpoint)
    averaged = parameters(average, config.tuned)
    for epoch in range(len(state.history), config.epochs):
        losses = []
        with tqdm(
            total=steps, desc=f"epoch {epoch + 1}/{config.epochs}", unit="batch", disable=not first()
        ) as bar:
            for images, wanted in batches(versions, labels, config, epoch):
                with shortened(config.precision):
                    logits = logits_after(network, images[own_rows()], start_block(config))
                loss = _mean_loss(logits.float(), wanted[own_rows()], config) * own_weight(len(images))
                optimiser.zero_grad(set_to_none=True)
                loss.backward()
                share_gradients(trained)
                torch.nn.utils.clip_grad_norm_(trained, 5.0)
                optimiser.step()
                schedule.step()
                decay = min(config.ema, (1 + schedule.last_epoch) / (10 + schedule.last_epoch))
                with torch.no_grad():
                    torch._foreach_lerp_(averaged, trained, 1 - decay)
                losses.append(float(loss.detach()))
                bar.update()
                bar.set_postfix(loss=f"{np.mean(losses[-20:]):.3f}")
        record = {"epoch": epoch + 1, "loss": float(np.mean(losses))}
        if stop_on is not None:
            record["stop_loss"] = _loss(average, stop_on, config)
            state.note_best(record["stop_loss"])
        state.history.append(record)
        if checkpoint is not None and first():
            state.save_now_and_then(checkpoint)
        if state.waited(config.patience):
            break
    return state.best_network(), state.history


def batches(
    versions: Sequence[MapSource], labels: NDArray[np.int64], config: Config, epoch: int
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
        top, left = random.integers(0, _slack(versions[0], config.crop) + 1, 2)
        maps = np.stack([versions[v][row] for v, row in zip(version, rows, strict=True)])
        images = to_device(_window(maps, config.crop, top, left))
        wanted = torch.from_numpy(one_hot[labels[rows]]).to(images.device)
        if random.random() < config.mixstyle:
            images = _mixed_styles(images, random)
        if config.mixup:
            weight = float(random.beta(config.mixup, config.mixup))
            partner = torch.from_numpy(random.permutation(len(rows))).to(images.device)
            images = weight * images + (1 - weight) * images[partner]
            wanted = weight * wanted + (1 - weight) * wanted[partner]
        yield images, wanted


def _mean_loss(logits: Tensor, wanted: Tensor, config: Config) -> Tensor:
    """Mean loss over this process's rows; a short last batch may leave it none."""
    if not len(logits):
        return logits.sum()
    return functional.cross_entropy(logits, wanted, label_smoothing=config.label_smoothing)


def _mixed_styles(images: Tensor, random: np.random.Generator) -> Tensor:
    """Give each photograph's maps a mixture of its own and a partner's channel means and spreads.

    MixStyle (Zhou et al., ICLR 2021): what differs from slide to slide in stain and light sits in these statistics,
    and mixing them keeps the network from leaning on them. The label stays that of the photograph.
    """
    spread, mean = torch.std_mean(images, dim=(2, 3), keepdim=True)
    partner = torch.from_numpy(random.permutation(len(images))).to(images.device)
    own = torch.from_numpy(random.beta(0.3, 0.3, len(images)).astype(np.float32)).to(images.device)
    own = own.reshape(-1, 1, 1, 1)
    spread = spread + 1e-3
    mixed_mean = own * mean + (1 - own) * mean[partner]
    mixed_spread = own * spread + (1 - own) * spread[partner]
    return (images - mean) / spread * mixed_spread + mixed_mean


def _slack(maps: MapSource, crop: float) -> int:
    return maps.shape[-1] - round(maps.shape[-1] * crop)


def _window(maps: Maps, crop: float, top: int, left: int) -> Maps:
    side = round(maps.shape[-1] * crop)
    return np.ascontiguousarray(maps[:, :, top : top + side, left : left + side])


def _rates(network: LeukemiaVGG16, config: Config) -> list[dict[str, Any]]:
    """The optimiser's groups: convolutions, lower the deeper they lie before the end, and the linear layer."""
    start = _FIRST[config.tuned]
    groups: list[dict[str, Any]] = [{"params": list(network.classifier.parameters()), "lr": config.lr_head}]
    if start is None:
        return groups
    if start < POOL4:
        groups.append({"params": list(network.features[start:POOL4].parameters()), "lr": config.lr_block4})
    if network.deep:
        groups.append(
            {"params": list(network.features[max(start, POOL4) :].parameters()), "lr": config.lr_block5}
        )
    return groups


def _loss(network: LeukemiaVGG16, stop_on: tuple[Maps, NDArray[np.int64]], config: Config) -> float:
    logits, _ = predict(network, stop_on[0], start_block(config))
    return float(functional.cross_entropy(torch.from_numpy(logits), torch.from_numpy(stop_on[1])))


def _systematic(share: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.int64]:
    """As many indices as ``share`` has, each about ``n * share`` times, in random order.

    Systematic sampling: a photograph of a class of average size comes once, never by luck four times.
    """
    order = random.permutation(len(share))
    cumulative = np.cumsum(share[order])
    points = (np.arange(len(share)) + random.random()) / len(share) * cumulative[-1]
    return random.permutation(order[np.searchsorted(cumulative, points)])


def _schedule(optimiser: torch.optim.Optimizer, total: int, warmup: float) -> SequentialLR:
    """A linear rise over the share ``warmup`` of ``total`` steps, then half a cosine to nothing."""
    ramp = max(1, round(total * warmup))
    rise = LinearLR(optimiser, start_factor=1 / ramp, total_iters=ramp - 1)
    return SequentialLR(optimiser, [rise, CosineAnnealingLR(optimiser, max(1, total - ramp))], [ramp])
