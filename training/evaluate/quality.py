"""Where the thresholds of ``smear.quality`` come from: true photographs against the same ones spoilt.

Every measure gets the threshold midway between the photograph it must let pass (the 1st percentile of the
true ones) and the one it must catch (the 99th of the spoilt), or, where these overlap, the one that flags 1 %
of the true photographs. Thresholds come from the five folds of the committed split, the figures from its test
part.
"""

import argparse
import io
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from smear import quality
from smear.classes import CLASSES
from smear.nuclei import nuclei, paint_out
from smear.quality import Quality, Reason, assess
from smear.tensor import SIDE, to_tensor
from training.command import Command
from training.data import manifest, splits

Spoil = Callable[[Image.Image, np.random.Generator], Image.Image]

#: Highest share of true photographs that one measure may flag.
ALLOWED = 0.01


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure of :class:`Quality`: the threshold in use, its reason, and what it must catch."""

    name: str
    reason: Reason
    in_use: float
    flags_low: bool
    spoilt: str

    def flags(self, value: float, threshold: float) -> bool:
        return value < threshold if self.flags_low else value > threshold


MEASURES = (
    Measure("focus", Reason.OUT_OF_FOCUS, quality.LEAST_FOCUS, True, "blur 2"),
    Measure("background", Reason.UNDEREXPOSED, quality.LEAST_BACKGROUND, True, "2 stops under"),
    Measure("clipped_bright", Reason.OVEREXPOSED, quality.MOST_CLIPPED_BRIGHT, False, "1 stop over"),
    Measure("clipped_dark", Reason.BLACK_AREAS, quality.MOST_CLIPPED_DARK, False, "eyepiece's edge"),
    Measure("stained", Reason.EMPTY, quality.LEAST_STAINED, True, "empty"),
    Measure(
        "nucleated_cells",
        Reason.FEW_NUCLEATED_CELLS,
        quality.LEAST_NUCLEATED_CELLS,
        True,
        "nuclei painted out",
    ),
)


def _camera(image: Image.Image, random: np.random.Generator) -> Image.Image:
    """What a camera adds after the lens: noise and JPEG, so that a blurred picture is not smoother than real."""
    noisy = np.asarray(image, dtype=np.float32) + random.normal(0, 1.5, (SIDE, SIDE, 3))
    buffer = io.BytesIO()
    Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=85)
    return Image.open(buffer).convert("RGB")


def blurred(sigma: float) -> Spoil:
    """Out of focus by ``sigma`` pixels of the 224x224 square."""
    return lambda image, random: _camera(image.filter(ImageFilter.GaussianBlur(sigma)), random)


def moved(image: Image.Image, random: np.random.Generator) -> Image.Image:
    """The stage moved by 9 pixels of 224 to the side during the exposure."""
    values = np.asarray(image, dtype=np.float32)
    mean = np.mean([np.roll(values, shift, axis=1) for shift in range(-4, 5)], axis=0)
    return _camera(Image.fromarray(mean.astype(np.uint8)), random)


def exposed(stops: float) -> Spoil:
    """More (or less) light by ``stops``, in linear light (gamma 2.2)."""
    light = (np.arange(256) / 255) ** 2.2 * 2**stops
    table = np.rint(255 * np.clip(light, 0, 1) ** (1 / 2.2)).astype(np.uint8)
    return lambda image, random: Image.fromarray(table[np.asarray(image)])


def framed(image: Image.Image, random: np.random.Generator) -> Image.Image:
    """Seen through an eyepiece: black outside a circle."""
    mask = Image.new("L", image.size)
    ImageDraw.Draw(mask).ellipse((8, 8, SIDE - 8, SIDE - 8), fill=255)
    return Image.composite(image, Image.new("RGB", image.size), mask)


def emptied(image: Image.Image, random: np.random.Generator) -> Image.Image:
    """The background alone: the brightest of each neighbourhood of about 40 pixels, without any detail."""
    blocks = np.asarray(image).reshape(SIDE // 8, 8, SIDE // 8, 8, 3).max(axis=(1, 3))
    coarse = Image.fromarray(blocks).filter(ImageFilter.MaxFilter(5)).filter(ImageFilter.GaussianBlur(2))
    return _camera(coarse.resize(image.size, Image.Resampling.BICUBIC), random)


def without_nuclei(image: Image.Image, random: np.random.Generator) -> Image.Image:
    """The same field with its nucleated cells painted out."""
    pixels = to_tensor(image)
    return Image.fromarray(paint_out(pixels, nuclei(pixels)).transpose(1, 2, 0))


SPOILT: dict[str, Spoil] = {
    "blur 1.5": blurred(1.5),
    "blur 2": blurred(2),
    "blur 3": blurred(3),
    "moved 9 px": moved,
    "1 stop under": exposed(-1),
    "2 stops under": exposed(-2),
    "1 stop over": exposed(1),
    "2 stops over": exposed(2),
    "eyepiece's edge": framed,
    "empty": emptied,
    "nuclei painted out": without_nuclei,
}


def measure(images: Sequence[Image.Image], spoil: Spoil | None = None) -> list[Quality]:
    """The measures of photographs (RGB, 224x224), spoilt first where asked; the same noise each time."""
    random = np.random.default_rng(0)
    return [assess(spoil(image, random) if spoil else image) for image in images]


def propose(one: Measure, true: Sequence[Quality], spoilt: Sequence[Quality]) -> float:
    """The threshold of one measure, as the module's docstring says."""
    sign = 1 if one.flags_low else -1
    passes = float(np.percentile(sign * _values(one, true), 100 * ALLOWED, method="lower"))
    catches = float(np.percentile(sign * _values(one, spoilt), 100 * (1 - ALLOWED), method="higher"))
    return sign * (passes if catches >= passes else (passes + catches) / 2)


