"""Without Valkey, or with one that does not answer: everybody works on, and what waits is sent later."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from time import monotonic

import pytest
from allauth.mfa.totp.internal.auth import TOTP
from django.contrib.auth import SESSION_KEY
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from portal.accounts.models import Laboratory
from portal.annotations.services import add_marker
from portal.cases.choices import CaseState
from portal.config import valkey
from portal.config.celery import app
from portal.inference import services as inference
from portal.inference.models import Job, ModelVersion, QuickLook
from portal.inference.sending import send_id
from portal.notifications.models import Notification
from portal.reports.models import Diagnosis
from portal.words import in_words
from tests.factories import PASSWORD, analysed, authenticator_code, claimed, draft, photograph, read, signed
from tests.portal.addresses import addresses
from tests.portal.blind_worlds import World
from tests.portal.kinds import OnCommit, PageResponse, People, present
from tests.valkey import DeadValkey, forget_failures

pytestmark = pytest.mark.django_db
#: What an answer may wait for altogether: once for the cache and once for the broker, half a second each.
CALLS = 2
#: Seconds. Far above what a busy machine needs; whoever waits for Valkey without a limit takes longer.
HANGS = 20.0
SECRET = "JBSWY3DPEHPK3PXP"


@pytest.fixture(params=["refusing", "stalling"])
def dead(request: pytest.FixtureRequest, settings: Settings) -> Iterator[DeadValkey]:
    """Cache and broker are away."""
    forget_failures()
    caches = settings.CACHES["default"]
    with DeadValkey(request.param).staged() as staged:
        settings.CACHES = {"default": caches | {"LOCATION": f"{staged.url}/1"}}
        settings.BROKER_URL = f"{staged.url}/0"
        yield staged
    forget_failures()


class Timed:
    """Calls a client and says so when an answer waits for Valkey, or is an error of ours."""

    def __init__(self, client: Client, dead: DeadValkey) -> None:
        self.client, self.dead = client, dead

    def __call__(self, method: str, path: str, *arguments: object, **options: object) -> PageResponse:
        began, came = monotonic(), len(self.dead.came)
        answer: PageResponse = getattr(self.client, method)(path, *arguments, **options)
        if answer.streaming:
            list(answer)
        assert len(self.dead.came) - came <= CALLS, path
        assert monotonic() - began < HANGS, f"{path} took {monotonic() - began:.1f} s"
        assert answer.status_code < 500, f"{path} answered {answer.status_code}"
        return answer


@pytest.fixture
def world(people: People, lab: Laboratory, model: ModelVersion) -> World:
    """A signed case with everything that a page can show."""
    case = claimed(people.reviewer, analysed(people.submitter, lab, images=2))
    one, two = case.images.all()
    marker = add_marker(people.reviewer, one, x=0.1, y=0.1)
    case = signed(people.reviewer, case)
    notification = Notification.objects.filter(case=case).values_list("pk", flat=True).first()
    return World(case, one, two, lab.slug, people.reviewer, marker, notification or 1)


@pytest.mark.parametrize(
    ("dead", "role"),
    [
        ("stalling", "submitter"),
        ("stalling", "reviewer"),
        ("stalling", "lab_admin"),
        ("stalling", "anonymous"),
        ("refusing", "reviewer"),
    ],
    indirect=["dead"],
)
def test_every_page_answers(dead: DeadValkey, people: People, world: World, role: str) -> None:
    browser, program = Client(), APIClient()
    if role != "anonymous":
        browser.force_login(getattr(people, role))
        program.force_authenticate(getattr(people, role))
    seen = 0
    for address in addresses(world):
        if address.path.endswith("/pdf/"):
            continue  # a process of its own makes it, which knows no Valkey; it takes its time without it, too
        Timed(program if address.is_api else browser, dead)("get", address.path)
        seen += 1
    assert valkey.CALL_SECONDS * CALLS <= 1.0
    assert seen > 80


def test_the_first_who_finds_out_waits_a_moment_and_nobody_else(dead: DeadValkey, people: People) -> None:
    program = APIClient()
    program.force_authenticate(people.submitter)
    for _ in range(20):
        Timed(program, dead)("get", "/api/v1/me/")
    assert len(dead.came) <= 1
    assert [send_id("worker.classify", 1, 0) for _ in range(20)] == [False] * 20
    assert len(dead.came) <= 2


def test_people_sign_in_with_both_factors(dead: DeadValkey, people: People) -> None:
    TOTP.activate(people.reviewer, SECRET)
    code = authenticator_code(SECRET)
    browser = Client()
    timed = Timed(browser, dead)
    timed("post", "/account/login/", {"login": people.reviewer.email, "password": "wrong"})
    timed("post", "/account/login/", {"login": people.reviewer.email, "password": PASSWORD})
    forget_failures()  # each time as if nobody had noticed yet
    timed("post", "/account/2fa/authenticate/", {"code": code})
    assert browser.session[SESSION_KEY]
    other = Client()
    Timed(other, dead)("post", "/account/login/", {"login": people.reviewer.email, "password": PASSWORD})
    forget_failures()
    assert Timed(other, dead)("post", "/account/2fa/authenticate/", {"code": code}).status_code == 200


def test_a_case_is_filed_and_its_jobs_are_sent_later(
    dead: DeadValkey,
    people: People,
    lab: Laboratory,
    model: ModelVersion,
    settings: Settings,
    django_capture_on_commit_callbacks: OnCommit,
) -> None:
    case = draft(people.submitter, lab, images=3)
    browser = Client()
    browser.force_login(people.submitter)
    entered = {"patient_pseudonym": "P-1", "specimen": "csf", "priority": "stat", "then": "submit"}
    began = monotonic()
    with django_capture_on_commit_callbacks(execute=True):
        assert browser.post(f"/cases/{case.pk}/edit/", entered).status_code == 302
    assert monotonic() - began < HANGS
    assert len(dead.came) <= CALLS
    case.refresh_from_db()
    assert (case.state, case.patient_pseudonym) == (CaseState.SUBMITTED, "P-1")
    assert Job.objects.filter(sent_at=None).count() == 3
    # Back again: the same repair that finds lost messages sends them.
    settings.BROKER_URL = app.conf.broker_url
    Job.objects.update(queued_at=timezone.now() - timedelta(seconds=3))
    forget_failures()
    assert inference.requeue_stale()["sent"] == 3
    assert not Job.objects.filter(sent_at=None).exists()


def test_a_report_is_signed_with_its_comment_and_its_news_wait(
    dead: DeadValkey,
    people: People,
    lab: Laboratory,
    model: ModelVersion,
    django_capture_on_commit_callbacks: OnCommit,
) -> None:
    case = read(people.reviewer, analysed(people.submitter, lab))
    browser = Client()
    browser.force_login(people.reviewer)
    began = monotonic()
    with django_capture_on_commit_callbacks(execute=True):
        browser.post(f"/cases/{case.pk}/sign/", {"secret": PASSWORD, "comment": "Blasts."})
    assert monotonic() - began < HANGS
    assert len(dead.came) <= CALLS
    assert Diagnosis.objects.get().comment == "Blasts."
    assert Notification.objects.filter(user=people.submitter, mailed_at=None).exists()


def test_a_quick_look_says_at_once_that_it_cannot_be_asked(
    dead: DeadValkey, people: People, model: ModelVersion
) -> None:
    browser = Client()
    browser.force_login(people.submitter)
    Timed(browser, dead)("post", "/quick-look/", {"file": photograph()}, HTTP_ACCEPT="application/json")
    assert "work queue" in in_words(present(QuickLook.objects.get().error))


def test_a_cache_that_fails_is_a_miss(dead: DeadValkey) -> None:
    assert cache.get("x", "default") == "default"
    assert cache.add("x", 1)
    assert cache.get_many(["x"]) == {}
    assert cache.set_many({"x": 1}) == ["x"]
    assert not any((cache.delete("x"), cache.touch("x"), cache.has_key("x")))
    without_answer: tuple[Callable[[], object], ...] = (
        partial(cache.set, "x", 1),
        partial(cache.delete_many, ["x"]),
        cache.clear,
    )
    assert [call() for call in without_answer] == [None] * 3
    assert cache.get_or_set("x", 3) == 3
    with pytest.raises(ValueError, match="not found"):
        cache.incr("x")


def test_it_is_used_again_once_it_answers(settings: Settings) -> None:
    breaker = valkey.Breaker("test", pause=0.0)
    assert breaker.may_try()
    breaker.failed(OSError("away"))
    assert breaker.may_try()  # the pause is over
    breaker.pause = 60.0
    breaker.failed(OSError("away"))
    assert not breaker.may_try()
    breaker.answered()
    assert breaker.may_try()
    forget_failures()
    cache.set("seen", "there", 10)
    assert cache.get("seen") == "there"
    assert valkey.broker_answers()
