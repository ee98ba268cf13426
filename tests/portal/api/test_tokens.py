"""Tokens: shown once, stored hashed, named; ended by time, one by one, and all with the password or the account."""

from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from io import StringIO

import pytest
import time_machine
from django.contrib.auth.hashers import make_password
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from portal.accounts import services
from portal.accounts.models import ApiToken, User
from portal.accounts.tokens import issue_token, tokens_of
from portal.errors import NotAllowed
from tests.documents import Document
from tests.factories import PASSWORD
from tests.portal.kinds import IsProblem, Mails, OnCommit, People, present

ME = "/api/v1/me/"


def issue(*arguments: str) -> str:
    out = StringIO()
    call_command("issue_token", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def status_with(authorization: str) -> int:
    return APIClient(HTTP_AUTHORIZATION=authorization).get(ME).status_code


def test_the_command_prints_the_token_and_nothing_else(people: People) -> None:
    printed = issue(people.submitter.email.upper())
    token = printed.removesuffix("\n")
    assert token.isalnum()
    assert len(token) == 64
    assert status_with(f"Bearer {token}") == 200
    stored = ApiToken.objects.get(user=people.submitter)
    assert token not in (stored.digest, stored.token_key)
    assert stored.expiry - timezone.now() > timedelta(days=89)


def test_a_token_ends_on_its_day(people: People) -> None:
    token = issue(people.submitter.email, "--days", "2").strip()
    with time_machine.travel(timezone.now() + timedelta(days=1, hours=23)):
        assert status_with(f"Bearer {token}") == 200
    with time_machine.travel(timezone.now() + timedelta(days=2, hours=1)):
        assert status_with(f"Bearer {token}") == 401


def test_revoking_ends_every_token_of_the_person_and_of_nobody_else(people: People) -> None:
    tokens = [issue(people.submitter.email).strip() for _ in range(2)]
    other = issue(people.reviewer.email).strip()
    out = StringIO()
    call_command("revoke_tokens", people.submitter.email, stdout=out)
    assert out.getvalue().startswith("2 tokens")
    assert [status_with(f"Bearer {token}") for token in tokens] == [401, 401]
    assert status_with(f"Bearer {other}") == 200


def test_each_is_named_and_listed_and_revoked_by_itself(people: People) -> None:
    instrument = issue(people.submitter.email, "--name", "Scanner 2").strip()
    script = issue(people.submitter.email).strip()
    assert status_with(f"Bearer {instrument}") == 200
    out = StringIO()
    call_command("list_tokens", people.submitter.email, stdout=out)
    listed = out.getvalue().splitlines()
    assert [line.split("  ")[0] for line in listed] == ["Token 1", "Scanner 2"]
    assert "last used never" in listed[0]
    assert "last used 2" in listed[1]
    assert not any(secret[:15] in out.getvalue() for secret in (instrument, script))
    with pytest.raises(CommandError):
        issue(people.submitter.email, "--name", "scanner 2")
    call_command("revoke_tokens", people.submitter.email, "--name", "scanner 2", stdout=StringIO())
    assert status_with(f"Bearer {instrument}") == 401
    assert status_with(f"Bearer {script}") == 200
    with pytest.raises(CommandError):
        call_command("revoke_tokens", people.submitter.email, "--name", "scanner 2")


def test_the_last_use_is_written_down_once_a_minute(people: People) -> None:
    token = issue(people.submitter.email).strip()
    start = timezone.now()
    used = []
    for seconds in (0, 30, 90):
        with time_machine.travel(start + timedelta(seconds=seconds), tick=False):
            status_with(f"Bearer {token}")
        used.append(present(tokens_of(people.submitter).get().last_used_at) - start)
    assert used == [timedelta(0), timedelta(0), timedelta(seconds=90)]


# --- What ends all of them


def _change(client: Client, person: User) -> None:
    entered = {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW}
    client.post("/account/password/change/", entered)


def _reset(client: Client, person: User, mailoutbox: Mails) -> None:
    client.logout()
    client.post("/account/password/reset/", {"email": person.email})
    link = next(word for word in mailoutbox[-1].body.split() if "/password/reset/key/" in word)
    page = client.get(link, follow=True)
    client.post(page.redirect_chain[-1][0], {"password1": NEW, "password2": NEW})


def _shell(client: Client, person: User) -> None:
    person.set_password(NEW)
    person.save(update_fields=["password"])


NEW = "another long pass phrase"


@pytest.mark.parametrize("way", [_change, _reset, _shell])
def test_all_end_with_the_password_whichever_way_it_changes(
    people: People, client: Client, mailoutbox: Mails, way: Callable[..., None]
) -> None:
    tokens = [issue(people.submitter.email).strip() for _ in range(2)]
    other = issue(people.reviewer.email).strip()
    client.force_login(people.submitter)
    way(client, people.submitter, *([mailoutbox] if way is _reset else []))
    people.submitter.refresh_from_db()
    assert people.submitter.check_password(NEW)
    assert [status_with(f"Bearer {token}") for token in tokens] == [401, 401]
    assert not tokens_of(people.submitter)
    assert status_with(f"Bearer {other}") == 200


def test_a_hash_that_is_brought_up_to_date_ends_none(people: People, settings: Settings) -> None:
    token = issue(people.submitter.email).strip()
    settings.PASSWORD_HASHERS = [
        *settings.PASSWORD_HASHERS,
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    ]
    people.submitter.password = make_password(PASSWORD, hasher="pbkdf2_sha256")
    assert people.submitter.check_password(PASSWORD)
    assert people.submitter.password.startswith("md5")
    assert status_with(f"Bearer {token}") == 200


def test_all_end_with_the_account_and_do_not_come_back_with_it(people: People) -> None:
    token = issue(people.submitter.email).strip()
    membership = people.submitter.memberships.get()
    services.deactivate(people.lab_admin, membership)
    assert status_with(f"Bearer {token}") == 401
    services.reactivate(people.lab_admin, membership)
    assert status_with(f"Bearer {token}") == 401
    people.submitter.refresh_from_db()
    people.submitter.is_active = False
    people.submitter.save()
    with pytest.raises(NotAllowed):
        issue_token(people.submitter)


def test_those_of_before_go_on_working_under_a_number(people: People) -> None:
    tokens = [issue(people.submitter.email, "--name", name).strip() for name in ("x", "y")]
    migration = import_module("portal.accounts.migrations.0005_api_tokens")
    with connection.cursor() as cursor:
        columns = "digest, token_key, created, expiry, user_id"
        cursor.execute(f"INSERT INTO knox_authtoken ({columns}) SELECT {columns} FROM accounts_apitoken")
        cursor.execute("DELETE FROM accounts_apitoken")
        cursor.execute(migration.TAKE_OVER)
    assert [status_with(f"Bearer {token}") for token in tokens] == [200, 200]
    assert {row.name for row in tokens_of(people.submitter)} == {"Token 1", "Token 2"}


# --- The page


PAGE = "/account/tokens/"


@pytest.fixture
def session(people: People, client: Client) -> Client:
    """The submitter's, who has just entered the password again."""
    client.force_login(people.submitter)
    assert client.post(PAGE, {"name": "Mine", "days": 5})["Location"].startswith("/account/reauthenticate/")
    assert client.post("/account/reauthenticate/", {"password": PASSWORD}).status_code == 302
    assert not tokens_of(people.submitter)
    return client


def test_the_page_shows_a_token_once_and_lists_it(
    people: People, session: Client, mailoutbox: Mails, django_capture_on_commit_callbacks: OnCommit
) -> None:
    client = session
    with django_capture_on_commit_callbacks(execute=True):
        made = client.post(PAGE, {"name": "Scanner", "days": 5})
    assert made.status_code == 201
    assert "“Scanner”" in mailoutbox[-1].body
    assert "no-store" in made["Cache-Control"]
    secret = made.context["secret"]
    assert secret not in mailoutbox[-1].body
    assert secret in made.content.decode()
    assert status_with(f"Bearer {secret}") == 200
    again = client.get(PAGE).content.decode()
    assert "Scanner" in again
    assert secret[:15] not in again
    row = tokens_of(people.submitter).get()
    assert row.digest[:20] not in again
    assert row.expiry - timezone.now() < timedelta(days=5)
    # The page sent once more makes no second one.
    assert client.post(PAGE, {"name": "Scanner", "days": 5}).status_code == 409
    assert tokens_of(people.submitter).count() == 1


@pytest.mark.parametrize(
    "entered",
    [{"name": "", "days": 5}, {"name": "a\u202eb", "days": 5}, {"name": "a", "days": 0}, {"name": "a"}],
)
def test_the_page_refuses_beside_the_field(people: People, session: Client, entered: Document) -> None:
    assert session.post(PAGE, entered).status_code == 422
    assert not tokens_of(people.submitter)


def test_the_page_revokes_ones_own(people: People, client: Client) -> None:
    for name in ("x", "y"):
        issue_token(people.submitter, name=name)
    row, _secret = issue_token(people.submitter, name="z")
    client.force_login(people.stranger)
    assert client.post(f"{PAGE}{row.public_id}/revoke/").status_code == 302
    assert len(tokens_of(people.submitter)) == 3
    client.force_login(people.submitter)
    assert client.post(f"{PAGE}{row.public_id}/revoke/", follow=True).status_code == 200
    assert {one.name for one in tokens_of(people.submitter)} == {"x", "y"}
    client.post(f"{PAGE}revoke/")
    assert not tokens_of(people.submitter)


@pytest.mark.parametrize("arguments", [("nobody@lab.example",), ("{email}", "--days", "0")])
def test_the_command_refuses_in_words(people: People, arguments: tuple[str, str, str] | tuple[str]) -> None:
    with pytest.raises(CommandError):
        issue(*(argument.format(email=people.submitter.email) for argument in arguments))
    with pytest.raises(CommandError):
        call_command("revoke_tokens", "nobody@lab.example")


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer x y",
        "Bearer " + "0" * 64,
        "Bearer \xff\xfe",
        "Bearer a\x00b",
        "Bearer ../../etc",
        "Token " + "0" * 64,
        "Basic dXNlcjpwYXNz",
    ],
)
def test_whatever_is_no_token_is_401(db: None, authorization: str, is_problem: IsProblem) -> None:
    response = APIClient(HTTP_AUTHORIZATION=authorization).get(ME)
    is_problem(response, 401)
    assert response["WWW-Authenticate"] == "Bearer"


def test_a_browsers_session_is_no_token(people: People) -> None:
    client = APIClient()
    client.force_login(people.submitter)
    assert client.get(ME).status_code == 401
