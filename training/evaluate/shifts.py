"""What happens to the figures when stain, light, focus or compression are not as in training.

Each shift is one fixed change of the pixels, as another laboratory's stain, camera, focus or file format makes it, at
two strengths: *mild* is what one expects between laboratories that work alike, *strong* what a reader would still read
and complain about. Hue is never augmented and must not be, and no strong shift lies within a recipe's augmentation
(``tests/training/test_shifts.py`` holds every recipe to it): a shift that training has seen would measure memory. A
recipe may cover a mild one; the figures say which (``seen``).
"""

import argparse
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from torch import nn
from tqdm import tqdm

from smear.classes import CLASSES, MALIGNANT
from smear.refer import ReferRule
from smear.tensor import mask_scale_bar
from training import config
from training.command import Command
from training.data import manifest, splits
from training.data.augment import Strength
from training.data.manifest import Photograph
from training.evaluate import explain, metrics
from training.model import precision, repository, weights

Pixels = NDArray[np.uint8]

BATCH = 16


def hue(pixels: Pixels, degrees: float) -> Pixels:
    """Turn every colour around the grey axis (Rodrigues' rotation); greys and brightness stay."""
    turn = np.deg2rad(degrees)
    cross = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / np.sqrt(3)
    rotation = np.cos(turn) * np.eye(3) + np.sin(turn) * cross + (1 - np.cos(turn)) / 3
    return _bytes(np.einsum("ij,jhw->ihw", rotation.astype(np.float32), pixels.astype(np.float32)))


def gamma(pixels: Pixels, exponent: float) -> Pixels:
    """The camera's curve: above 1 darkens the middle tones, below 1 lightens them."""
    return _bytes((pixels / np.float32(255)) ** np.float32(exponent) * 255)


def blur(pixels: Pixels, sigma: float) -> Pixels:
    """Out of focus: Gaussian, standard deviation in pixels of the 224-pixel square."""
    return _channels_first(_image(pixels).filter(ImageFilter.GaussianBlur(sigma)))


def jpeg(pixels: Pixels, quality: int) -> Pixels:
    """Compressed and decoded once more, with halved colour resolution as cameras and messengers do."""
    buffer = io.BytesIO()
    _image(pixels).save(buffer, "JPEG", quality=quality, subsampling="4:2:0")
    with Image.open(buffer) as again:
        return _channels_first(again)


@dataclass(frozen=True, slots=True)
class Shift:
    """One fixed change: ``change`` with ``amount``, UINT8 [3, 224, 224] to the same."""

    kind: str
    strength: str
    amount: float
    change: Callable[[Pixels, Any], Pixels]
    text: str

    @property
    def key(self) -> str:
        """Names the shift in figures."""
        return f"{self.kind}_{self.amount:g}"

    def apply(self, pixels: Pixels) -> Pixels:
        """The shifted photograph, its scale-bar corner masked again as ``smear.tensor`` does."""
        return mask_scale_bar(self.change(pixels, self.amount))

    def is_seen(self, strength: Strength) -> bool:
        """Whether a training with augmentation of ``strength`` meets this very change."""
        if self.kind == "gamma":
            return abs(float(np.log(self.amount))) <= strength.gamma
        if self.kind == "blur":
            return strength.blur_share > 0 and self.amount <= strength.blur
        if self.kind == "jpeg":
            return strength.jpeg_share > 0 and self.amount >= strength.jpeg_least
        return False


SHIFTS: tuple[Shift, ...] = tuple(
    Shift(kind, strength, amount, change, text.format(amount))
    for kind, change, text, amounts in (
        ("hue", hue, "hue turned by {:+}°", (("mild", -8), ("mild", 8), ("strong", -15), ("strong", 15))),
        ("gamma", gamma, "gamma {}", (("mild", 0.75), ("mild", 1.33), ("strong", 0.6), ("strong", 1.67))),
        ("blur", blur, "blurred, sigma {} px of 224", (("mild", 1.0), ("strong", 2.0))),
        ("jpeg", jpeg, "JPEG quality {}", (("mild", 40), ("strong", 20))),
    )
    for strength, amount in amounts
)


