"""Writing signed cases as a data set: a folder per class, a manifest of hashes, and a summary. All or nothing."""

import csv
import getpass
import hashlib
import json
import logging
import os
import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from django.db import transaction
from django.utils import timezone

from portal.reports.exports.reviewed import LeftOut, ReviewedCase, ReviewedImage, Selection, reviewed_cases
from portal.reports.models import ReviewedExport
from smear.classes import CLASSES

log = logging.getLogger(__name__)

#: What ``export.json`` says it is; ``training/data/reviewed.py`` reads it.
SCHEMA = "hemalens.reviewed/1"

SUMMARY, IMAGES, MANIFEST = "export.json", "blood-smears", "manifest.csv"
#: A photograph whose file is gone, or has another length than when it was stored.
FILE_LOST = "file_lost"


class Row(NamedTuple):
    """A photograph's row of the manifest; ``label`` is the column ``class``."""

    path: str
    label: str
    sha256: str
    overlap_group: str
    pixel_sha256: str
    laboratory: str
    report_version: int
    disputed: int
    model_seen: int
    follows_case: int


class ExportRefused(Exception):
    """Nothing was written; the message says what to do."""


@dataclass(slots=True)
class _Counts:
    cases: Counter[str] = field(default_factory=Counter)
    photographs: Counter[str] = field(default_factory=Counter)
    classes: Counter[str] = field(default_factory=Counter)
    flags: Counter[str] = field(default_factory=Counter)


def export_reviewed(out: Path, selection: Selection) -> dict[str, Any]:
    """Write the signed cases of ``selection`` to the folder ``out``; returns the summary kept in ``export.json``.

    Everything is written next to ``out`` and moved into place at the end, so ``out`` holds a whole export or what it
    held before. Only a folder that is absent, empty or an earlier export is written to. Raises ExportRefused, also
    where no case goes in.
    """
    out = out.absolute()
    _check_replaceable(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    # Readable for its owner alone, which is what photographs of patients' blood ask for.
    aside = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        summary = _write(aside / "new", selection)
        if not summary["photographs"]:
            raise ExportRefused(f"No photograph goes in. Left out: {json.dumps(summary['left_out'])}.")
        with transaction.atomic():
            _record(selection, summary)
            _check_replaceable(out)
            if out.exists():
                out.rename(aside / "old")
            (aside / "new").rename(out)
    finally:
        shutil.rmtree(aside)
    log.info(
        "exported %d photographs of %d signed cases, manifest %s",
        summary["photographs"],
        summary["cases"],
        summary["manifest_sha256"],
    )
    return summary


def _check_replaceable(out: Path) -> None:
    if not out.exists():
        return
    found = {path.name for path in out.iterdir()} if out.is_dir() else {out.name}
    if found and not (found <= {SUMMARY, IMAGES} and _is_export(out / SUMMARY)):
        raise ExportRefused(f"{out} holds something else. Name a new folder, or one that an export wrote.")


def _is_export(summary: Path) -> bool:
    try:
        return bool(json.loads(summary.read_text())["schema"] == SCHEMA)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _write(folder: Path, selection: Selection) -> dict[str, Any]:
    images = folder / IMAGES
    images.mkdir(parents=True, mode=0o700)
    folder.chmod(0o700)
    counts, left_out = _Counts(), LeftOut()
    with (images / MANIFEST).open("w", newline="") as file:
        manifest = csv.writer(file, lineterminator="\n")
        manifest.writerow("class" if name == "label" else name for name in Row._fields)
        for case in reviewed_cases(selection, left_out):
            rows = [row for image in case.images if (row := _image(images, case, image, left_out))]
            manifest.writerows(rows)
            if rows:
                _count(counts, case, rows)
    summary = _summary(selection, counts, left_out) | {"manifest_sha256": _file_sha256(images / MANIFEST)}
    (folder / SUMMARY).write_text(json.dumps(summary, indent=2) + "\n")
    return summary


def _image(images: Path, case: ReviewedCase, reviewed: ReviewedImage, left_out: LeftOut) -> Row | None:
    """Copy a photograph as it is stored; returns its row of the manifest, None where its file is lost."""
    image = reviewed.image
    path = Path(reviewed.label) / f"{image.pk}.{image.extension}"
    (images / reviewed.label).mkdir(exist_ok=True)
    digest, size = hashlib.sha256(), 0
    try:
        with image.file.open("rb") as source, (images / path).open("wb") as target:
            for chunk in source.chunks():
                target.write(chunk)
                digest.update(chunk)
                size += len(chunk)
    except FileNotFoundError:
        size = -1
    if size != image.size:
        log.error("the file of photograph %s is lost or not the one that was stored", image.pk)
        (images / path).unlink(missing_ok=True)
        left_out.photographs[FILE_LOST] += 1
        return None
    return Row(
        path=path.as_posix(),
        label=reviewed.label,
        sha256=digest.hexdigest(),
        overlap_group=case.key,
        pixel_sha256=image.pixel_sha256,
        laboratory=case.laboratory,
        report_version=case.version,
        disputed=int(case.disputed),
        model_seen=int(reviewed.model_seen),
        follows_case=int(reviewed.follows_case),
    )


def _count(counts: _Counts, case: ReviewedCase, rows: list[Row]) -> None:
    counts.cases[case.laboratory] += 1
    counts.photographs[case.laboratory] += len(rows)
    counts.flags["disputed_cases"] += case.disputed
    for row in rows:
        counts.classes[row.label] += 1
        counts.flags["model_seen"] += row.model_seen
        counts.flags["follows_case"] += row.follows_case


def _summary(selection: Selection, counts: _Counts, left_out: LeftOut) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "exported_at": timezone.now().isoformat(timespec="seconds"),
        "since": selection.since.isoformat() if selection.since else None,
        "include_disputed": selection.include_disputed,
        "cases": counts.cases.total(),
        "photographs": counts.photographs.total(),
        "laboratories": [
            {"slug": slug, "cases": cases, "photographs": counts.photographs[slug]}
            for slug, cases in sorted(counts.cases.items())
        ],
        "classes": {label: counts.classes[label] for label in CLASSES},
        **{name: counts.flags[name] for name in ("disputed_cases", "model_seen", "follows_case")},
        "left_out": {
            "cases": dict(sorted(left_out.cases.items())),
            "photographs": dict(sorted(left_out.photographs.items())),
        },
    }


def _record(selection: Selection, summary: dict[str, Any]) -> None:
    ReviewedExport.objects.create(
        exported_by=_system_user(),
        laboratory=selection.laboratory,
        since=selection.since,
        include_disputed=selection.include_disputed,
        cases=summary["cases"],
        photographs=summary["photographs"],
        manifest_sha256=summary["manifest_sha256"],
    )


def _system_user() -> str:
    """Who is at the machine: a command has no signed-in person."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return str(os.getuid())


def _file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
