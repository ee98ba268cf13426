"""How the events of reading read: in whose hands a case was."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal.audit.trail import Event
from portal.cases.models import Case
from portal.reading.choices import ClaimEnd

#: What happened to a reviewer's claim.
CLAIM_WORDS: dict[str, str | Promise] = {
    "claimed": _("Taken"),
    ClaimEnd.RELEASED: _("Given back"),
    ClaimEnd.EXPIRED: _("Time limit for the case reached"),
    ClaimEnd.TAKEN_OVER: _("Taken over by a colleague"),
}


def claim_events(case: Case) -> list[Event]:
    """Who had taken the case; how a claim ended is listed where no read or return shows it."""
    events = []
    for claim in case.claims.all():
        events.append(Event(claim.claimed_at, "claimed", claim.reader_id))
        if claim.ended_at and claim.ended_why in CLAIM_WORDS:
            events.append(Event(claim.ended_at, claim.ended_why, claim.reader_id))
    return events


def words(kind: str) -> str | None:
    """What a person reads of a claim's event; None for one of another app."""
    return str(CLAIM_WORDS[kind]) if kind in CLAIM_WORDS else None
