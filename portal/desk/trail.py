"""The trail of a case, from the apps that have a part in it."""

from portal.audit.trail import TrailEntry, entries
from portal.cases import trail as cases
from portal.cases.models import Case
from portal.reading import trail as reading


def case_trail(case: Case) -> list[TrailEntry]:
    """What happened to a case, the oldest first: states, changed details, photographs, in whose hands it was."""
    events = [*cases.case_events(case), *cases.image_events(case), *reading.claim_events(case)]
    return entries(
        events, lambda kind, count: cases.words(kind, count) or reading.words(kind) or kind, cases.WORDS
    )
