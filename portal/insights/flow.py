"""How long cases take, and how many there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _

from portal.cases.choices import PRIORITY_ORDER, CaseState, Priority
from portal.insights.agreement import Linked, ShareRow
from portal.insights.conditions import NO, YES
from portal.insights.figures import percentiles, wilson
from portal.insights.scope import Scope
from portal.insights.selectors import SignedCase
from portal.insights.steps import STEPS, durations, in_words
from portal.reading.choices import ReadLabel

#: The 95th percentile of fewer is simply the slowest case.
LEAST_FOR_PERCENTILES = 20
PERCENTILES = (50, 90, 95)


@dataclass(frozen=True, slots=True)
class Mark:
    """One percentile: its seconds, in words, and the cases that took as long or longer (None with too few cases)."""

    at: int
    seconds: float
    words: str
    href: str


@dataclass(frozen=True, slots=True)
class StepRow:
    title: str
    cases: Linked
    marks: list[Mark]


@dataclass(frozen=True, slots=True)
class StepGroup:
    """The steps of the cases of one priority, or of all."""

    title: str
    rows: list[StepRow]


def turnaround(cases: Sequence[SignedCase], scope: Scope) -> list[StepGroup]:
    """Percentiles of every step, of all cases first, then by priority, the most pressing first."""
    took = [(case.priority, durations(case)) for case in cases]
    groups = [StepGroup(_("All cases"), _steps([one for _priority, one in took], scope, ""))]
    for priority in PRIORITY_ORDER:
        of_priority = [one for given, one in took if given == priority]
        if of_priority:
            groups.append(StepGroup(str(Priority(priority).label), _steps(of_priority, scope, priority)))
    return groups


def _steps(took: Sequence[dict[str, float]], scope: Scope, priority: str) -> list[StepRow]:
    rows = []
    for step, title in STEPS.items():
        seconds = [one[step] for one in took if step in one]
        if not seconds:
            continue
        # With too few cases the median alone says something.
        shown = PERCENTILES if len(seconds) >= LEAST_FOR_PERCENTILES else PERCENTILES[:1]
        marks = [
            Mark(at, value, in_words(value), scope.cases(step=step, least=repr(value), priority=priority))
            for at, value in zip(shown, percentiles(seconds, shown), strict=True)
        ]
        linked = Linked(len(seconds), scope.cases(step=step, priority=priority))
        rows.append(StepRow(str(title), linked, marks))
    return rows


@dataclass(frozen=True, slots=True)
class Week:
    """The counts of one week: submitted, signed, and signed by diagnosis (in the order of the answers)."""

    monday: date
    submitted: Linked
    signed: Linked
    by_diagnosis: list[Linked]


@dataclass(frozen=True, slots=True)
class Volumes:
    weeks: list[Week]
    diagnoses: list[tuple[str, str, Linked]]
    states: list[tuple[str, Linked]]
    submitted: Linked
    signed: Linked
    referred: ShareRow
    unclassified: ShareRow


def volumes(cases: Sequence[SignedCase], submitted: Counter[tuple[date, str]], scope: Scope) -> Volumes:
    """Counts by week, state and diagnosis. ``submitted`` counts by (Monday, state); the version does not narrow it."""
    answered = [case for case in cases if case.model_label]
    referred = sum(case.refer for case in answered)
    by_state: Counter[str] = Counter()
    for (_week, state), count in submitted.items():
        by_state[state] += count
    by_diagnosis = Counter(case.diagnosis for case in cases)
    return Volumes(
        weeks=_weeks(cases, submitted, scope),
        diagnoses=[
            (label.value, str(label.label), Linked(by_diagnosis[label], scope.cases(diagnosis=label.value)))
            for label in ReadLabel
        ],
        states=[
            (str(state.label), Linked(by_state[state], scope.cases(submitted=YES, state=state.value)))
            for state in CaseState
            if by_state[state]
        ],
        submitted=Linked(submitted.total(), scope.cases(submitted=YES)),
        signed=Linked(len(cases), scope.cases()),
        referred=ShareRow(
            _("Referred by the model"),
            _("of signed cases with an answer from the model"),
            Linked(referred, scope.cases(refer=YES)),
            Linked(len(answered), scope.cases(preclassified=YES)),
            wilson(referred, len(answered)),
        ),
        unclassified=ShareRow(
            _("Without pre-classification"),
            _("of signed cases"),
            Linked(len(cases) - len(answered), scope.cases(preclassified=NO)),
            Linked(len(cases), scope.cases()),
            wilson(len(cases) - len(answered), len(cases)),
        ),
    )


def _weeks(cases: Sequence[SignedCase], submitted: Counter[tuple[date, str]], scope: Scope) -> list[Week]:
    signed = Counter((case.week, case.diagnosis) for case in cases)
    came: Counter[date] = Counter()
    for (week, _state), count in submitted.items():
        came[week] += count
    weeks = []
    for week in scope.weeks():
        day = week.isoformat()
        by_diagnosis = [
            Linked(signed[week, label], scope.cases(week=day, diagnosis=label)) for label in ReadLabel.values
        ]
        all_signed = Linked(sum(one.count for one in by_diagnosis), scope.cases(week=day))
        weeks.append(
            Week(week, Linked(came[week], scope.cases(submitted=YES, week=day)), all_signed, by_diagnosis)
        )
    return weeks
