"""Blind first: nothing that a reader can get before the own answer is stored tells the model's or a colleague's.

Everything is fetched in two worlds that differ only in those answers: each response has to be the same in both, byte
for byte but for ids and tokens, and to hold none of their words and figures.
"""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeVar

import pytest
import time_machine
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.test import Client
from django.test.client import MULTIPART_CONTENT
from PIL import Image

from portal.accounts.choices import Role
from portal.accounts.models import Laboratory, User
from portal.accounts.tokens import issue_token
from portal.cases.photographs import read_photograph
from portal.inference.models import ModelVersion
from portal.intake import services as cases
from portal.notifications.mails import send_due
from portal.notifications.models import Notification
from portal.reading import claims
from portal.reading import services as reading
from portal.reading.policy.services import set_policy
from tests.documents import Document
from tests.factories import member, photograph
from tests.portal.addresses import (
    ARGUMENTS,
    EXEMPT,
    QUERIES,
    TAKING,
    Address,
    addresses,
    is_exempt,
    patterns,
    takes_arguments,
)
from tests.portal.blind_worlds import STAGES, WORLDS, Builder, Secrets, World
from tests.portal.kinds import Mails, PageResponse, People
from tests.portal_client import draw_photograph

# Every address is fetched in two worlds at nine stages: more than the suite's limit on a busy machine.
# A walk over every address asks no line in particular, and counting lines costs a quarter of its time.
pytestmark = [pytest.mark.django_db, pytest.mark.timeout(900), pytest.mark.no_cover]

#: Ids and tokens: random, and no part of what is said. Ids are numbered in the order in which they come.
RANDOM_ID = re.compile(rb"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|\b[0-9a-f]{32}\b")
TOKENS = re.compile(
    rb'(csrfmiddlewaretoken" value="|X-CSRFToken": ?"|"csrf": "|csrf-token" content="|nonce="|nonce-)[^"\';]+'
)
#: Triggers of the database write the time of the day, whatever time the test has.
TIMES = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|\+00:00)?|\b\d\d?:\d\d(:\d\d)?\b")
IGNORED_HEADERS = {"Set-Cookie", "X-Request-Id", "X-Request-ID"}
_sequences = itertools.count(1_000_000, 1_000_000)

Response = tuple[int, str, bytes]
T = TypeVar("T")
Found = dict[tuple[str, str], tuple[Address, Response]]


def settled(content: bytes) -> bytes:
    """The bytes without what is random."""
    seen: dict[bytes, bytes] = {}
    content = RANDOM_ID.sub(lambda found: seen.setdefault(found[0], b"ID%d" % len(seen)), content)
    return TIMES.sub(b"TIME", TOKENS.sub(rb"\1TOKEN", content))


def response_of(response: PageResponse) -> Response:
    content = response.getvalue()
    headers = "\n".join(f"{key}: {value}" for key, value in response.items() if key not in IGNORED_HEADERS)
    return response.status_code, settled(headers.encode()).decode(), settled(content)


class Walker:
    """A person who fetches every address, with a session and a token."""

    def __init__(self, user: User) -> None:
        self.client = Client()
        self.client.force_login(user)
        self.token = {"Authorization": f"Bearer {issue_token(user)[1]}"}

    def get(self, address: Address) -> Response:
        return response_of(self.client.get(address.path, headers=self._of(address)))

    def post(self, address: Address, data: Document) -> Response:
        """What a post is answered with; it changes nothing."""
        with transaction.atomic():
            kind = "application/json" if address.is_api else MULTIPART_CONTENT
            answer = self.client.post(address.path, data, content_type=kind, headers=self._of(address))
            response = response_of(answer)
            transaction.set_rollback(True)
        return response

    def _of(self, address: Address) -> dict[str, str]:
        return self.token if address.is_api else {}

    def walk(self, world: World, part: Callable[[Address], bool]) -> Iterator[tuple[Address, str, Response]]:
        """What a part of the addresses answers: to get, and to empty posts where they are of the case."""
        for address in filter(part, addresses(world)):
            yield address, "GET", self.get(address)
            if not address.echoes and re.search(f"{world.case.pk}|{world.image.pk}", address.path):
                yield address, "POST", self.post(address, {})
        for number, response in enumerate(self.looks(world), 1):
            yield Address("quick look", f"/quick-look/ with photograph {number}"), "POST", response

    def looks(self, world: World) -> Iterator[Response]:
        """The case's photographs through the quick look."""
        for seed in range(world.case.images.count()):
            with transaction.atomic():
                files = {"file": photograph(seed)}
                answer = self.client.post("/quick-look/", files, HTTP_ACCEPT="application/json")
                transaction.set_rollback(True)
            yield response_of(answer)


