"""Which signed cases a model may learn from, and what the readers called each of their photographs.

Nothing here names a patient, a person or an accession: what leaves is the pixels, a class, and a key of the case that
only somebody with this database can turn back.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from django.db.models import OuterRef, QuerySet, Subquery
from django.utils import timezone

from portal.accounts.models import Laboratory
from portal.cases.choices import SIGNED
from portal.cases.models import SmearImage
from portal.reading.choices import ReadKind
from portal.reports.content import content_sha256
from portal.reports.models import Diagnosis
from smear.classes import CLASSES

#: Rows of signed versions held in memory at a time.
CHUNK = 50

#: What cases and photographs are left out for; the summary counts them under these names.
DISPUTED = "disputed"
NO_CONTENT = "signed_without_content"
NOT_AS_SIGNED = "not_as_signed"
UNANSWERED = "unanswered"


@dataclass(frozen=True, slots=True)
class Selection:
    """Which cases: of one laboratory or of all (None), signed or amended on this day or later, disputed ones too."""

    laboratory: Laboratory | None = None
    since: date | None = None
    include_disputed: bool = False


@dataclass(frozen=True, slots=True)
class ReviewedImage:
    """A photograph of a signed case and the class that people gave it.

    ``model_seen``: the reader had seen the model's answer. ``follows_case``: the class is the signed
    conclusion's, because the photograph had been called what the case was called before that was changed.
    """

    image: SmearImage
    label: str
    model_seen: bool
    follows_case: bool


@dataclass(frozen=True, slots=True)
class ReviewedCase:
    """A signed case with the photographs to learn from."""

    key: str
    laboratory: str
    version: int
    disputed: bool
    images: list[ReviewedImage]


@dataclass(slots=True)
class LeftOut:
    """How many cases and photographs were left out, by why."""

    cases: Counter[str] = field(default_factory=Counter)
    photographs: Counter[str] = field(default_factory=Counter)


def case_key(case: UUID) -> str:
    """The name of a case outside the portal, 32 hexadecimal digits: always the same, and nobody can turn it back."""
    return hashlib.sha256(f"hemalens.case:{case}".encode()).hexdigest()[:32]


def reviewed_cases(selection: Selection, left_out: LeftOut) -> Iterator[ReviewedCase]:
    """The signed cases by time of signature, in constant memory; what does not go in is counted in ``left_out``."""
    for diagnosis in _newest_versions(selection).iterator(chunk_size=CHUNK):
        disputed = is_disputed(diagnosis)
        if reason := _why_not(diagnosis, disputed and not selection.include_disputed):
            left_out.cases[reason] += 1
            continue
        images = list(_images(diagnosis, left_out))
        if images:
            key, laboratory = case_key(diagnosis.case_id), diagnosis.case.laboratory.slug
            yield ReviewedCase(key, laboratory, diagnosis.version, disputed, images)


def is_disputed(diagnosis: Diagnosis) -> bool:
    """Whether the readers differed, so that an adjudicator decided, or a signed report was amended."""
    reads = diagnosis.content.get("reads", ())
    return diagnosis.version > 1 or any(read["kind"] == ReadKind.ADJUDICATION for read in reads)


def image_labels(content: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str, bool]]:
    """Each photograph of a signed content with its label, and whether that is the case's conclusion.

    Photographs are answered before the model's answer is shown, and an amendment answers none. One that was called
    what the case was called follows the case where that was changed later; one that was called otherwise keeps its
    answer, and so does one called none of the model's classes.
    """
    reads, concluded = content["reads"], content["conclusion"]["label"]
    given = reads[-1]["label"] if reads else ""
    for image in content["images"]:
        follows = image["label"] in CLASSES and image["label"] == given != concluded
        yield image, concluded if follows else image["label"], follows


def _newest_versions(selection: Selection) -> QuerySet[Diagnosis]:
    newest = Diagnosis.objects.filter(case=OuterRef("case")).order_by("-version").values("pk")[:1]
    found = Diagnosis.objects.filter(pk=Subquery(newest), case__state__in=SIGNED)
    if selection.laboratory is not None:
        found = found.filter(case__laboratory=selection.laboratory)
    if selection.since is not None:
        start = timezone.make_aware(datetime.combine(selection.since, time.min))
        found = found.filter(signed_at__gte=start)
    return (
        found.select_related("case__laboratory")
        .prefetch_related("case__images")
        .order_by("signed_at", "case_id")
    )


def _why_not(diagnosis: Diagnosis, unwanted: bool) -> str:
    if not diagnosis.content:
        return NO_CONTENT
    if content_sha256(diagnosis.content) != diagnosis.sha256:
        return NOT_AS_SIGNED
    return DISPUTED if unwanted else ""


def _images(diagnosis: Diagnosis, left_out: LeftOut) -> Iterator[ReviewedImage]:
    content = diagnosis.content
    stored = {str(image.pk): image for image in diagnosis.case.images.all()}
    model_answered = content["model"]["answer"] is not None
    seen_first = bool(content["reads"]) and content["reads"][-1]["model_seen"]
    for signed, label, follows in image_labels(content):
        image = stored.get(signed["id"])
        if image is None or image.pixel_sha256 != signed["pixel_sha256"]:
            left_out.photographs[NOT_AS_SIGNED] += 1
        elif label not in CLASSES:
            left_out.photographs[label or UNANSWERED] += 1
        else:
            # Anything changed after the first answer was changed with the model's in view.
            yield ReviewedImage(image, label, seen_first or (follows and model_answered), follows)
