"""Who did what with a case, from the trail that the database's triggers write."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal.accounts.models import User
from portal.cases.choices import CaseState
from portal.cases.models import Case

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
    CaseState.REPORTED: _("Diagnosis signed"),
    CaseState.AMENDED: _("Diagnosis amended"),
    CaseState.RETURNED: _("Returned for new photographs"),
    CaseState.CANCELLED: _("Cancelled"),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One step of a case; ``who`` is None where the system took it."""

    when: datetime
    words: str
    who: User | None


def timeline(case: Case) -> list[Entry]:
    """The steps of a case, the latest first."""
    events = list(
        case.events.order_by("pgh_created_at", "pgh_id").values_list(  # type: ignore[attr-defined]
            "pgh_created_at", "state", "pgh_context__metadata__user"
        )
    )
    people = User.objects.in_bulk({user for _when, _state, user in events if user})
    entries: list[Entry] = []
    before = None
    for when, state, user in events:
        if state != before:
            entries.append(Entry(when, str(WORDS[state]), people.get(user)))
        before = state
    return entries[::-1]
