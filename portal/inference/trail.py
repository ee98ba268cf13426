"""How the events of a model version read."""

from typing import Any

from django.utils.translation import gettext

from portal.accounts.models import User
from portal.audit.trail import TrailEntry
from portal.inference.models import ModelVersion


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
        words.append(gettext("Used although it has not passed its gate: %s") % row["despite_gate"])
    return words
