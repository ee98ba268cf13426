"""Whether cases still look like what the model was trained on, and like those of the first weeks.

What the version's card states is the reference of the whole period. Of distributions a card states a median at most, so
week by week each measure is compared with the first weeks of the period, and that is said.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.inference.models import ModelVersion
from portal.insights.agreement import LEAST_CASES, Linked
from portal.insights.figures import (
    Estimate,
    clustered_mean,
    clustered_share,
    ks_by_chance,
    ks_distance,
    population_stability,
    stability_by_chance,
)
from portal.insights.scope import Scope
from portal.insights.selectors import SignedCase
from portal.numbers import decimal, percent, percents
from smear.classes import CLASSES

#: Below this index a change of mix is small whatever the number of cases (Siddiqi 2006).
SMALL_SHIFT = 0.1
#: Differences of shares and of mean confidence up to this are of no consequence.
SMALL_DIFFERENCE = 0.02
#: The photographs of the training that smear.quality flags for any one measure, at most (docs/quality.md).
FLAGGED_IN_TRAINING = 0.01
#: How many of the period's first weeks with enough cases are the baseline.
BASELINE_WEEKS = 4
#: A week with fewer cases is not compared.
LEAST_IN_WEEK = 8

USUAL, LOOK, FEW, UNKNOWN = "usual", "look", "few", "unknown"
WORDS: dict[str, str | Promise] = {
    USUAL: gettext_lazy("within the usual range"),
    LOOK: gettext_lazy("look"),
    FEW: gettext_lazy("too few cases"),
    UNKNOWN: gettext_lazy("nothing to compare with"),
}
#: Measures followed week by week, one value a case: the mean over its photographs; with decimal places.
MEASURES: dict[str, tuple[str | Promise, int]] = {
    "confidence": (gettext_lazy("Probability of the leading class"), 3),
    "outlier": (gettext_lazy("Outlier score"), 2),
    "focus": (gettext_lazy("Focus"), 2),
    "background": (gettext_lazy("Background, of 255"), 0),
    "stained": (gettext_lazy("Stained share of the field"), 3),
    "nucleated_cells": (gettext_lazy("Nucleated cells in the field"), 1),
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """``usual``, ``look``, ``few`` or ``unknown``, and how that reads."""

    code: str

    @property
    def words(self) -> str:
        return str(WORDS[self.code])

    @property
    def is_look(self) -> bool:
        return self.code == LOOK


@dataclass(frozen=True, slots=True)
class ReferenceRow:
    """One measure of the period against what the training set had."""

    title: str
    now: str
    interval: str
    reference: str
    source: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class MixRow:
    label: str
    title: str
    linked: Linked
    share: float
    reference: float | None


@dataclass(frozen=True, slots=True)
class WeekPoint:
    """One week of one measure; ``distance`` from the baseline and its ``bar`` are None where it is not compared."""

    monday: date
    linked: Linked
    median: float | None
    distance: float | None
    bar: float | None
    verdict: Verdict
    is_baseline: bool


@dataclass(frozen=True, slots=True)
class Course:
    """A measure over the weeks; ``baseline`` is (10th percentile, median, 90th percentile) of the first weeks."""

    key: str
    title: str
    places: int
    points: list[WeekPoint]
    baseline: tuple[float, float, float] | None

    @property
    def looks(self) -> int:
        return sum(point.verdict.is_look for point in self.points)


@dataclass(frozen=True, slots=True)
class Drift:
    """``version`` is the one that the figures are about: that of most cases where several answered."""

    version: ModelVersion | None
    cases: Linked
    enough: bool
    mix: list[MixRow]
    stability: float | None
    stability_bar: float | None
    stability_verdict: Verdict
    against_training: list[ReferenceRow]
    courses: list[Course]
    baseline: tuple[date, date] | None


def drift(cases: Sequence[SignedCase], scope: Scope, versions: Sequence[ModelVersion]) -> Drift:
    """Compare the period's signed cases with the training set of the version that answered most of them."""
    by_version = Counter(case.version for case in cases if case.version)
    key = by_version.most_common(1)[0][0] if by_version else ""
    version = next((one for one in versions if f"{one.name}:{one.version}" == key), None)
    card = version.card if version else {}
    of_version = [case for case in cases if case.version == key and key]
    scope = Scope(scope.laboratory, scope.start, scope.end, key or scope.version)
    mix, stability, bar = _mix(of_version, scope, card)
    baseline_weeks = _baseline_weeks(of_version, scope)
    enough = len(of_version) >= LEAST_CASES
    return Drift(
        version=version,
        cases=Linked(len(of_version), scope.cases(preclassified="yes")),
        enough=enough,
        mix=mix,
        stability=stability,
        stability_bar=bar,
        stability_verdict=_stability_verdict(stability, bar, enough),
        against_training=_against_training(of_version, card, enough),
        courses=[_course(name, of_version, scope, baseline_weeks) for name in MEASURES],
        baseline=(baseline_weeks[0], baseline_weeks[-1]) if baseline_weeks else None,
    )


# --- Against the training set ------------------------------------------------------------------------------


def _mix(
    cases: Sequence[SignedCase], scope: Scope, card: dict[str, Any]
) -> tuple[list[MixRow], float | None, float | None]:
    now = Counter(case.model_label for case in cases)
    stated = _stated_mix(card)
    rows = []
    for label in CLASSES:
        reference = stated[label] / sum(stated.values()) if stated else None
        share = now[label] / len(cases) if cases else 0.0
        rows.append(MixRow(label, label, Linked(now[label], scope.cases(model=label)), share, reference))
    if not stated or not cases:
        return rows, None, None
    index = population_stability([stated[c] for c in CLASSES], [now[c] for c in CLASSES])
    by_chance = stability_by_chance(len(CLASSES), sum(stated.values()), len(cases))
    return rows, index, max(SMALL_SHIFT, by_chance)


