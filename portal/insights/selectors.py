"""The signed cases of a laboratory's period, with all that the insights count, in a constant number of queries.

Anything that reveals an answer is read from signed cases only (``SIGNED``), so that nobody learns here what the model
or a colleague says about a case that is still being read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db.models import Count, Exists, F, FloatField, Min, OuterRef, Q, QuerySet, Sum
from django.db.models.fields.json import KeyTextTransform, KeyTransform
from django.db.models.functions import Cast, Greatest, TruncWeek

from portal.accounts.models import User
from portal.cases.choices import SIGNED, CaseState, Priority
from portal.cases.models import Case, SmearImage
from portal.inference.models import ModelVersion, Prediction
from portal.insights.scope import Scope, local_day, monday
from portal.reading.choices import ReadKind
from portal.reading.models import Read
from portal.reports.models import Diagnosis
from smear.classes import CLASSES

#: The measures of smear.quality whose distribution is followed.
QUALITY_MEASURES = ("focus", "background", "stained", "nucleated_cells")


@dataclass(frozen=True, slots=True)
class ReadRow:
    """One reader's answer: ``own`` before, ``concluded`` after the model's was shown, at ``at``."""

    kind: str
    reader: int
    own: str
    model_label: str
    model_seen: bool
    concluded: str
    at: datetime

    @property
    def is_blind(self) -> bool:
        """Whether the model had an answer, and the reader answered without it."""
        return bool(self.model_label) and not self.model_seen


@dataclass(slots=True)
class Photographs:
    """What the model and the quality measures say of a case's photographs, summed."""

    answered: int = 0
    confidence: float = 0.0
    outlier: float = 0.0
    above: int = 0
    referred: int = 0
    measured: int = 0
    flagged: int = 0
    quality: dict[str, float] = field(default_factory=dict)

    def mean(self, measure: str) -> float | None:
        """The mean of a measure over the case's photographs; None where there is none."""
        if measure in ("confidence", "outlier"):
            return getattr(self, measure) / self.answered if self.answered else None
        return self.quality.get(measure, 0.0) / self.measured if self.measured else None


@dataclass(slots=True)
class SignedCase:
    """One signed case. ``diagnosis`` is that of the last version, ``signed_at`` the time of the first."""

    pk: UUID
    accession: str
    priority: str
    state: str
    submitted_at: datetime
    signed_at: datetime
    #: the Monday of the signature's week
    week: date
    diagnosis: str = ""
    model_label: str = ""
    refer: bool = False
    version: str = ""
    ready_at: datetime | None = None
    reads: list[ReadRow] = field(default_factory=list)
    photographs: Photographs = field(default_factory=Photographs)

    @property
    def priority_title(self) -> str:
        return str(Priority(self.priority).label)

    def read(self, kind: ReadKind) -> ReadRow | None:
        """The read of a kind; None where there was none."""
        return next((read for read in self.reads if read.kind == kind), None)

    @property
    def blind_reads(self) -> list[ReadRow]:
        return [read for read in self.reads if read.is_blind]

    @property
    def own(self) -> str:
        """The first reader's own answer, where the model had one that the reader had not seen; else empty."""
        first = self.read(ReadKind.FIRST)
        return first.own if first and first.is_blind and self.model_label else ""


def signed_cases(scope: Scope) -> list[SignedCase]:
    """The cases first signed in the period, the oldest first. Five queries, however many cases."""
    within = _signed_within(scope)
    cases = _diagnoses(within)
    for case_id, row in _reads(within):
        cases[case_id].reads.append(row)
    for case_id, moment in _ready_times(within):
        cases[case_id].ready_at = moment
    _add_predictions(cases, within)
    _add_quality(cases, within)
    chosen: Iterable[SignedCase] = cases.values()
    if scope.version:
        chosen = (case for case in chosen if case.version == scope.version)
    return sorted(chosen, key=lambda case: (case.signed_at, case.accession))


def _signed_within(scope: Scope) -> QuerySet[Any, Any]:
    start, end = scope.moments
    first = Diagnosis.objects.filter(
        version=1, case__laboratory=scope.laboratory, case__state__in=SIGNED, signed_at__range=(start, end)
    )
    return first.exclude(signed_at=end).order_by().values("case")


