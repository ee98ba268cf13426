"""Many cases with readers' and model's answers, written in bulk with times of their own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

import numpy as np
from django.apps import apps
from django.db import models
from django.utils import timezone

from portal.accounts.models import Laboratory, User
from portal.cases.choices import CaseState
from portal.cases.models import Case, SmearImage
from portal.inference.models import Job, ModelVersion, Prediction
from portal.reading.models import Conclusion, Read
from portal.reports.models import Diagnosis
from smear.classes import CLASSES
from tests.documents import Document
from tests.portal.kinds import present

M = TypeVar("M", bound=models.Model)

SIX = [*CLASSES, "none_of_these", "unsuitable_image"]


@contextlib.contextmanager
def own_times(*kinds: type[models.Model]) -> Iterator[None]:
    """Let rows be written with the times they state."""
    fields = [
        one
        for kind in kinds
        for one in kind._meta.fields
        if isinstance(one, models.DateField | models.TimeField) and one.auto_now_add
    ]
    for one in fields:
        one.auto_now_add = False
    try:
        yield
    finally:
        for one in fields:
            one.auto_now_add = True


class Filler:
    """Draws cases; ``write`` stores what was drawn."""

    def __init__(
        self,
        laboratory: Laboratory,
        submitter: User,
        readers: Sequence[User],
        version: ModelVersion | None,
        *,
        seed: int = 0,
    ) -> None:
        self.laboratory, self.submitter, self.readers, self.version = laboratory, submitter, readers, version
        self.rng = np.random.default_rng(seed)
        self.rows: dict[type[models.Model], list[models.Model]] = {}
        self.number = 0

    def add(self, row: M) -> M:
        self.rows.setdefault(type(row), []).append(row)
        return row

    def case(
        self, submitted: datetime, state: str = CaseState.AWAITING_READ, priority: str = "routine"
    ) -> Case:
        self.number += 1
        return self.add(
            Case(
                laboratory=self.laboratory,
                accession=f"F-{self.laboratory.pk}-{self.number:06d}",
                patient_pseudonym=f"P-{self.number}",
                specimen="bone_marrow",
                priority=priority,
                state=state,
                created_by=self.submitter,
                created_at=submitted,
                submitted_at=submitted,
                state_changed_at=submitted,
            )
        )

    def photographs(
        self, case: Case, label: str, count: int, *, outlier: float = 1.05, focus: float = 4.4
    ) -> None:
        """Photographs that the model, where there is one, calls ``label``."""
        for position in range(1, count + 1):
            measures = {
                "focus": float(self.rng.normal(focus, 0.7)),
                "background": float(self.rng.normal(250, 2)),
                "stained": float(self.rng.uniform(0.2, 0.6)),
                "nucleated_cells": int(self.rng.poisson(9)),
            }
            reasons = ["out_of_focus"] if measures["focus"] < 2.4 else []
            image = self.add(
                SmearImage(
                    case=case,
                    position=position,
                    file="none",
                    thumbnail="none",
                    extension="png",
                    content_type="image/png",
                    width=320,
                    height=240,
                    size=1,
                    pixel_sha256=f"{case.accession}-{position}",
                    quality={"measures": measures, "reasons": reasons},
                    uploaded_by=self.submitter,
                    created_at=present(case.submitted_at),
                )
            )
            if self.version is None:
                continue
            rest = float(self.rng.uniform(0.002, 0.1))
            score = float(self.rng.normal(outlier, 0.12))
            job = self.add(
                Job(
                    image=image,
                    case=case,
                    model_version=self.version,
                    state="done",
                    queued_at=present(case.submitted_at),
                )
            )
            self.add(
                Prediction(
                    job=job,
                    image=image,
                    model_version=self.version,
                    label=label,
                    probabilities=[1 - 3 * rest if one == label else rest for one in CLASSES],
                    activation_map=b"",
                    embedding=b"",
                    outlier_score=score,
                    refer=score > self.version.outlier_threshold,
                    seconds=0.2,
                    created_at=present(case.submitted_at),
                )
            )

    def signed(
        self,
        at: datetime,
        own: str,
        model: str = "",
        concluded: str = "",
        *,
        reader: User | None = None,
        second: tuple[User, str] | None = None,
        priority: str = "routine",
        refer: bool = False,
        images: int = 2,
        outlier: float = 1.05,
        focus: float = 4.4,
    ) -> Case:
        """A case signed at a time: read blind, concluded, perhaps read by a second one. ``model`` empty: no answer."""
        wait = timedelta(minutes=float(self.rng.exponential(240) + 20))
        submitted = at - wait - timedelta(minutes=30)
        case = self.case(submitted, CaseState.REPORTED, priority)
        ready, read_at = submitted + timedelta(minutes=2), submitted + wait
        if model:
            self.photographs(case, model, images, outlier=outlier, focus=focus)
        first = self._read(case, reader or self.readers[0], "first", (own, model, concluded or own), read_at)
        if second is not None:
            who, said = second
            self._read(case, who, "second", (said, model, said), read_at + timedelta(minutes=12))
        self.add(_event(case, ready))
        self.add(
            Diagnosis(
                case=case,
                read=first,
                label=concluded or own,
                confidence="high",
                signed_by=first.reader,
                signed_at=at,
                model_record=self._record(model, refer),
            )
        )
        return case

    def _read(self, case: Case, who: User, kind: str, said: tuple[str, str, str], at: datetime) -> Read:
        own, model, concluded = said
        read = self.add(
            Read(
                case=case,
                reader=who,
                kind=kind,
                label=own,
                confidence="high",
                model_label=model,
                model_seen=False,
                created_at=at,
            )
        )
        self.add(Conclusion(read=read, label=concluded, confidence="high", created_at=at))
        return read

    def _record(self, model: str, refer: bool) -> Document:
        if not model or self.version is None:
            return {"answer": None, "reason": "", "images": []}
        version = {"name": self.version.name, "version": self.version.version, "sha256": self.version.sha256}
        return {"answer": {"label": model, "refer": refer}, "model": version, "images": []}

    def write(self) -> None:
        """Store everything that was drawn, in the order that keys need."""
        order = (Case, SmearImage, Job, Prediction, Read, Conclusion, _events(), Diagnosis)
        with own_times(*order):
            for kind in order:
                kind._default_manager.bulk_create(self.rows.get(kind, []), batch_size=2000)
        self.rows = {}


def _events() -> type[models.Model]:
    return apps.get_model("cases", "CaseEvent")


def _event(case: Case, at: datetime) -> models.Model:
    names = {one.attname for one in _events()._meta.fields if not one.attname.startswith("pgh_")}
    values = {name: getattr(case, name) for name in names} | {"state": CaseState.AWAITING_READ}
    return _events()(pgh_created_at=at, pgh_label="update", pgh_obj_id=case.pk, **values)


def a_quarter(filler: Filler, count: int, *, days: int = 88, unsigned: int = 0) -> None:
    """Draw ``count`` signed cases over the last days, mostly agreeing; the last fortnight is out of focus."""
    rng, now = filler.rng, timezone.now()
    weights = [0.2, 0.3, 0.3, 0.2]
    for place in range(count):
        age = days * (1 - place / count)
        truth = str(rng.choice(CLASSES, p=weights))
        model = truth if rng.random() < 0.88 else str(rng.choice(CLASSES))
        own = truth if rng.random() < 0.86 else str(rng.choice(SIX))
        concluded = own
        if own != model and rng.random() < 0.4:
            concluded = model
        reader = filler.readers[place % len(filler.readers)]
        other = filler.readers[(place + 1) % len(filler.readers)]
        twice = (
            (other, truth if rng.random() < 0.85 else str(rng.choice(CLASSES))) if place % 3 == 0 else None
        )
        late = age < 14
        filler.signed(
            now - timedelta(days=float(age)),
            own,
            model if rng.random() < 0.95 else "",
            concluded,
            reader=reader,
            second=twice,
            priority=str(rng.choice(["routine", "routine", "urgent", "stat"])),
            refer=bool(rng.random() < 0.08),
            images=2,
            focus=3.2 if late else 4.4,
            outlier=1.3 if late else 1.05,
        )
    for place in range(unsigned):
        submitted = now - timedelta(days=float(days * (1 - place / max(unsigned, 1))))
        case = filler.case(submitted)
        filler.photographs(case, str(rng.choice(CLASSES)), 1)
    filler.write()