def measure(
    network: nn.Module,
    photographs: Sequence[Photograph],
    rule: ReferRule | None,
    strength: Strength,
    arithmetic: str = "float32",
) -> dict[str, Any]:
    """Figures on ``photographs`` as they are and under every shift, as plain numbers.

    :param network: of the model contract's outputs, in evaluation mode.
    :param rule: when an answer is *refer*; ``referred`` and ``missed_unreferred`` are ``None`` without one.
    :param strength: the augmentation the network was trained with.
    :param arithmetic: of the network (``training.model.precision``); figures to publish want single precision.
    :returns: ``unshifted`` and ``shifts`` (a list), each with macro-F1, malignant sensitivity, Benign recall, the
        share ``referred`` and how many malignant photographs were called Benign and not referred; each shift with
        its ``fall`` of macro-F1 against unshifted (0.02 is two points) and whether training has ``seen`` it;
        ``largest_fall`` over all of them, and over the unseen ones.
    :raises DataError: when there is no photograph or one cannot be read.
    """
    if not photographs:
        raise manifest.DataError("no photographs to shift")
    pixels = manifest.load_all(photographs)
    labels = manifest.targets(photographs)
    figures = partial(_figures, network, labels=labels, rule=rule, arithmetic=arithmetic)
    unshifted = figures(pixels, lambda picture: picture, "unshifted")
    found = []
    for shift in SHIFTS:
        shifted = figures(pixels, shift.apply, shift.key)
        found.append(
            {"key": shift.key, "kind": shift.kind, "strength": shift.strength, "text": shift.text}
            | {"seen": shift.is_seen(strength), "fall": unshifted["macro_f1"] - shifted["macro_f1"]}
            | shifted
        )
    return {
        "images": len(photographs),
        "arithmetic": arithmetic,
        "unshifted": unshifted,
        "shifts": found,
        "largest_fall": max(one["fall"] for one in found),
        "largest_fall_unseen": max(one["fall"] for one in found if not one["seen"]),
    }


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--images", type=Path, help="a folder holding one folder per class; else the test part"
    )
    parser.add_argument("--data", type=Path, default=manifest.DEFAULT_DATA, help="where the manifest lies")
    parser.add_argument("--weights", type=Path, default=repository.COMMITTED)
    parser.add_argument(
        "--card", type=Path, default=repository.MODEL / "model_card.json", help="holds the refer rule"
    )
    parser.add_argument(
        "--config", type=Path, default=config.DEFAULT_CONFIG, help="the recipe of the weights"
    )
    parser.add_argument("--limit", type=int, help="photographs of each class (default: all)")
    parser.add_argument("--precision", choices=precision.PRECISIONS, default="float32")


def _run(parsed: argparse.Namespace) -> dict[str, Any]:
    network = weights.load(parsed.weights).to(precision.device())
    photographs = manifest.read_folders(parsed.images) if parsed.images else splits.test_part(parsed.data)
    if parsed.limit:
        photographs = explain.sample(photographs, parsed.limit)
    rule = _rule(parsed.card, parsed.weights)
    strength = config.read(parsed.config).strength
    return measure(network, photographs, rule, strength, parsed.precision)


def _rule(card: Path, weights_path: Path) -> ReferRule | None:
    """The card's rule when the card is of these weights: another version's numbers would mean nothing."""
    if not card.is_file():
        return None
    content = json.loads(card.read_text())
    if content.get("sha256") != manifest.file_sha256(weights_path):
        return None
    return ReferRule.from_card(content)


def _figures(
    network: nn.Module,
    pixels: Pixels,
    change: Callable[[Pixels], Pixels],
    title: str,
    *,
    labels: NDArray[np.int64],
    rule: ReferRule | None,
    arithmetic: str,
) -> dict[str, Any]:
    probabilities, scores = _answers(network, pixels, change, title, arithmetic)
    predicted = probabilities.argmax(axis=1)
    figures = metrics.from_predictions(predicted, labels)
    figures |= {"referred": None, "missed_unreferred": None}
    if rule:
        referred = np.array(
            [
                bool(rule.reasons(row, score))
                for row, score in zip(probabilities.tolist(), scores, strict=True)
            ]
        )
        malignant = np.array([label in MALIGNANT for label in CLASSES])
        missed = malignant[labels] & ~malignant[predicted] & ~referred
        figures |= {"referred": float(referred.mean()), "missed_unreferred": int(missed.sum())}
    return figures


def _answers(
    network: nn.Module, pixels: Pixels, change: Callable[[Pixels], Pixels], title: str, arithmetic: str
) -> tuple[NDArray[np.float32], list[float]]:
    """PROBABILITIES [n, classes] and OUTLIER_SCORE of every changed photograph."""
    device = next(network.parameters()).device
    probabilities, scores = [], []
    with torch.inference_mode(), precision.shortened(arithmetic):
        for start in tqdm(range(0, len(pixels), BATCH), desc=title, unit="batch"):
            batch = np.stack([change(picture) for picture in pixels[start : start + BATCH]])
            answer, _, _, score = network(torch.from_numpy(batch).to(device))
            probabilities.append(answer.float().cpu().numpy())
            scores += score[:, 0].float().tolist()
    return np.concatenate(probabilities), scores


def _bytes(values: NDArray[np.floating[Any]]) -> Pixels:
    return np.ascontiguousarray((values.clip(0, 255) + 0.5).astype(np.uint8))


def _image(pixels: Pixels) -> Image.Image:
    return Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0)))


def _channels_first(image: Image.Image) -> Pixels:
    return np.ascontiguousarray(np.asarray(image).transpose(2, 0, 1))


COMMAND = Command(
    "shifts",
    "the figures under shifts of hue, gamma, focus and compression",
    _arguments,
    _run,
)
