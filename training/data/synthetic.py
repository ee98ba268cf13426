"""Drawn smears for tests and demonstrations where no photographs are: SYNTHETIC, and marked so.

``training.data.drawing`` says how. Stain, light and nuclear area belong to the slide or to chance, so averages of
colour tell the class hardly better than chance as long as the photographs of a slide are kept together. The
classes differ in size and outline of the nucleus, its share of the cell, its chromatin and nucleoli. Those
differences are chosen to be learnable. They teach no morphology, and no figure reached on these pictures says
anything about blood.
"""

import argparse
import csv
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from smear.classes import CLASSES
from smear.tensor import MASK_START, SIDE
from training.command import Command
from training.data.drawing import OVERSAMPLING, Slide, draw_slide, draw_stage, photograph
from training.data.manifest import DataError, file_sha256

#: Stands in every file's comment, and in the corner of every picture.
MARK = "SYNTHETIC"
COMMENT = f"{MARK}: drawn by training/data/synthetic.py, not a photograph; for tests and demonstrations only"

#: Two photographs of one field lie this far apart, as a share of the side.
OVERLAP_SHIFT = 0.35

#: Photographs a session takes before slides change, and the shares of sessions that go back and forth between two
#: slides and of photographs that overlap the one before.
SESSION = 12
INTERLEAVED_SHARE = 0.3
OVERLAP_SHARE = 0.12


def draw(
    label: str,
    random: np.random.Generator,
    side: int = SIDE,
    slide: Slide | None = None,
    *,
    scale_bar: bool = True,
    noise: float = 2.0,
) -> Image.Image:
    """One drawn field of a class, RGB, ``side`` x ``side``, marked SYNTHETIC in the corner that the model never sees.

    :param slide: its stain and light; a new one is drawn when none is given.
    :param scale_bar: draw one under the mark.
    :param noise: standard deviation of the camera's noise, of 255.
    """
    slide = slide or draw_slide(random)
    pixels = photograph(draw_stage(label, random, slide, side, side), random, slide, noise)
    return _marked(pixels, scale_bar)


def draw_overlapping(
    label: str, random: np.random.Generator, slide: Slide, side: int = SIDE
) -> tuple[Image.Image, Image.Image]:
    """Two photographs of one place on a slide, the stage moved by :data:`OVERLAP_SHIFT` between them."""
    shift = round(side * OVERLAP_SHIFT)
    stage = draw_stage(label, random, slide, side + shift, side)
    left, right = stage[:, : side * OVERSAMPLING], stage[:, shift * OVERSAMPLING :]
    bar = bool(random.integers(2))
    return (
        _marked(photograph(left, random, slide, 2.0), bar),
        _marked(photograph(right, random, slide, 2.0), bar),
    )


def write_data_set(folder: Path, counts: Mapping[str, int], seed: int) -> Path:
    """Write ``folder/blood-smears`` as the real set is laid out: a folder per class, and ``manifest.csv``.

    File numbers run in the order of capture: sessions of one slide, some going back and forth between two, and some
    photographs overlapping the one before (one ``overlap_group``). Equal arguments write equal bytes.

    :param counts: photographs of each class.
    :returns: the manifest.
    :raises DataError: when ``folder`` holds a data set already, or a class is unknown.
    """
    root = folder / "blood-smears"
    if root.exists():
        raise DataError(f"{root} is there already; choose another --out, nothing is overwritten")
    if unknown := set(counts) - set(CLASSES):
        raise DataError(f"no such class: {', '.join(sorted(unknown))}; known are {', '.join(CLASSES)}")
    rows: list[list[str]] = []
    for label, count in counts.items():
        (root / label).mkdir(parents=True)
        first = ""
        for number, (image, overlaps) in enumerate(_capture(label, count, seed), start=1):
            path = f"{label}/{MARK}-{label}-{number:03}.jpg"
            image.save(root / path, quality=90, comment=COMMENT.encode())
            first = first if overlaps else path
            rows.append([path, label, file_sha256(root / path), first])
    manifest = root / "manifest.csv"
    with manifest.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([["path", "class", "sha256", "overlap_group"], *rows])
    return manifest


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--out", type=Path, required=True, help="gets blood-smears/ with a folder per class and manifest.csv"
    )
    parser.add_argument("--count", type=int, default=50, help="pictures of each class")
    parser.add_argument("--seed", type=int, default=0)


def _run(parsed: argparse.Namespace) -> dict[str, Any]:
    counts = dict.fromkeys(CLASSES, parsed.count)
    return {
        "manifest": str(write_data_set(parsed.out, counts, parsed.seed)),
        "pictures": sum(counts.values()),
    }


def _capture(label: str, count: int, seed: int) -> Iterator[tuple[Image.Image, bool]]:
    """``count`` pictures in the order of capture, each with whether it overlaps the one before."""
    random = np.random.default_rng((seed, zlib.crc32(label.encode())))
    taken = 0
    while taken < count:
        slides = [draw_slide(random) for _ in range(1 + (random.random() < INTERLEAVED_SHARE))]
        end = min(count, taken + int(random.integers(SESSION // 2, SESSION + 1)))
        while taken < end:
            slide = slides[int(random.integers(len(slides)))]
            if end - taken > 1 and random.random() < OVERLAP_SHARE:
                one, other = draw_overlapping(label, random, slide)
                yield one, False
                yield other, True
                taken += 2
            else:
                yield draw(label, random, slide=slide, scale_bar=bool(random.integers(2))), False
                taken += 1


def _marked(pixels: NDArray[np.uint8], scale_bar: bool) -> Image.Image:
    """Write SYNTHETIC over the corner that ``smear.tensor`` masks; the comment goes into the file with ``save``."""
    image = Image.fromarray(pixels)
    side = image.width
    # One pixel further in than the mask, so that no resizing draws the box's edge out of it.
    start = -(-side * MASK_START // SIDE) + 1
    unit = (side - start) / 31
    pen = ImageDraw.Draw(image)
    pen.rectangle((start, start, side, side), fill="white")
    font = ImageFont.load_default(max(6, round(9 * unit)))
    for row, letters in enumerate((MARK[:3], MARK[3:6], MARK[6:])):
        pen.text((start + 5 * unit, start + (8.5 * row - 1) * unit), letters, fill=(190, 0, 0), font=font)
    if scale_bar:
        row = round(side - 3 * unit)
        pen.line((start + 3 * unit, row, side - 4 * unit, row), fill="black", width=max(1, round(unit)))
    image.info["comment"] = COMMENT.encode()
    return image


COMMAND = Command(
    "synthetic",
    "draw a small data set, marked SYNTHETIC, where the photographs are absent",
    _arguments,
    _run,
)
