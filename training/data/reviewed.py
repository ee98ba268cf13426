"""Signed cases as further photographs to learn from: what ``manage.py export_reviewed`` wrote, beside the public set.

A case is a group: all of it trains, or all of it is held out with one fold. What may be one of the public photographs
again is looked for by pixels, because a case may have been filed with them. Nothing joins the test part, and **a case
that shares a photograph with it does not train at all**: its other photographs probably show the same slide.
"""

import csv
import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from smear.classes import CLASSES
from smear.decode import ImageRejected, decode
from training.data.manifest import DataError, Photograph, file_sha256, load, read_manifest
from training.data.splits import FOLDS, TEST, Split

#: What ``export.json`` says it is.
SCHEMA = "hemalens.reviewed/1"

#: Averages of 8 x 8 pixels that differ by less than this (of 255, in the mean) are one photograph. Over the public set,
#: re-encoding changes them by 1.7 at the most (JPEG quality 60), and different fields lie 5.1 apart at the least.
SAME = 3.0
CELL = 8


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A photograph of a signed case: ``photograph.group`` is its key, ``pixel_sha256`` over what was uploaded."""

    photograph: Photograph
    pixel_sha256: str
    laboratory: str
    disputed: bool
    model_seen: bool


@dataclass(frozen=True, slots=True)
class Taken:
    """What of an export goes in: the photographs, their split, and a record for the card."""

    photographs: list[Reviewed]
    split: Split
    record: dict[str, Any]


def manifest_of(folder: Path) -> Path:
    """The manifest of an export."""
    return folder / "blood-smears" / "manifest.csv"


def manifest_sha256(folder: Path | None) -> str | None:
    """Which cases a folder holds; None where no folder was named or it holds no export."""
    if folder is None or not manifest_of(folder).is_file():
        return None
    return file_sha256(manifest_of(folder))


def read(folder: Path) -> list[Reviewed]:
    """The photographs of an export, each file's hash checked, by case and in the order of the case.

    :raises DataError: when the folder is no export, or a file is not the one that was exported.
    """
    try:
        schema = json.loads((folder / "export.json").read_text())["schema"]
    except (OSError, ValueError, KeyError, TypeError):
        schema = None
    if schema != SCHEMA:
        raise DataError(f"{folder} is no export of signed cases; manage.py export_reviewed --out writes one")
    plain = {one.path: one for one in read_manifest(manifest_of(folder))}
    with manifest_of(folder).open(newline="") as file:
        rows = list(csv.DictReader(file))
    found = []
    for row in rows:
        photograph = plain[manifest_of(folder).parent / row["path"]]
        if not photograph.path.is_file() or file_sha256(photograph.path) != photograph.sha256:
            raise DataError(f"{photograph.path} is missing or not what was exported; export the cases again")
        flags = (row["disputed"] == "1", row["model_seen"] == "1")
        found.append(Reviewed(photograph, row["pixel_sha256"], row["laboratory"], *flags))
    return found


def take(folder: Path, public: Sequence[Photograph], split: Split, blind_only: bool = False) -> Taken:
    """The photographs of an export that may join ``public``, and the fold of each case.

    Cases that share a photograph are one group. A group that shares one with the public set goes to that photograph's
    fold without it; it is left out where that is the test part or where there are several folds. Other groups are dealt
    by their keys, so a case keeps its fold when others come. Labels that contradict each other are left out.

    :param blind_only: leave out photographs whose class was given by somebody who had seen the model's answer.
    :raises DataError: when the folder is no export, or none of its photographs may train.
    """
    exported = read(folder)
    left_out: Counter[str] = Counter()
    twin, same = _same_photographs(exported, public)
    group, fold = _groups(exported, twin, same, split)
    contradicting = _contradicting(exported, same)
    seen: set[int] = set()
    kept = []
    for row, one in enumerate(exported):
        reasons = {
            "model_seen": blind_only and one.model_seen,
            "test_part": fold[row] == TEST,
            "several_folds": fold[row] == _SEVERAL,
            "already_public": twin[row] >= 0,
            "contradicting": contradicting[row],
            "repeated": int(same[row]) in seen,
        }
        reason = next((name for name, applies in reasons.items() if applies), None)
        if reason is not None:
            left_out[reason] += 1
        else:
            seen.add(int(same[row]))
            kept.append(row)
    if not kept:
        raise DataError(f"no photograph of {folder} may train: {dict(left_out)} left out")
    photographs = [exported[row] for row in kept]
    joined = Split(split.slide.max() + 1 + group[kept], fold[kept])
    return Taken(photographs, joined, _record(folder, photographs, left_out))


def joined(public: Split, taken: Split) -> Split:
    """One split: the public photographs first, as they were assigned, then the reviewed ones."""
    return Split(
        np.concatenate([public.slide, taken.slide]), np.concatenate([public.fold, taken.fold]), public.kind
    )


#: Stands for a fold where a group would have to be in several.
_SEVERAL = TEST - 1


def _same_photographs(
    exported: Sequence[Reviewed], public: Sequence[Photograph]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each exported photograph its row in ``public`` or -1, and the first exported row that shows the same."""
    known, looks = _fingerprints(tuple(public))
    own = np.stack([_look(one.photograph) for one in exported])
    twin = np.full(len(exported), -1, dtype=np.int64)
    same = np.arange(len(exported), dtype=np.int64)
    first_with: dict[str, int] = {}
    for row, one in enumerate(exported):
        first = first_with.setdefault(one.pixel_sha256, row)
        twin[row] = known.get(one.pixel_sha256, _nearest(own[row], looks))
        first = first if first < row else _nearest(own[row], own[:row])
        same[row] = same[first] if first >= 0 else row
    return twin, same


