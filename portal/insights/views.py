"""The insights of a laboratory, and the cases behind each of their numbers."""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models.functions import TruncWeek
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from portal.accounts.models import User
from portal.accounts.requests import SignedInRequest
from portal.cases.models import Case
from portal.insights import charts, selectors
from portal.insights.agreement import LEAST_CASES, agreement, reader_pairs, reveal
from portal.insights.conditions import BadCondition, Conditions
from portal.insights.drift import BASELINE_WEEKS, LEAST_IN_WEEK, drift
from portal.insights.flow import LEAST_FOR_PERCENTILES, turnaround, volumes
from portal.insights.scope import PRESETS, Scope, local_day, scope_from, sees_everyone
from portal.insights.selectors import SignedCase
from portal.reading.choices import ReadLabel
from portal.reading.exposure import record_cases
from portal.web.pages import page

CASES_PER_PAGE = 50


@require_GET
@page
def insights(request: SignedInRequest) -> HttpResponse:
    """Agreement, changes after the reveal, turnaround, volumes and drift of a laboratory's period."""
    versions = selectors.model_versions()
    scope, form = scope_from(request.GET, request.user, versions)
    if scope is None:
        raise PermissionDenied
    cases = selectors.signed_cases(scope)
    context: dict[str, Any] = {
        "scope": scope,
        "form": form,
        "presets": _presets(scope),
        "signed_count": len(cases),
        "least": LEAST_CASES,
        "volumes": volumes(cases, selectors.submitted_counts(scope), scope),
        "labels": ReadLabel,
        "patterns": charts.PATTERNS.values(),
    }
    says = _("Signed cases per week by diagnosis, and submitted cases per week as a dashed line.")
    context["weeks_chart"] = charts.in_frames(
        lambda frame: charts.weeks_chart(context["volumes"].weeks, says, frame)
    )
    if cases:
        context |= _answers(cases, scope, request.user)
        context |= _turnaround(cases, scope)
        context |= _drift(drift(cases, scope, versions))
    return render(request, "insights/page.html", context)


def _presets(scope: Scope) -> list[dict[str, Any]]:
    today = local_day(timezone.now())
    found = []
    for days in PRESETS:
        start = today - timedelta(days=days - 1)
        is_shown = (scope.start, scope.end) == (start, today)
        href = scope.page(**{"from": start.isoformat(), "to": today.isoformat()})
        found.append({"days": days, "href": href, "is_shown": is_shown})
    return found


def _answers(cases: list[SignedCase], scope: Scope, user: User) -> dict[str, Any]:
    everyone = sees_everyone(user, scope.laboratory)
    who = {read.reader for case in cases for read in case.reads} if everyone else {user.pk}
    names = selectors.names(who)
    compared, revealed = agreement(cases, scope), reveal(cases, scope, names)
    classes = _(
        "Share of each signed diagnosis for which the model gave the same answer, with intervals of 95 %."
    )
    kept = _("What happened to blind answers after the reveal, with intervals of 95 %.")
    return {
        "agreement": compared,
        "classes_chart": charts.in_frames(lambda frame: charts.share_chart(compared.classes, classes, frame)),
        "reveal": revealed,
        "reveal_chart": charts.in_frames(lambda frame: charts.share_chart(revealed.everyone, kept, frame)),
        "pairs": reader_pairs(cases, scope, names),
        "sees_everyone": everyone,
    }


def _turnaround(cases: list[SignedCase], scope: Scope) -> dict[str, Any]:
    groups = turnaround(cases, scope)
    says = _("How long each step took: 50th, 90th and 95th percentile on a logarithmic axis.")
    return {
        "turnaround": groups,
        "turnaround_chart": charts.in_frames(
            lambda frame: charts.duration_chart(groups[0].rows, says, frame)
        ),
        "least_for_percentiles": LEAST_FOR_PERCENTILES,
    }


def _drift(found: Any) -> dict[str, Any]:
    return {
        "drift": found,
        "courses": [
            (course, charts.in_frames(partial(charts.course_chart, course))) for course in found.courses
        ],
        "baseline_weeks": BASELINE_WEEKS,
        "least_in_week": LEAST_IN_WEEK,
    }


@require_GET
@page
def cases(request: SignedInRequest) -> HttpResponse:
    """The cases behind a number. Answers are shown, and asked for, of signed cases alone."""
    scope, _form = scope_from(request.GET, request.user, selectors.model_versions())
    if scope is None:
        raise PermissionDenied
    try:
        conditions = Conditions.from_query(request.GET.dict())
    except BadCondition as error:
        raise Http404 from error
    if not sees_everyone(request.user, scope.laboratory) and conditions.readers - {request.user.pk}:
        raise PermissionDenied
    context: dict[str, Any] = {"scope": scope, "conditions": conditions, "words": conditions.words()}
    if conditions.submitted:
        found: Any = _submitted(scope, conditions)
    else:
        found = list(reversed(conditions.chosen(selectors.signed_cases(scope))))
        if conditions.change or conditions.reader:
            context["reads"] = sum(len(conditions.reads(case)) for case in found)
    context["rows"] = rows = Paginator(found, CASES_PER_PAGE).get_page(request.GET.get("page"))
    if not conditions.submitted:
        record_cases(request.user, Case.objects.filter(pk__in=[case.pk for case in rows]))
    context["titles"] = dict(ReadLabel.choices)
    return render(request, "insights/cases.html", context)


def _submitted(scope: Scope, conditions: Conditions) -> list[Case]:
    rows = selectors.submitted_cases(scope)
    if conditions.state:
        rows = rows.filter(state=conditions.state)
    if conditions.week:
        rows = rows.annotate(monday=TruncWeek("submitted_at")).filter(
            monday__date=date.fromisoformat(conditions.week)
        )
    return list(rows.order_by("-submitted_at"))