def _stated_mix(card: dict[str, Any]) -> dict[str, int]:
    """What the model answered on the card's test part: the columns of its confusion matrix."""
    confusion = (card.get("figures") or {}).get("confusion") or {}
    if list(confusion.get("labels") or []) != list(CLASSES):
        return {}
    columns = zip(*confusion["matrix"], strict=True)
    found = {label: sum(column) for label, column in zip(CLASSES, columns, strict=True)}
    return found if sum(found.values()) else {}


def _stability_verdict(index: float | None, bar: float | None, enough: bool) -> Verdict:
    if index is None or bar is None or not enough:
        return Verdict(FEW)
    return Verdict(LOOK if index > bar else USUAL)


def _against_training(cases: Sequence[SignedCase], card: dict[str, Any], enough: bool) -> list[ReferenceRow]:
    answered = [case.photographs for case in cases if case.photographs.answered]
    measured = [case.photographs for case in cases if case.photographs.measured]
    sizes = [one.answered for one in answered]
    calibration, figures = card.get("calibration") or {}, card.get("figures") or {}
    cross = _("cross-validation")
    test = _("test part")
    rows = [
        _row(
            _("Mean probability of the leading class"),
            clustered_mean([one.confidence for one in answered], sizes),
            _stated_confidence(calibration),
            cross,
            enough,
        ),
        _row(
            _("Photographs above the outlier threshold"),
            clustered_share([one.above for one in answered], sizes),
            (figures.get("outliers") or {}).get("share_above"),
            test,
            enough,
        ),
        _row(
            _("Photographs whose answer is refer"),
            clustered_share([one.referred for one in answered], sizes),
            (calibration.get("referred") or figures.get("referred") or {}).get("any"),
            cross if calibration.get("referred") else test,
            enough,
        ),
        _row(
            _("Photographs with a quality warning"),
            clustered_share([one.flagged for one in measured], [one.measured for one in measured]),
            FLAGGED_IN_TRAINING,
            _("at most, by the choice of the thresholds"),
            enough,
        ),
    ]
    return [row for row in rows if row is not None]


def _stated_confidence(calibration: dict[str, Any]) -> float | None:
    bins = calibration.get("reliability") or []
    photographs = sum(one["photographs"] for one in bins)
    if not photographs:
        return None
    return float(sum(one["confidence"] * one["photographs"] for one in bins) / photographs)


def _row(
    title: str, now: Estimate | None, reference: float | None, source: str, enough: bool
) -> ReferenceRow | None:
    if now is None or now.low is None or now.high is None:
        return None
    if reference is None:
        stated, verdict, source = "–", Verdict(UNKNOWN), _("not given in the model card")
    else:
        outside = not now.low <= reference <= now.high
        matters = abs(now.value - reference) > SMALL_DIFFERENCE
        verdict = Verdict(FEW if not enough else LOOK if outside and matters else USUAL)
        stated = percent(reference)
    low, high = max(now.low, 0.0), min(now.high, 1.0)
    return ReferenceRow(title, percent(now.value), percents(low, high), stated, source, verdict)


# --- Week by week ------------------------------------------------------------------------------------------


def _baseline_weeks(cases: Sequence[SignedCase], scope: Scope) -> list[date]:
    counts = Counter(case.week for case in cases)
    return [week for week in scope.weeks() if counts[week] >= LEAST_IN_WEEK][:BASELINE_WEEKS]


def _course(name: str, cases: Sequence[SignedCase], scope: Scope, baseline_weeks: Sequence[date]) -> Course:
    title, places = MEASURES[name]
    by_week: dict[date, list[float]] = defaultdict(list)
    in_week = Counter(case.week for case in cases)
    for case in cases:
        value = case.photographs.mean(name)
        if value is not None:
            by_week[case.week].append(value)
    baseline = sorted(value for week in baseline_weeks for value in by_week[week])
    points = [
        _point(
            week,
            by_week[week],
            baseline,
            week in baseline_weeks,
            Linked(in_week[week], scope.cases(week=week)),
        )
        for week in scope.weeks()
    ]
    return Course(name, str(title), places, points, _spread(baseline))


def _point(
    week: date, values: list[float], baseline: list[float], is_baseline: bool, linked: Linked
) -> WeekPoint:
    middle = median(values) if values else None
    if is_baseline or len(values) < LEAST_IN_WEEK or len(baseline) < LEAST_CASES:
        code = USUAL if is_baseline else FEW
        return WeekPoint(week, linked, middle, None, None, Verdict(code), is_baseline)
    distance, bar = ks_distance(baseline, values), ks_by_chance(len(baseline), len(values))
    return WeekPoint(week, linked, middle, distance, bar, Verdict(LOOK if distance > bar else USUAL), False)


def _spread(ordered: Sequence[float]) -> tuple[float, float, float] | None:
    if not ordered:
        return None
    last = len(ordered) - 1
    return ordered[round(0.1 * last)], median(ordered), ordered[round(0.9 * last)]


def rounded(value: float | None, places: int) -> str:
    """A measure with its decimal places; an en dash where there is none."""
    return "–" if value is None else decimal(value, places)
