"""The trail of a case and of a model version, from the append-only event tables that database triggers write."""

from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from django.apps import apps
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from portal.accounts.models import User
from portal.cases.choices import CaseState
from portal.cases.models import Case
from portal.inference.models import ModelVersion
from portal.reading.choices import ClaimEnd

#: What a person reads when a case reaches a state.
WORDS: dict[str, str | Promise] = {
    CaseState.DRAFT: _("Draft filed"),
    CaseState.SUBMITTED: _("Submitted"),
    CaseState.ANALYSING: _("Pre-classification began"),
    CaseState.AWAITING_READ: _("Ready to be read"),
    CaseState.IN_READING: _("Reading began"),
    CaseState.AWAITING_SECOND_READ: _("Second read asked for"),
    CaseState.ADJUDICATION: _("Sent to adjudication"),
    CaseState.READY_TO_SIGN: _("Read"),
    CaseState.REPORTED: _("Report signed"),
    CaseState.AMENDED: _("Report amended"),
    CaseState.RETURNED: _("Returned to the submitter"),
    CaseState.CANCELLED: _("Cancelled"),
}

#: What happened to a reviewer's claim.
CLAIM_WORDS: dict[str, str | Promise] = {
    "claimed": _("Taken in hand"),
    ClaimEnd.RELEASED: _("Given back"),
    ClaimEnd.EXPIRED: _("Time with the case ran out"),
    ClaimEnd.TAKEN_OVER: _("Taken over by a colleague"),
}


@dataclass(frozen=True, slots=True)
class TrailEntry:
    """One step of a case; ``who`` is None where the system took it, ``state`` None where it stayed."""

    when: datetime
    words: str
    who: User | None
    state: str | None = None


@dataclass(frozen=True, slots=True)
class _Event:
    when: datetime
    kind: str
    user: int | None


def case_trail(case: Case) -> list[TrailEntry]:
    """What happened to a case, the oldest first: states, changed details, photographs added and removed.

    What one person did several times in a row is told once, with the count and the time of the last.
    """
    events = [*_case_events(case), *_image_events(case), *_claim_events(case)]
    events.sort(key=lambda event: event.when)
    people = User.objects.in_bulk({event.user for event in events if event.user})
    trail = []
    for (kind, user), run in groupby(events, key=lambda event: (event.kind, event.user)):
        same = list(run)
        state = kind if kind in WORDS else None
        trail.append(TrailEntry(same[-1].when, _words(kind, len(same)), people.get(user or 0), state))
    return trail


def _case_events(case: Case) -> list[_Event]:
    rows = case.events.order_by("pgh_created_at", "pgh_id")  # type: ignore[attr-defined]
    events: list[_Event] = []
    before = None
    for when, state, user in rows.values_list("pgh_created_at", "state", "pgh_context__metadata__user"):
        events.append(_Event(when, state if state != before else "changed", user))
        before = state
    return events


def _image_events(case: Case) -> list[_Event]:
    # The event models are made by pghistory's decorator, so this one is found by name.
    rows = apps.get_model("cases", "SmearImageEvent")._default_manager.filter(
        case_id=case.pk, pgh_label__in=["insert", "delete"]
    )
    # What one transaction wrote has one time, so the row's own number decides.
    rows = rows.order_by("pgh_created_at", "pgh_id")
    return [
        _Event(*row) for row in rows.values_list("pgh_created_at", "pgh_label", "pgh_context__metadata__user")
    ]


def _claim_events(case: Case) -> list[_Event]:
    """Who had the case in hand; how a claim ended is told where no read or return tells it."""
    events = []
    for claim in case.claims.all():
        events.append(_Event(claim.claimed_at, "claimed", claim.reader_id))
        if claim.ended_at and claim.ended_why in CLAIM_WORDS:
            events.append(_Event(claim.ended_at, claim.ended_why, claim.reader_id))
    return events


def _words(kind: str, count: int) -> str:
    if kind == "insert":
        return ngettext("Photograph added", "%(count)d photographs added", count) % {"count": count}
    if kind == "delete":
        return ngettext("Photograph removed", "%(count)d photographs removed", count) % {"count": count}
    return str(WORDS.get(kind) or CLAIM_WORDS.get(kind, _("Details changed")))


def version_trail(version: ModelVersion) -> list[TrailEntry]:
    """What happened to a model version, the oldest first: registered, put into and out of use, and in spite of what."""
    rows = version.events.order_by("pgh_created_at", "pgh_id")  # type: ignore[attr-defined]
    fields = ("is_active", "despite_gate", "sha256", "refer_rule", "outlier_threshold", "gate")
    rows = rows.values("pgh_created_at", "pgh_context__metadata__user", *fields)
    people = User.objects.in_bulk({row["pgh_context__metadata__user"] or 0 for row in rows})
    trail = []
    before = None
    for row in rows:
        who = people.get(row["pgh_context__metadata__user"] or 0)
        trail.append(TrailEntry(row["pgh_created_at"], " ".join(_version_words(before, row)), who))
        before = row
    return trail


def _version_words(before: dict[str, Any] | None, row: dict[str, Any]) -> list[str]:
    was_active = bool(before and before["is_active"])
    words = []
    if before is None:
        words.append(gettext("Registered."))
    elif any(before[name] != row[name] for name in ("sha256", "refer_rule", "outlier_threshold", "gate")):
        words.append(gettext("Weights, refer rule or gate result changed."))
    if row["is_active"] and not was_active:
        words.append(gettext("Put into use."))
    if was_active and not row["is_active"]:
        words.append(gettext("Taken out of use."))
    if row["despite_gate"] and (before is None or before["despite_gate"] != row["despite_gate"]):
        words.append(gettext("Used although its gate has not passed: %s") % row["despite_gate"])
    return words
