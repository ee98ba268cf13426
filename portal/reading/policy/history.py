"""What a laboratory's reading policy was, and who changed it, from the events its trigger writes."""

from typing import Any, cast

from django.apps import apps
from django.db.models import Field
from django.utils.translation import gettext as _

from portal.accounts.models import Laboratory, User
from portal.audit.trail import TrailEntry
from portal.reading.models import ReadingPolicy
from portal.reading.policy.services import POLICY_FIELDS


def policy_trail(laboratory: Laboratory, most: int = 50) -> list[TrailEntry]:
    """The changes of a policy, the newest first, in words."""
    # The event model is made by pghistory's decorator, so it is found by name.
    events = apps.get_model("reading", "ReadingPolicyEvent")._default_manager.filter(laboratory=laboratory.pk)
    rows = list(
        events.order_by("pgh_created_at", "pgh_id").values(
            "pgh_created_at", "pgh_context__metadata__user", *POLICY_FIELDS
        )
    )
    people = User.objects.in_bulk(
        {row["pgh_context__metadata__user"] or 0 for row in rows}
        | {row["alert_contact"] or 0 for row in rows}
    )
    defaults = ReadingPolicy(laboratory=laboratory)
    before: dict[str, Any] = {name: getattr(defaults, name) for name in POLICY_FIELDS}
    trail = []
    for row in rows:
        changed = [name for name in POLICY_FIELDS if row[name] != before[name]]
        words = "; ".join(_change(name, before[name], row[name], people) for name in changed)
        who = people.get(row["pgh_context__metadata__user"] or 0)
        trail.append(TrailEntry(row["pgh_created_at"], words or _("Kept as it was"), who))
        before = row
    return trail[::-1][:most]


def _change(name: str, old: Any, new: Any, people: dict[int, User]) -> str:
    return _("%(field)s: %(old)s → %(new)s") % {
        "field": str(_field(name).verbose_name).capitalize(),
        "old": _word(name, old, people),
        "new": _word(name, new, people),
    }


def _word(name: str, value: Any, people: dict[int, User]) -> str:
    if name == "alert_contact":
        return str(people[value]) if value in people else _("the person who filed the case")
    return str(dict(_field(name).flatchoices).get(value, value))


def _field(name: str) -> "Field[Any, Any]":
    return cast("Field[Any, Any]", ReadingPolicy._meta.get_field(name))
