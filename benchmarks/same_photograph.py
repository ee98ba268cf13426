"""How well smear.likeness knows a photograph again: misses of changed copies, false matches of different fields.

    python -m benchmarks.same_photograph ../shared/data/blood-smears

Reads the folder's ``manifest.csv`` (path, sha256, overlap_group) and prints the table of
docs/decisions/0024-exposure.md. Hashes are taken of thumbnails, as the portal takes them.
"""

import argparse
import csv
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance

from smear.likeness import MOST_DIFFERENT, distances, perceptual_hash, stacked

SAMPLE = 400
THUMBNAIL_EDGE = 320


def saved(image: Image.Image, quality: int) -> Image.Image:
    """The picture after it was saved as JPEG."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer)


def cut(image: Image.Image, left: int, top: int, right: int = 0, bottom: int = 0) -> Image.Image:
    """The picture without so many pixels at its edges."""
    return image.crop((left, top, image.width - right, image.height - bottom))


def scaled(image: Image.Image, factor: float) -> Image.Image:
    """The picture in another size."""
    return image.resize((round(image.width * factor), round(image.height * factor)))


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "one pixel cut off the left": lambda image: cut(image, 1, 0),
    "two pixels off left and top": lambda image: cut(image, 2, 2),
    "four pixels off left and top": lambda image: cut(image, 4, 4),
    "four pixels off every edge": lambda image: cut(image, 4, 4, 4, 4),
    "six pixels off left and top": lambda image: cut(image, 6, 6),
    "eight pixels off left and top": lambda image: cut(image, 8, 8),
    "JPEG of quality 20": lambda image: saved(image, 20),
    "scaled to 0.5": lambda image: scaled(image, 0.5),
    "scaled to 1.1": lambda image: scaled(image, 1.1),
    "turned by 90 degrees": lambda image: image.transpose(Image.Transpose.ROTATE_90),
    "mirrored": lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "a tenth brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.1),
    "cut, scaled to 0.9, JPEG of quality 50": lambda image: saved(scaled(cut(image, 3, 0, 0, 4), 0.9), 50),
}


def looks(image: Image.Image) -> bytes:
    """The hash of the thumbnail of a picture."""
    small = image.convert("RGB")
    small.thumbnail((THUMBNAIL_EDGE, THUMBNAIL_EDGE))
    return perceptual_hash(saved(small, 85))


def main() -> None:
    """Print the distances."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    with (folder / "manifest.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    images = [Image.open(folder / row["path"]).convert("RGB") for row in rows]
    hashes = stacked(map(looks, images))
    _different(rows, hashes)
    chosen = np.random.default_rng(1).choice(len(rows), min(SAMPLE, len(rows)), replace=False)
    print(
        f"\n{len(chosen)} photographs changed; bits that differ: median, largest; misses over {MOST_DIFFERENT}"
    )
    for name, change in CHANGES.items():
        found = np.array([distances(looks(change(images[i])), hashes[i : i + 1])[0] for i in chosen])
        print(f"{name:42} {np.median(found):5.0f} {found.max():5d} {(found > MOST_DIFFERENT).sum():5d}")


def _different(rows: list[dict[str, str]], hashes: np.ndarray) -> None:
    groups = np.array([row["overlap_group"] for row in rows])
    files = np.array([row["sha256"] for row in rows])
    of_kind: dict[str, list[np.ndarray]] = {
        "the same file": [],
        "overlapping fields": [],
        "different fields": [],
    }
    for place in range(len(rows) - 1):
        found = distances(hashes[place].tobytes(), hashes[place + 1 :])
        is_file = files[place + 1 :] == files[place]
        overlaps = (groups[place + 1 :] == groups[place]) & ~is_file
        for name, chosen in zip(of_kind, (is_file, overlaps, ~is_file & ~overlaps), strict=True):
            of_kind[name].append(found[chosen])
        for other in np.flatnonzero((found <= MOST_DIFFERENT) & ~is_file & ~overlaps):
            print(
                "match outside a group:", rows[place]["path"], rows[place + 1 + other]["path"], found[other]
            )
    print(f"{len(rows)} photographs; pairs, smallest and median of the bits that differ, matches")
    for name, parts in of_kind.items():
        found = np.concatenate(parts)
        matches = int((found <= MOST_DIFFERENT).sum())
        print(f"{name:20} {len(found):9d} {found.min():5d} {np.median(found):6.0f} {matches:5d}")


if __name__ == "__main__":
    main()
