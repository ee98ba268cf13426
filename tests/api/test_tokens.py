"""Tokens: printed once, stored hashed, ended by time, by command, and with the account."""

from datetime import timedelta
from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.utils import timezone
from knox.models import AuthToken
from rest_framework.test import APIClient

ME = "/api/v1/me/"


def issue(*arguments: str) -> str:
    out = StringIO()
    call_command("issue_token", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def status_with(authorization: str) -> int:
    return APIClient(HTTP_AUTHORIZATION=authorization).get(ME).status_code


def test_the_command_prints_the_token_and_nothing_else(people):
    printed = issue(people.submitter.email.upper())
    token = printed.removesuffix("\n")
    assert token.isalnum()
    assert len(token) == 64
    assert status_with(f"Bearer {token}") == 200
    stored = AuthToken.objects.get(user=people.submitter)
    assert token not in (stored.digest, stored.token_key)
    assert stored.expiry - timezone.now() > timedelta(days=89)


def test_a_token_ends_on_its_day(people):
    token = issue(people.submitter.email, "--days", "2").strip()
    with time_machine.travel(timezone.now() + timedelta(days=1, hours=23)):
        assert status_with(f"Bearer {token}") == 200
    with time_machine.travel(timezone.now() + timedelta(days=2, hours=1)):
        assert status_with(f"Bearer {token}") == 401


def test_revoking_ends_every_token_of_the_person_and_of_nobody_else(people):
    tokens = [issue(people.submitter.email).strip() for _ in range(2)]
    other = issue(people.reviewer.email).strip()
    out = StringIO()
    call_command("revoke_tokens", people.submitter.email, stdout=out)
    assert out.getvalue().startswith("2 tokens")
    assert [status_with(f"Bearer {token}") for token in tokens] == [401, 401]
    assert status_with(f"Bearer {other}") == 200


def test_a_token_ends_with_the_account(people):
    token = issue(people.submitter.email).strip()
    people.submitter.is_active = False
    people.submitter.save()
    assert status_with(f"Bearer {token}") == 401


@pytest.mark.parametrize("arguments", [("nobody@lab.example",), ("{email}", "--days", "0")])
def test_the_command_refuses_in_words(people, arguments):
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
def test_whatever_is_no_token_is_401(db, authorization, is_problem):
    response = APIClient(HTTP_AUTHORIZATION=authorization).get(ME)
    is_problem(response, 401)
    assert response["WWW-Authenticate"] == "Bearer"


def test_a_browsers_session_is_no_token(people):
    client = APIClient()
    client.force_login(people.submitter)
    assert client.get(ME).status_code == 401
