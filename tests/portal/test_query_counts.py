"""How many queries each page asks: written down in query_counts.json, and the same with few cases and with many.

``WRITE_QUERY_COUNTS=1`` writes the file anew; its difference belongs into the review of a change.
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from portal.accounts.choices import Role
from portal.accounts.models import Laboratory
from portal.cases.models import Case, SavedFilter
from portal.inference.models import ModelVersion
from portal.reading.policy.services import set_policy
from tests.factories import MembershipFactory, analysed, claimed, member, read, signed
from tests.many_cases import fill
from tests.portal.kinds import People

pytestmark = pytest.mark.django_db

FILE = Path(__file__).with_name("query_counts.json")
COUNTS: dict[str, int] = json.loads(FILE.read_text())
FEW, MANY = 10, 40


@dataclass
class Things:
    """A case at each stage that a page shows."""

    waiting: Case
    in_hand: Case
    to_sign: Case
    signed: Case


def worklist(query: str = "") -> Callable[[Things], str]:
    return lambda _things: reverse("cases:worklist") + query


#: Page by its name in the file: who looks, and where.
PAGES: dict[str, tuple[str, Callable[[Things], str]]] = {
    "worklist, submitter": ("submitter", worklist()),
    "worklist, reviewer": ("reviewer", worklist()),
    "worklist, administrator": ("lab_admin", worklist()),
    "worklist, my cases": ("reviewer", worklist("?stage=mine")),
    "worklist, to read": ("reviewer", worklist("?stage=reading")),
    "worklist, search": ("reviewer", worklist("?q=hl")),
    "case to take": ("reviewer", lambda things: reverse("cases:detail", args=[things.waiting.pk])),
    "case in hand": ("reviewer", lambda things: reverse("cases:detail", args=[things.in_hand.pk])),
    "case to sign": ("reviewer", lambda things: reverse("cases:detail", args=[things.to_sign.pk])),
    "case, live part": ("reviewer", lambda things: reverse("cases:live", args=[things.waiting.pk]) + "?v="),
    "signed case, submitter": ("submitter", lambda things: reverse("cases:detail", args=[things.signed.pk])),
    "report": ("submitter", lambda things: reverse("reports:diagnosis", args=[things.signed.pk])),
    "users": ("lab_admin", lambda _things: reverse("accounts:users")),
    "reading policy": ("lab_admin", lambda _things: reverse("reading_policy:edit")),
}


@pytest.fixture
def things(people: People, lab: Laboratory, model: ModelVersion) -> Things:
    """A case of each kind through the services, and more in bulk: ten in all."""
    cases = [analysed(people.submitter, lab, images=2) for _number in range(4)]
    in_hand, to_sign = claimed(people.reviewer, cases[1]), read(people.reviewer, cases[2])
    done = signed(people.reviewer, cases[3])
    SavedFilter.objects.create(user=people.reviewer, name="Mine", query="stage=mine")
    set_policy(people.lab_admin, lab, claim_minutes=20)
    fill(lab, [people.submitter], [people.reviewer], FEW - len(cases))
    return Things(waiting=cases[0], in_hand=in_hand, to_sign=to_sign, signed=done)


def queries(client: Client, address: str) -> int:
    assert client.get(address).status_code == 200
    with CaptureQueriesContext(connection) as asked:
        assert client.get(address).status_code == 200
    return len(asked)


def test_every_page_asks_what_is_written_down_and_no_more_with_more_cases(
    client: Client, people: People, lab: Laboratory, things: Things
) -> None:
    few: dict[str, int] = {}
    many: dict[str, int] = {}
    for counts in (few, many):
        for name, (role, address) in PAGES.items():
            client.force_login(getattr(people, role))
            counts[name] = queries(client, address(things))
        if counts is few:
            fill(
                lab, [people.submitter, people.lab_admin], [people.reviewer, member(lab, Role.REVIEWER)], MANY
            )
            MembershipFactory.create_batch(5, laboratory=lab)
            for minutes in (25, 30):
                set_policy(people.lab_admin, lab, claim_minutes=minutes)
    assert many == few, "a page asks for every row it shows"
    if os.environ.get("WRITE_QUERY_COUNTS"):
        FILE.write_text(json.dumps(few, indent=2) + "\n")
        return
    assert few == COUNTS, f"make the page ask less, or write its count into {FILE.name}"