@dataclass
class Staff(People):
    """Whoever the worlds have: ``first`` and ``second`` have read what the reviewer has not."""

    first: User
    second: User


@pytest.fixture
def staff(people: People, lab: Laboratory, monkeypatch: pytest.MonkeyPatch) -> Staff:
    """Whoever the worlds have: the reader is blind, and everything is read twice. No worker takes their orders."""
    monkeypatch.setattr("portal.inference.sending.app.send_task", lambda name, args, **options: None)
    set_policy(people.lab_admin, lab, blindness="blind", second_read="always")
    second, first = member(lab, Role.REVIEWER), member(lab, Role.REVIEWER)
    return Staff(**vars(people), first=first, second=second)


class Worlds(Protocol):
    """What ``act`` returned in each of the two worlds of a stage."""

    def __call__(self, stage: str, act: Callable[[World, Secrets], T]) -> list[T]: ...


@pytest.fixture
def worlds(staff: Staff, model: ModelVersion) -> Worlds:
    """Make the two worlds of a stage, one after the other, and do something in each; nothing of it stays."""
    now = datetime.now(UTC)
    start = next(_sequences)

    def each(stage: str, act: Callable[[World, Secrets], T]) -> list[T]:
        results = []
        for secrets in WORLDS:
            cache.clear()
            with transaction.atomic(), time_machine.travel(now, tick=False):
                with connection.cursor() as cursor:
                    cursor.execute(
                        "SELECT setval(oid::regclass, %s) FROM pg_class WHERE relkind = 'S'", [start]
                    )
                everybody = (staff.lab_admin, staff.submitter, staff.reviewer, staff.first, staff.second)
                builder = Builder(*everybody, secrets)
                results.append(act(builder.build(stage), secrets))
                transaction.set_rollback(True)
        return results

    return each


def about_cases(address: Address) -> bool:
    return not address.is_without_a_case


def telling(address: Address) -> bool:
    """The addresses that tell the answers to whoever may see them."""
    names = ("cases:detail", "cases:live", "cases:heat_map", "annotations:markers")
    return address.name in (*names, "api:case", "api:images", "api:image", "api:image-activation-map")


def fetched(user: User, world: World, part: Callable[[Address], bool]) -> Found:
    """The responses to a person by method and address, the latter without ids."""
    return {
        (method, settled(address.path.encode()).decode()): (address, response)
        for address, method, response in Walker(user).walk(world, part)
    }


def statuses(found: Found, wanted: str, *names: str) -> list[int]:
    """How some addresses answer a method."""
    return [
        response[0]
        for (method, _path), (address, response) in found.items()
        if method == wanted and address.name in names
    ]


def traces(found: Found, secrets: Secrets) -> list[str]:
    """The addresses whose responses hold a word or figure of the answers."""
    return [
        f"{method} {path}: {trace[0]!r}"
        for (method, path), (address, (_status, headers, body)) in found.items()
        if not address.echoes and (trace := secrets.traces.search(headers.encode() + b"\n" + body))
    ]


def differences(first: Found, second: Found) -> list[str]:
    """The addresses that answer differently in the two worlds, with where they do."""
    assert first.keys() == second.keys()
    found = []
    for key in first:
        one, other = first[key][1], second[key][1]
        if one != other:
            found.append(f"{' '.join(key)}: {_where(one, other)}")
    return found


def _where(one: Response, other: Response) -> str:
    if one[:2] != other[:2]:
        return f"{one[:2]} | {other[:2]}"
    at = next(
        (at for at, (a, b) in enumerate(zip(one[2], other[2], strict=False)) if a != b),
        min(len(one[2]), len(other[2])),
    )
    return f"{one[2][max(0, at - 60) : at + 60]!r} | {other[2][max(0, at - 60) : at + 60]!r}"


# --- The tests ---------------------------------------------------------------------------------------------


def test_every_address_is_walked_or_exempt_for_a_reason() -> None:
    known = dict(patterns())
    missing = [
        name
        for name, pattern in known.items()
        if takes_arguments(pattern) and name not in ARGUMENTS and not is_exempt(name)
    ]
    assert missing == [], "say in tests/portal/addresses.py what to fetch there"
    stale = {name for name in [*ARGUMENTS, *QUERIES, *EXEMPT] if name not in known and name != "admin"}
    assert stale == set()


