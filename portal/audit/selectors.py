"""The trail of a case, from the append-only event tables that database triggers write."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.apps import apps
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from portal.accounts.models import User
from portal.cases.choices import CaseState
from portal.cases.models import Case


@dataclass(frozen=True, slots=True)
class TrailEntry:
    """One thing that happened: when, what (in words), who (None for the system), and the state reached, if any."""

    at: datetime
    what: str
    who: str | None
    state: str | None = None


def _events(name: str) -> QuerySet[Any]:
    return apps.get_model("cases", name)._default_manager.select_related("pgh_context").order_by("pgh_id")


def case_trail(case: Case) -> list[TrailEntry]:
    """What happened to a case, the oldest first: filing, photographs, states, reads, diagnoses."""
    # The event models are made by pghistory's decorator, so they are found by name.
    events = list(_events("CaseEvent").filter(pgh_obj_id=case.pk))
    images = list(_events("SmearImageEvent").filter(case_id=case.pk, pgh_label__in=["insert", "delete"]))
    ids = {event.pgh_context.metadata.get("user") for event in [*events, *images] if event.pgh_context}
    names = {user.pk: str(user) for user in User.objects.filter(pk__in=[pk for pk in ids if pk])}

    def who(event: object) -> str | None:
        context = getattr(event, "pgh_context", None)
        return names.get(context.metadata.get("user")) if context else None

    trail: list[TrailEntry] = []
    state = None
    for event in events:
        if event.state != state:
            what = _("Case filed") if state is None else CaseState(event.state).label
            trail.append(TrailEntry(event.pgh_created_at, str(what), who(event), event.state))
        else:
            trail.append(TrailEntry(event.pgh_created_at, _("Details changed"), who(event)))
        state = event.state
    for event in images:
        words = _("Photograph added") if event.pgh_label == "insert" else _("Photograph removed")
        trail.append(TrailEntry(event.pgh_created_at, words, who(event)))
    return sorted(trail, key=lambda entry: entry.at)
