"""Fills a database with cases in every state, in bulk: rows as the services would have left them, without the work."""

from __future__ import annotations

import io
import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db.models import F
from django.utils import timezone
from PIL import Image

from portal.accounts.models import Laboratory, User
from portal.cases.choices import SIGNED, CaseState, Priority, Specimen, Stain
from portal.cases.models import Case, SmearImage
from portal.reading.choices import ReadKind, ReadLabel
from portal.reading.models import Claim, Conclusion, Read
from portal.reports.models import Diagnosis

S = CaseState
#: How a laboratory's cases are spread over the states after a few months.
SPREAD: dict[CaseState, int] = {
    S.IN_READING: 3,
    S.AWAITING_READ: 9,
    S.AWAITING_SECOND_READ: 2,
    S.ADJUDICATION: 2,
    S.READY_TO_SIGN: 2,
    S.REPORTED: 70,
    S.AMENDED: 4,
    S.RETURNED: 2,
    S.ANALYSING: 1,
    S.DRAFT: 2,
    S.CANCELLED: 3,
}
READ_ONCE = SIGNED | {S.READY_TO_SIGN, S.AWAITING_SECOND_READ, S.ADJUDICATION}
NOTES = (
    "Fatigue and pallor for three weeks, blasts on the automated count.",
    "Fever, petechiae on both legs, spleen palpable.",
    "Follow-up at day 15 of induction.",
    "Recovering after infection, lymphocytosis.",
    "Pancytopenia; no hepatosplenomegaly.",
    "",
)
COMMENTS = (
    "High nuclear to cytoplasmic ratio, fine chromatin.",
    "Mature lymphocytes and haematogones only.",
    "",
)
IMAGES_PER_CASE = 2


def fill(
    laboratory: Laboratory, submitters: Sequence[User], reviewers: Sequence[User], count: int
) -> list[Case]:
    """Add ``count`` cases with photographs, reads, claims and signed reports; always the same for the same count."""
    rng = random.Random(count)
    now = timezone.now()
    # Every state once before chance has its say, so that few cases ask what many do.
    states = [*SPREAD, *rng.choices(list(SPREAD), weights=list(SPREAD.values()), k=count)][:count]
    first = Case.objects.filter(laboratory=laboratory).count() + 1
    cases = Case.objects.bulk_create(
        [
            _case(rng, now, state, laboratory, rng.choice(submitters), first + number)
            for number, state in enumerate(states)
        ],
        batch_size=1000,
    )
    Case.objects.filter(pk__in=[case.pk for case in cases], submitted_at__isnull=False).update(
        created_at=F("submitted_at"), state_changed_at=F("submitted_at")
    )
    _photographs(cases)
    _claims(rng, now, [case for case in cases if case.state == S.IN_READING], reviewers)
    reads = Read.objects.bulk_create(
        [
            _read(rng, case, rng.choice(reviewers), COMMENTS[number % len(COMMENTS)])
            for number, case in enumerate(case for case in cases if case.state in READ_ONCE)
        ],
        batch_size=1000,
    )
    Conclusion.objects.bulk_create(
        [Conclusion(read=read, label=read.label, confidence=read.confidence) for read in reads],
        batch_size=1000,
    )
    Diagnosis.objects.bulk_create(
        [_diagnosis(read) for read in reads if read.case.state in SIGNED], batch_size=1000
    )
    return cases


def _case(
    rng: random.Random, now: datetime, state: CaseState, laboratory: Laboratory, by: User, number: int
) -> Case:
    is_open = state not in (*SIGNED, S.CANCELLED)
    age = timedelta(minutes=rng.uniform(3, 60 * 40) if is_open else rng.uniform(60 * 40, 60 * 24 * 120))
    return Case(
        laboratory=laboratory,
        accession=f"{laboratory.accession_prefix}-{now.year}-{number:06d}",
        patient_pseudonym=f"P-{rng.randrange(10**6):06d}",
        specimen=rng.choice(Specimen.values),
        stain=rng.choice(Stain.values),
        clinical_note=rng.choice(NOTES),
        priority=rng.choices(Priority.values, weights=(85, 12, 3))[0],
        state=state,
        created_by=by,
        submitted_at=None if state == S.DRAFT else now - age,
    )


def _photographs(cases: Sequence[Case]) -> None:
    name = "benchmark/field.jpg"
    if not default_storage.exists(name):
        buffer = io.BytesIO()
        Image.effect_noise((320, 240), 30).convert("RGB").save(buffer, "JPEG")
        default_storage.save(name, ContentFile(buffer.getvalue()))
    fields: dict[str, Any] = {
        "file": name,
        "thumbnail": name,
        "extension": "jpg",
        "content_type": "image/jpeg",
    }
    SmearImage.objects.bulk_create(
        [
            SmearImage(
                case=case,
                position=position,
                width=320,
                height=240,
                size=20_000,
                pixel_sha256=f"{position:064x}",
                uploaded_by_id=case.created_by_id,
                **fields,
            )
            for case in cases
            for position in range(1, IMAGES_PER_CASE + 1)
        ],
        batch_size=2000,
    )


def _claims(rng: random.Random, now: datetime, cases: Sequence[Case], reviewers: Sequence[User]) -> None:
    Claim.objects.bulk_create(
        [
            Claim(
                case=case,
                reader=rng.choice(reviewers),
                expires_at=now + timedelta(minutes=rng.uniform(2, 30)),
            )
            for case in cases
        ]
    )


def _read(rng: random.Random, case: Case, reader: User, comment: str) -> Read:
    return Read(
        case=case,
        reader=reader,
        kind=ReadKind.FIRST,
        label=rng.choice(ReadLabel.values[:4]),
        confidence="high",
        comment=comment,
        seconds=rng.uniform(10, 200),
        model_seen=False,
    )


def _diagnosis(read: Read) -> Diagnosis:
    return Diagnosis(
        case=read.case,
        read=read,
        label=read.label,
        confidence=read.confidence,
        comment=read.comment,
        signed_by=read.reader,
        model_record={},
    )
