"""Which photographs there are: the manifest of the training set, and plain folders of one class each."""

import csv
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from smear.classes import CLASSES
from smear.tensor import SIDE, to_tensor

#: Where the data lies unless ``--data`` says otherwise, relative to the repository's root.
DEFAULT_DATA = Path("../shared/data")

#: File names read from a folder per class.
IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp"})


class DataError(Exception):
    """The photographs asked for are not there or cannot be read; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Photograph:
    """One labelled photograph.

    ``group`` names the photographs that show the same or an overlapping field; ``number`` is the file number,
    which runs in the order of capture.
    """

    path: Path
    label: str
    sha256: str
    group: str
    number: int

    @property
    def target(self) -> int:
        """Index of the class in ``smear.classes.CLASSES``."""
        return CLASSES.index(self.label)


def file_sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_manifest(manifest: Path) -> list[Photograph]:
    """Read ``manifest.csv`` (path, class, sha256, overlap_group), ordered by class and file number.

    :raises DataError: when the file is missing or names a class the model does not know.
    """
    if not manifest.is_file():
        raise DataError(f"no manifest at {manifest}; give the folder that holds blood-smears/ with --data")
    with manifest.open(newline="") as file:
        photographs = [
            Photograph(
                path=manifest.parent / row["path"],
                label=row["class"],
                sha256=row["sha256"],
                group=row["overlap_group"],
                number=_file_number(row["path"]),
            )
            for row in csv.DictReader(file)
        ]
    unknown = {photograph.label for photograph in photographs} - set(CLASSES)
    if unknown:
        raise DataError(f"{manifest} names unknown classes {sorted(unknown)}; known are {', '.join(CLASSES)}")
    return sorted(photographs, key=lambda photograph: (photograph.target, photograph.number))


def read_folders(root: Path) -> list[Photograph]:
    """Photographs under ``root``, one folder per class named as in ``smear.classes``.

    :raises DataError: when a class folder is missing or no photograph is found.
    """
    missing = [label for label in CLASSES if not (root / label).is_dir()]
    if len(missing) == len(CLASSES):
        raise DataError(f"{root} holds no class folder; expected {', '.join(CLASSES)}")
    photographs = [
        Photograph(path, label, sha256="", group=str(path), number=_file_number(path.name))
        for label in CLASSES
        if label not in missing
        for path in sorted((root / label).rglob("*"))
        if path.suffix.lower() in IMAGE_SUFFIXES
    ]
    if not photographs:
        raise DataError(f"{root} holds no photographs ({', '.join(sorted(IMAGE_SUFFIXES))})")
    return photographs


def load(photograph: Photograph) -> NDArray[np.uint8]:
    """The model's input tensor of one photograph: UINT8 [3, 224, 224].

    :raises DataError: when the file cannot be read as an image.
    """
    return load_path(photograph.path)


def load_unmasked(photograph: Photograph) -> NDArray[np.uint8]:
    """The photograph with its scale-bar corner, UINT8 [3, 224, 224]: for ablations, never for serving.

    :raises DataError: when the file cannot be read as an image.
    """
    try:
        with Image.open(photograph.path) as image:
            resized = image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    except OSError as error:
        raise DataError(f"cannot read {photograph.path}: {error}") from error
    return np.ascontiguousarray(np.asarray(resized).transpose(2, 0, 1))


def load_path(path: Path) -> NDArray[np.uint8]:
    """The model's input tensor of an image file: UINT8 [3, 224, 224].

    :raises DataError: when the file cannot be read as an image.
    """
    try:
        with Image.open(path) as image:
            return to_tensor(image.convert("RGB"))
    except OSError as error:
        raise DataError(f"cannot read {path}: {error}") from error


def load_all(photographs: Sequence[Photograph]) -> NDArray[np.uint8]:
    """Input tensors of all photographs, UINT8 [n, 3, 224, 224] (150 kB each: 415 MB for the whole set)."""
    pixels = np.empty((len(photographs), 3, SIDE, SIDE), dtype=np.uint8)
    for row, photograph in enumerate(photographs):
        pixels[row] = load(photograph)
    return pixels


def targets(photographs: Sequence[Photograph]) -> NDArray[np.int64]:
    """Class indices, INT64 [n]."""
    return np.array([photograph.target for photograph in photographs], dtype=np.int64)


def _file_number(name: str) -> int:
    digits = re.findall(r"\d+", Path(name).stem)
    return int(digits[-1]) if digits else 0