@pytest.mark.parametrize("stage", STAGES)
def test_a_reader_who_has_not_answered_learns_nothing(stage: str, staff: Staff, worlds: Worlds) -> None:
    def look(world: World, secrets: Secrets) -> Found:
        found = fetched(staff.reviewer, world, about_cases)
        if stage == "before the adjudication is taken":
            found = {key: one for key, one in found.items() if key[0] == "GET" or one[0].name not in TAKING}
        assert traces(found, secrets) == []
        assert set(statuses(found, "GET", "cases:heat_map", "api:image-activation-map")) == {403}
        assert statuses(found, "POST", "quick look") == [403, 403]
        return found

    first, second = worlds(stage, look)
    assert len(first) > 90
    assert differences(first, second) == []


def test_pages_without_a_case_hold_no_trace(staff: Staff, worlds: Worlds) -> None:
    def look(world: World, secrets: Secrets) -> Found:
        found = fetched(staff.reviewer, world, lambda address: address.is_without_a_case)
        assert len(found) > 20
        assert traces(found, secrets) == []
        # Each visit to it makes a new key.
        return {key: one for key, one in found.items() if one[0].name != "mfa_activate_totp"}

    assert differences(*worlds("in the second reader's hands", look)) == []


def test_a_photograph_that_was_saved_again_is_the_same_one(
    staff: Staff, lab: Laboratory, model: ModelVersion
) -> None:
    """What the case page shows, saved in a browser and dropped on the quick look."""
    image = cases.add_image(
        staff.submitter,
        cases.create_case(staff.submitter, laboratory=lab, patient_pseudonym="P", specimen="csf"),
        SimpleUploadedFile("field.jpg", draw_photograph(1, (320, 240))),
    )
    again = io.BytesIO()
    with image.file.open("rb") as stored:
        Image.open(stored).save(again, "JPEG", quality=80)
    saved = again.getvalue()
    assert read_photograph(SimpleUploadedFile("x.jpg", saved)).fields["pixel_sha256"] != image.pixel_sha256
    client = Client()
    client.force_login(staff.reviewer)
    for content, status in ((saved, 403), (draw_photograph(2, (320, 240)), 201)):
        assert (
            client.post("/quick-look/", {"file": SimpleUploadedFile("x.jpg", content)}).status_code == status
        )


def test_mails_hold_no_trace(staff: Staff, worlds: Worlds, mailoutbox: Mails) -> None:
    def mail(world: World, secrets: Secrets) -> list[str]:
        mailoutbox.clear()
        Notification.objects.update(created_at=datetime.now(UTC) - timedelta(days=1))
        send_due()
        mails = [
            settled(str(sent.message()).encode()) for sent in mailoutbox if staff.reviewer.email in sent.to
        ]
        assert len(mails) == 1
        assert not secrets.traces.search(mails[0])
        return [f"{sent.subject}\n{sent.body}" for sent in mailoutbox]

    first, second = worlds("in the second reader's hands", mail)
    assert [settled(one.encode()) for one in first] == [settled(one.encode()) for one in second]


def test_the_same_walk_finds_the_answers_where_they_may_be_seen(staff: Staff, worlds: Worlds) -> None:
    """What the tests above rest on: who is not blind, and the reader once done, gets traces and differences."""

    def as_submitter(world: World, secrets: Secrets) -> Found:
        found = fetched(staff.submitter, world, telling)
        assert any("/api/v1/" in trace for trace in traces(found, secrets))
        assert any("GET /cases/" in trace for trace in traces(found, secrets))
        return found

    different = differences(*worlds("awaiting the first read", as_submitter))
    for part in ("/heat/Pre.png", "/live/", "activation-map", "/api/v1/cases/ID0/", "GET /cases/ID0/:"):
        assert any(part in where for where in different), part

    def when_done(world: World, secrets: Secrets) -> Found:
        own: Document = {"label": "Pre", "confidence": "high", "comment": "Mine."}
        reading.record_read(staff.reviewer, world.case, **own)
        shown = fetched(staff.reviewer, world, telling)
        assert traces(shown, secrets) != []
        assert not any(secrets.word in trace for trace in traces(shown, secrets))
        reading.conclude(staff.reviewer, world.case, label="Pre", confidence="high", reason="Mine.")
        world.case.refresh_from_db()
        done = fetched(staff.reviewer, world, telling)
        assert any(secrets.word in trace for trace in traces(done, secrets))
        assert statuses(done, "POST", "quick look") == [201, 201]
        return shown

    assert differences(*worlds("in the second reader's hands", when_done)) != []


def test_the_adjudicator_sees_both_answers_with_the_case_in_hand(staff: Staff, worlds: Worlds) -> None:
    def take(world: World, secrets: Secrets) -> None:
        claims.claim(staff.reviewer, world.case)
        found = fetched(staff.reviewer, world, telling)
        assert any(secrets.word in trace for trace in traces(found, secrets))

    worlds("before the adjudication is taken", take)