def _values(one: Measure, measured: Sequence[Quality]) -> NDArray[np.float64]:
    return np.array([getattr(quality, one.name) for quality in measured], dtype=np.float64)


def _flagged(one: Measure, measured: Sequence[Quality], threshold: float) -> float:
    return float(np.mean([one.flags(value, threshold) for value in _values(one, measured)]))


def _percentiles(one: Measure, measured: Sequence[Quality]) -> list[float]:
    """Minimum, 1st, 50th and 99th percentile, maximum."""
    return [round(float(value), 4) for value in np.percentile(_values(one, measured), [0, 1, 50, 99, 100])]


def report(fitted: Sequence[Image.Image], kept_apart: Mapping[str, Sequence[Image.Image]]) -> dict[str, Any]:
    """Thresholds from ``fitted`` photographs, and what they do on others, by class.

    :param fitted: RGB 224x224, without classes.
    :param kept_apart: RGB 224x224 by class.
    """
    true = measure(fitted)
    spoilt = {name: measure(fitted, SPOILT[name]) for name in {one.spoilt for one in MEASURES}}
    apart = {label: measure(images) for label, images in kept_apart.items()}
    everyone = list(itertools.chain.from_iterable(kept_apart.values()))
    all_apart = list(itertools.chain.from_iterable(apart.values()))
    spoilt_apart = {name: measure(everyone, spoil) for name, spoil in SPOILT.items()}
    return {
        "photographs": {"thresholds": len(fitted), "figures": len(all_apart)},
        "measures": {
            one.name: {
                "proposed": round(propose(one, true, spoilt[one.spoilt]), 4),
                "in_use": one.in_use,
                "true": _percentiles(one, true),
                one.spoilt: _percentiles(one, spoilt[one.spoilt]),
                "flagged": {
                    "thresholds": _flagged(one, true, one.in_use),
                    "all": _flagged(one, all_apart, one.in_use),
                    **{label: _flagged(one, measured, one.in_use) for label, measured in apart.items()},
                },
            }
            for one in MEASURES
        },
        "reasons": {
            "true": _reasons(all_apart),
            **{name: _reasons(measured) for name, measured in spoilt_apart.items()},
        },
    }


def _reasons(measured: Iterable[Quality]) -> dict[str, float]:
    """Share of photographs with each reason, and with any."""
    given = [quality.reasons for quality in measured]
    shares = {reason.value: float(np.mean([reason in one for one in given])) for reason in Reason}
    return {reason: share for reason, share in shares.items() if share} | {
        "any": float(np.mean([bool(one) for one in given]))
    }


def _images(photographs: Iterable[manifest.Photograph]) -> list[Image.Image]:
    return [_image(photograph.path) for photograph in photographs]


def _image(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BICUBIC)


def run(parsed: argparse.Namespace) -> dict[str, Any]:
    """``python -m training quality``."""
    if parsed.images:
        apart = {parsed.images.name: [_image(path) for path in sorted(parsed.images.rglob("*.jpg"))]}
        return {name: _reasons(measure(images)) for name, images in apart.items()}
    photographs = manifest.read_manifest(parsed.data / "blood-smears" / "manifest.csv")
    kept = splits.test_part(parsed.data)
    paths = {photograph.path for photograph in kept}
    fitted = _images(photograph for photograph in photographs if photograph.path not in paths)
    apart = {label: _images(one for one in kept if one.label == label) for label in CLASSES}
    return report(fitted, apart)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, default=manifest.DEFAULT_DATA)
    parser.add_argument(
        "--images", type=Path, help="only say which reasons the photographs in this folder would be given"
    )


COMMAND = Command(
    "quality",
    "thresholds of smear.quality, from true and spoilt photographs",
    _arguments,
    run,
)