@lru_cache(maxsize=2)
def _fingerprints(public: tuple[Photograph, ...]) -> tuple[dict[str, int], NDArray[np.float32]]:
    """Row by pixel hash, and the look of each public photograph."""
    known = {}
    for row, photograph in enumerate(public):
        try:
            with photograph.path.open("rb") as file:
                known[decode(file).pixel_sha256] = row
        except ImageRejected:  # the portal refuses it, so no case was filed with this very file
            continue
        except OSError as error:
            raise DataError(f"cannot read {photograph.path}: {error}") from error
    return known, np.stack([_look(one) for one in public])


def _look(photograph: Photograph) -> NDArray[np.float32]:
    """Averages of the model's input over squares of :data:`CELL` pixels, FP32 [3 * 28 * 28]."""
    pixels = load(photograph)
    cells = pixels.reshape(3, pixels.shape[1] // CELL, CELL, pixels.shape[2] // CELL, CELL)
    return np.asarray(cells.mean(axis=(2, 4), dtype=np.float32)).ravel()


def _nearest(look: NDArray[np.float32], looks: NDArray[np.float32]) -> int:
    """The row of the same photograph, -1 where there is none."""
    if not len(looks):
        return -1
    difference = np.abs(looks - look).mean(axis=1)
    return int(difference.argmin()) if difference.min() < SAME else -1


def _groups(
    exported: Sequence[Reviewed], twin: NDArray[np.int64], same: NDArray[np.int64], split: Split
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The group of each exported photograph, numbered from 0, and its fold, TEST or _SEVERAL."""
    cases = {
        key: number for number, key in enumerate(dict.fromkeys(one.photograph.group for one in exported))
    }
    case = np.array([cases[one.photograph.group] for one in exported])
    # Two cases with one photograph are linked.
    links = coo_matrix((np.ones(len(case)), (case, case[same])), shape=(len(cases), len(cases)))
    _, of_case = connected_components(links, directed=False)
    group = of_case[case].astype(np.int64)
    fold = np.empty(len(exported), dtype=np.int64)
    for one in np.unique(group):
        inside = group == one
        public = np.unique(split.fold[twin[inside & (twin >= 0)]])
        if len(public) > 1:
            fold[inside] = TEST if TEST in public else _SEVERAL
        elif len(public):
            fold[inside] = public[0]
        else:
            first = min(exported[int(row)].photograph.group for row in np.flatnonzero(inside))
            fold[inside] = int(hashlib.sha256(first.encode()).hexdigest(), 16) % FOLDS
    return group, fold


def _contradicting(exported: Sequence[Reviewed], same: NDArray[np.int64]) -> NDArray[np.bool_]:
    labels = np.array([one.photograph.target for one in exported])
    return np.array([len(np.unique(labels[same == one])) > 1 for one in same])


def _record(folder: Path, photographs: Sequence[Reviewed], left_out: Counter[str]) -> dict[str, Any]:
    """What the card says of the cases: laboratories, counts, hashes and keys; nothing else is known here."""
    cases = {one.photograph.group: one.laboratory for one in photographs}
    per_laboratory = Counter(one.laboratory for one in photographs)
    counts = Counter(one.photograph.label for one in photographs)
    return {
        "cases": len(cases),
        "photographs": len(photographs),
        "laboratories": [
            {"slug": slug, "cases": number, "photographs": per_laboratory[slug]}
            for slug, number in sorted(Counter(cases.values()).items())
        ],
        "classes": {label: counts[label] for label in CLASSES},
        "disputed": sum(one.disputed for one in photographs),
        "model_seen": sum(one.model_seen for one in photographs),
        "left_out": dict(sorted(left_out.items())),
        "manifest_sha256": file_sha256(manifest_of(folder)),
        "case_keys": sorted(cases),
    }
