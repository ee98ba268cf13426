"""Wrong passwords, codes and asked-for mails: whom they lock out, for how long, and what is said."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.contrib.auth import SESSION_KEY
from django.db import connections
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from portal.accounts import attempts
from portal.accounts.models import Laboratory, Tally
from portal.errors import TooManyAttempts
from portal.inference.models import ModelVersion
from tests.factories import PASSWORD, analysed, authenticator_code, read
from tests.portal.kinds import Mails, PageResponse, People

pytestmark = pytest.mark.django_db
SECRET = "JBSWY3DPEHPK3PXP"
SIGN_IN, CODE = "/account/login/", "/account/2fa/authenticate/"


@pytest.fixture(autouse=True)
def _limits(settings: Settings) -> None:
    settings.SIGN_IN_ATTEMPTS, settings.SIGN_IN_ATTEMPTS_PER_ADDRESS = 3, 8
    settings.SIGN_IN_LOCK_SECONDS = 300


def enter(email: str, password: str = "wrong", **environment: str) -> PageResponse:
    """Somebody at a browser of their own tries to sign in."""
    browser = Client()
    browser.defaults.update(environment)
    return browser.post(SIGN_IN, {"login": email, "password": password})


def is_locked(response: PageResponse) -> bool:
    return response.status_code == 429


def lock(email: str) -> None:
    for _ in range(3):
        assert enter(email).status_code == 200


def test_wrong_passwords_lock_their_account_and_nobody_else(people: People) -> None:
    lock(people.submitter.email)
    for _ in range(12):  # knocking on changes nothing, for nobody
        assert is_locked(enter(people.submitter.email))
    assert is_locked(enter(people.submitter.email.upper(), PASSWORD))
    assert enter(people.reviewer.email, PASSWORD).status_code == 302


def test_an_unknown_address_is_answered_like_a_known_one(people: People) -> None:
    answers = {}
    for email in (people.submitter.email, "nobody@lab.example"):
        lock(email)
        answers[email] = enter(email)
    known, unknown = (
        answer.content.decode().replace("nobody@lab.example", "") for answer in answers.values()
    )
    assert [answer.status_code for answer in answers.values()] == [429, 429]
    assert known.split("<main")[1].split("</main")[0] == unknown.split("<main")[1].split("</main")[0]


def test_the_page_says_when_to_go_on_in_the_persons_language(people: People, settings: Settings) -> None:
    settings.TIME_ZONE = "Europe/Madrid"
    with time_machine.travel("2026-03-02T09:00:00Z", tick=False):
        lock(people.submitter.email)
        answer = enter(people.submitter.email)
        spanish = enter(people.submitter.email, HTTP_ACCEPT_LANGUAGE="es")
    assert answer["Retry-After"] == "300"
    assert "Try again at 10:05." in answer.content.decode()
    assert "topbar" in answer.content.decode()
    assert "10:05" in spanish.content.decode()
    assert "Try again" not in spanish.content.decode()


def test_after_the_wait_one_may_go_on_and_the_rows_go(people: People) -> None:
    lock(people.submitter.email)
    with time_machine.travel(timezone.now() + timedelta(seconds=299)):
        assert is_locked(enter(people.submitter.email, PASSWORD))
    with time_machine.travel(timezone.now() + timedelta(seconds=301)):
        assert enter(people.submitter.email, PASSWORD).status_code == 302
        assert Tally.objects.filter(count__gt=0).count() == 0


def test_the_right_password_begins_the_count_anew(people: People, settings: Settings) -> None:
    settings.SIGN_IN_ATTEMPTS_PER_ADDRESS = 100
    for _ in range(4):
        for _ in range(2):
            enter(people.submitter.email)
        assert enter(people.submitter.email, PASSWORD).status_code == 302


def test_the_network_address_comes_much_later(people: People) -> None:
    for number in range(8):
        assert enter(f"someone{number}@lab.example").status_code == 200
    assert is_locked(enter(people.submitter.email, PASSWORD))
    assert enter(people.submitter.email, PASSWORD, REMOTE_ADDR="192.0.2.7").status_code == 302
    # What the locked address tried is not counted against the account.
    assert not Tally.objects.filter(key=attempts.sign_in(people.submitter.pk).key).exists()


def test_right_passwords_do_not_use_up_a_shared_address(people: People) -> None:
    for _ in range(9):
        assert enter(people.submitter.email, PASSWORD).status_code == 302


@pytest.mark.parametrize(("trusted", "locked"), [(0, True), (1, False)])
def test_only_a_trusted_proxy_says_where_somebody_is(
    people: People, settings: Settings, trusted: int, locked: bool
) -> None:
    settings.TRUSTED_PROXIES = trusted
    for number in range(9):
        answer = enter(f"x{number}@lab.example", HTTP_X_FORWARDED_FOR=f"203.0.113.{number}")
    assert is_locked(answer) is locked


@pytest.mark.parametrize("said", ["", "unknown", "\u0660.1.1.1"])
def test_an_address_that_is_none_is_still_counted(people: People, settings: Settings, said: str) -> None:
    settings.TRUSTED_PROXIES = 1
    for number in range(8):
        assert enter(f"y{number}@lab.example", HTTP_X_FORWARDED_FOR=said, REMOTE_ADDR="").status_code == 200
    assert is_locked(enter("y9@lab.example", HTTP_X_FORWARDED_FOR=said, REMOTE_ADDR=""))


def test_nothing_that_was_typed_is_kept_in_the_clear(people: People) -> None:
    enter("somebody.private@lab.example")
    assert "private" not in str(list(Tally.objects.values()))


def test_codes_are_counted_too_and_the_right_one_begins_anew(people: People) -> None:
    TOTP.activate(people.submitter, SECRET)
    browser = Client()
    browser.post(SIGN_IN, {"login": people.submitter.email, "password": PASSWORD})
    for _ in range(2):
        assert browser.post(CODE, {"code": "000000"}).status_code == 200
    assert browser.post(CODE, {"code": authenticator_code(SECRET)}).status_code == 302
    assert browser.session[SESSION_KEY]
    other = Client()
    other.post(SIGN_IN, {"login": people.submitter.email, "password": PASSWORD})
    for _ in range(3):
        other.post(CODE, {"code": "000000"})
    assert is_locked(other.post(CODE, {"code": "000000"}))


def test_a_code_holds_once_whatever_the_cache_says(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TOTP, "_mark_code_used", lambda self, code: True)
    TOTP.activate(people.submitter, SECRET)
    code, statuses = authenticator_code(SECRET), []
    for _ in range(2):
        browser = Client()
        browser.post(SIGN_IN, {"login": people.submitter.email, "password": PASSWORD})
        statuses.append(browser.post(CODE, {"code": code}).status_code)
    assert statuses == [302, 200]


def test_a_recovery_code_still_signs_in(people: People) -> None:
    TOTP.activate(people.submitter, SECRET)
    codes = RecoveryCodes.activate(people.submitter)
    browser = Client()
    browser.post(SIGN_IN, {"login": people.submitter.email, "password": PASSWORD})
    assert browser.post(CODE, {"code": codes.get_unused_codes()[0]}).status_code == 302
    assert Authenticator.objects.count() == 2


@pytest.mark.parametrize(
    ("address", "entered"),
    [
        ("/account/reauthenticate/", {"password": "wrong"}),
        (
            "/account/password/change/",
            {"oldpassword": "wrong", "password1": "another pass phrase", "password2": "another pass phrase"},
        ),
    ],
)
def test_passwords_asked_for_again_are_counted_apart_from_sign_in(
    client: Client, people: People, address: str, entered: dict[str, str]
) -> None:
    client.force_login(people.submitter)
    for _ in range(3):
        assert client.post(address, entered).status_code == 200
    answer = client.post(address, entered)
    assert is_locked(answer)
    assert "you stay signed in" in answer.content.decode()
    # Who is signed in elsewhere, and who signs in, does not wait for it.
    assert enter(people.submitter.email, PASSWORD).status_code == 302


def test_at_the_signature_the_comment_stays(
    client: Client, people: People, lab: Laboratory, model: ModelVersion, settings: Settings
) -> None:
    settings.SIGN_ATTEMPTS = 2
    case = read(people.reviewer, analysed(people.submitter, lab))
    client.force_login(people.reviewer)
    entered = {"secret": "wrong", "comment": "Typed with care."}
    answers = [client.post(f"/cases/{case.pk}/sign/", entered) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [400, 400, 429]
    page = answers[2].content.decode()
    assert "Typed with care." in page
    assert "The report was not signed. Too many attempts. Try again at" in page
    # Nobody's sign-in waits for it.
    assert enter(people.reviewer.email, PASSWORD).status_code == 302


def test_asked_for_mails_have_a_limit_whoever_the_address_belongs_to(
    people: People, mailoutbox: Mails
) -> None:
    for email in (people.submitter.email, "nobody@lab.example"):
        mailoutbox.clear()
        answers = [Client().post("/account/password/reset/", {"email": email}) for _ in range(6)]
        assert [answer.status_code for answer in answers] == [302] * 5 + [429]
        assert len(mailoutbox) == 5


def test_a_new_password_by_mail_ends_the_wait(people: People, mailoutbox: Mails) -> None:
    lock(people.submitter.email)
    browser = Client()
    browser.post("/account/password/reset/", {"email": people.submitter.email})
    link = next(word for word in mailoutbox[0].body.split() if "/password/reset/key/" in word)
    form = browser.get(link.split("testserver")[1], follow=True).redirect_chain[-1][0]
    new = "another long pass phrase"
    assert browser.post(form, {"password1": new, "password2": new}).status_code == 302
    assert enter(people.submitter.email, new).status_code == 302


@pytest.mark.django_db(transaction=True)
def test_many_at_once_are_not_more_than_the_limit() -> None:
    def knock(_: int) -> bool:
        try:
            attempts.count(attempts.sign_in("many@lab.example"))
        except TooManyAttempts:
            return False
        finally:
            connections.close_all()
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(knock, range(24))) == 3