def _diagnoses(within: QuerySet[Any, Any]) -> dict[UUID, SignedCase]:
    rows = (
        Diagnosis.objects.filter(case__in=within)
        .order_by("version")
        .values_list(
            *(
                "case_id",
                "case__accession",
                "case__priority",
                "case__state",
                "case__submitted_at",
                "signed_at",
            ),
            *("label", "model_record__answer__label", "model_record__answer__refer"),
            *("model_record__model__name", "model_record__model__version"),
        )
    )
    cases: dict[UUID, SignedCase] = {}
    for pk, accession, priority, state, submitted, signed, label, model, refer, name, number in rows:
        case = cases.get(pk)
        if case is None:
            week = monday(local_day(signed))
            case = cases[pk] = SignedCase(pk, accession, priority, state, submitted, signed, week)
        # A later version takes the place of what the earlier one said.
        case.diagnosis = label
        case.model_label, case.refer = model or "", bool(refer)
        case.version = f"{name}:{number}" if name else ""
    return cases


def _reads(within: QuerySet[Any, Any]) -> Iterable[tuple[UUID, ReadRow]]:
    rows = Read.objects.filter(case__in=within, round=F("case__round"), conclusion__isnull=False).values_list(
        *("case_id", "kind", "reader_id", "label", "model_label", "model_seen"),
        *("conclusion__label", "conclusion__created_at"),
    )
    return ((case_id, ReadRow(*row)) for case_id, *row in rows)


def _ready_times(within: QuerySet[Any, Any]) -> Iterable[tuple[UUID, datetime]]:
    """When each case's last submission could first be read."""
    # The event models are made by pghistory's decorator, so this one is found by name.
    events = apps.get_model("cases", "CaseEvent")._default_manager.filter(
        pgh_obj__in=within, state=CaseState.AWAITING_READ, round=F("pgh_obj__round")
    )
    found: Iterable[tuple[UUID, datetime]] = (
        events.order_by().values_list("pgh_obj").annotate(first=Min("pgh_created_at"))
    )
    return found


def _add_predictions(cases: dict[UUID, SignedCase], within: QuerySet[Any, Any]) -> None:
    newer = Prediction.objects.filter(image=OuterRef("image"), pk__gt=OuterRef("pk"))
    leading = Greatest(*(F(f"probabilities__{place}") for place in range(len(CLASSES))))
    rows = (
        Prediction.objects.filter(~Exists(newer), image__case__in=within)
        .order_by()
        .values_list("image__case_id")
        .annotate(
            answered=Count("pk"),
            confidence=Sum(leading, output_field=FloatField()),
            outliers=Sum("outlier_score"),
            above=Count("pk", filter=Q(outlier_score__gt=F("model_version__outlier_threshold"))),
            referred=Count("pk", filter=Q(refer=True)),
        )
    )
    for case_id, *sums in rows:
        found = cases[case_id].photographs
        found.answered, found.confidence, found.outlier, found.above, found.referred = sums


def _add_quality(cases: dict[UUID, SignedCase], within: QuerySet[Any, Any]) -> None:
    measures = KeyTransform("measures", "quality")
    rows = (
        SmearImage.objects.filter(case__in=within, quality__measures__isnull=False)
        .order_by()
        .values_list("case_id")
        .annotate(
            measured=Count("pk"),
            flagged=Count("pk", filter=~Q(quality__reasons=[])),
            **{name: Sum(Cast(KeyTextTransform(name, measures), FloatField())) for name in QUALITY_MEASURES},
        )
    )
    for case_id, measured, flagged, *sums in rows:
        found = cases[case_id].photographs
        found.measured, found.flagged = measured, flagged
        found.quality = {name: total or 0.0 for name, total in zip(QUALITY_MEASURES, sums, strict=True)}


def submitted_cases(scope: Scope) -> QuerySet[Case]:
    """The cases last submitted in the period, signed or not. Nothing about them reveals an answer."""
    start, end = scope.moments
    return Case.objects.filter(
        laboratory=scope.laboratory, submitted_at__gte=start, submitted_at__lt=end
    ).exclude(state__in=[CaseState.DRAFT, CaseState.CANCELLED])


def submitted_counts(scope: Scope) -> Counter[tuple[date, str]]:
    """How many of the submitted cases there are, by week (its Monday) and present state."""
    rows = submitted_cases(scope).order_by().values_list(TruncWeek("submitted_at"), "state")
    return Counter({(local_day(week), state): n for week, state, n in rows.annotate(n=Count("pk"))})


def model_versions() -> list[ModelVersion]:
    """Every version that was registered, without the weight of the gate."""
    return list(ModelVersion.objects.defer("gate"))


def names(readers: Iterable[int]) -> dict[int, str]:
    """Readers' names by id."""
    return {user.pk: str(user) for user in User.objects.filter(pk__in=set(readers))}
