"""What a trail is made of: the append-only event tables that database triggers write, in words.

Each app says in its own ``trail.py`` which events it has and how they read.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from portal.accounts.models import User


@dataclass(frozen=True, slots=True)
class TrailEntry:
    """One step of a case; ``who`` is None where the system took it, ``state`` None where it stayed."""

    when: datetime
    words: str
    who: User | None
    state: str | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """A row of an event table: when, what of (a state, or a word of the app's own), and the person's id."""

    when: datetime
    kind: str
    user: int | None


def entries(
    events: Iterable[Event], words: Callable[[str, int], str], states: Iterable[str]
) -> list[TrailEntry]:
    """Events as entries, the oldest first.

    What one person did several times in a row is one entry, with the count and the time of the last.

    :param words: kind and count -> what a person reads.
    :param states: the kinds that are states.
    """
    ordered = sorted(events, key=lambda event: event.when)
    people = User.objects.in_bulk({event.user for event in ordered if event.user})
    known = frozenset(states)
    trail = []
    for (kind, user), run in groupby(ordered, key=lambda event: (event.kind, event.user)):
        same = list(run)
        state = kind if kind in known else None
        trail.append(TrailEntry(same[-1].when, words(kind, len(same)), people.get(user or 0), state))
    return trail
