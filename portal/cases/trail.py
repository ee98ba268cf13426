"""How the events of a case and of its photographs read."""

from django.apps import apps
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from portal.audit.trail import Event
from portal.cases.choices import CaseState
from portal.cases.models import Case

#: What a person reads when a case reaches a state.
WORDS: dict[str, str | Promise] = {
    CaseState.DRAFT: _("Filed as draft"),
    CaseState.SUBMITTED: _("Submitted"),
    CaseState.ANALYSING: _("Pre-classification began"),
    CaseState.AWAITING_READ: _("Ready to be read"),
    CaseState.IN_READING: _("Reading began"),
    CaseState.AWAITING_SECOND_READ: _("Second read requested"),
    CaseState.ADJUDICATION: _("Sent to adjudication"),
    CaseState.READY_TO_SIGN: _("Read"),
    CaseState.REPORTED: _("Report signed"),
    CaseState.AMENDED: _("Report amended"),
    CaseState.RETURNED: _("Returned to the submitter"),
    CaseState.CANCELLED: _("Cancelled"),
}


def case_events(case: Case) -> list[Event]:
    """The states of a case and the changes of its details."""
    rows = case.events.order_by("pgh_created_at", "pgh_id")  # type: ignore[attr-defined]
    events: list[Event] = []
    before = None
    for when, state, user in rows.values_list("pgh_created_at", "state", "pgh_context__metadata__user"):
        events.append(Event(when, state if state != before else "changed", user))
        before = state
    return events


def image_events(case: Case) -> list[Event]:
    """Photographs added and removed."""
    # The event models are made by pghistory's decorator, so this one is found by name.
    rows = apps.get_model("cases", "SmearImageEvent")._default_manager.filter(
        case_id=case.pk, pgh_label__in=["insert", "delete"]
    )
    # What one transaction wrote has one time, so the row's own number decides.
    rows = rows.order_by("pgh_created_at", "pgh_id")
    return [
        Event(*row) for row in rows.values_list("pgh_created_at", "pgh_label", "pgh_context__metadata__user")
    ]


def words(kind: str, count: int) -> str | None:
    """What a person reads of an event of a case; None for one of another app."""
    if kind == "insert":
        return ngettext("Photograph added", "%(count)d photographs added", count) % {"count": count}
    if kind == "delete":
        return ngettext("Photograph removed", "%(count)d photographs removed", count) % {"count": count}
    if kind == "changed":
        return str(_("Details changed"))
    return str(WORDS[kind]) if kind in WORDS else None
