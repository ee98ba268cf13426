"""While PostgreSQL cannot be reached: 503 with Retry-After everywhere, what was typed is kept, and all comes back."""

import re
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from html import unescape

import psycopg
import pytest
from django.conf import settings as django_settings
from django.db import OperationalError, connection
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from portal.accounts.choices import Role
from portal.accounts.models import User
from portal.accounts.tokens import issue_token
from portal.web import outage
from tests.factories import LaboratoryFactory, member
from tests.portal.kinds import PageResponse

WORDS = {"en": "The database is restarting.", "es": "La base de datos se está reiniciando."}


@contextmanager
def refusing() -> Iterator[None]:
    """PostgreSQL behind a port at which nobody listens."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        real = {name: connection.settings_dict[name] for name in ("HOST", "PORT")}
        connection.close()
        connection.settings_dict.update(HOST="127.0.0.1", PORT=nobody.getsockname()[1])
        try:
            yield
        finally:
            connection.close()
            connection.settings_dict.update(real)


@contextmanager
def ended_by_the_server() -> Iterator[None]:
    """The connection is ended, as by a shutdown, when the first statement is sent."""

    def end(execute: Callable[..., object], sql: str, params: object, many: bool, context: object) -> object:
        with psycopg.connect(**connection.get_connection_params()) as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [connection.connection.info.backend_pid])
        return execute(sql, params, many, context)

    with connection.execute_wrapper(end):
        yield
    connection.close()


@pytest.fixture
def reviewer(transactional_db: None, settings: Settings) -> User:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    return member(LaboratoryFactory.create(), Role.REVIEWER)


@pytest.fixture
def browser(reviewer: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(reviewer)
    return client


def is_away(response: PageResponse) -> None:
    assert response.status_code == 503, response.content
    assert response["Retry-After"] == str(outage.RETRY_SECONDS)
    assert "no-store" in response["Cache-Control"]


@pytest.mark.parametrize("away", [refusing, ended_by_the_server])
def test_every_kind_of_client_is_told_to_come_back(
    away: Callable[[], AbstractContextManager[None]], browser: Client, reviewer: User
) -> None:
    api = Client(
        raise_request_exception=False, headers={"Authorization": f"Bearer {issue_token(reviewer)[1]}"}
    )
    worklist = reverse("cases:worklist")
    for language, words in WORDS.items():
        with away():
            page = browser.get(worklist, headers={"Accept-Language": language})
        is_away(page)
        assert words in unescape(page.text)
        assert f'<html lang="{language}"' in page.text
        assert f'href="{worklist}"' in page.text
    with away():
        answers = {
            "script": browser.get(worklist, headers={"Accept": "application/json"}),
            "htmx": browser.get(worklist, headers={"HX-Request": "true"}),
        }
    for name, answer in answers.items():
        is_away(answer)
        assert answer.json()["code"] == "database_away", name
        assert WORDS["en"] in answer.json()["message"]
    for method, path in (("get", "/api/v1/cases/"), ("post", "/api/v1/cases/"), ("get", "/api/v1/nowhere/")):
        with away():
            answer = getattr(api, method)(path, content_type="application/json")
        if path.endswith("nowhere/"):  # needs no database
            assert answer.status_code == 404
            continue
        is_away(answer)
        assert answer["Content-Type"] == "application/problem+json"
        assert answer.json()["code"] == "database_away"
    # And by itself all is as before.
    assert browser.get(worklist).status_code == 200
    assert api.get("/api/v1/cases/").status_code == 200


def test_what_was_typed_comes_back_to_be_sent_again_without_the_password(browser: Client) -> None:
    typed = {
        "name": 'Mine, "quoted" & <b>',
        "query": "state=draft",
        "password": "hunter2",
        "secret": "123456",
    }
    with refusing():
        page = browser.post(reverse("cases:save_filter"), typed)
    is_away(page)
    kept = {
        name: unescape(value)
        for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text)
    }
    assert kept == {"name": typed["name"], "query": typed["query"]}
    assert f'action="{reverse("cases:save_filter")}"' in page.text
    assert "hunter2" not in page.text
    assert browser.post(reverse("cases:save_filter"), kept).status_code in (200, 302)


def test_health_says_so_and_no_part_of_it_waits_for_the_database(transactional_db: None) -> None:
    with refusing():
        answer = Client(raise_request_exception=False).get("/health/live")
    assert answer.status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement", ["SET LOCAL statement_timeout = 1; SELECT pg_sleep(1)", "SELECT 1 / 0", "SELECT nothing"]
)
def test_a_fault_of_another_kind_is_no_outage(statement: str) -> None:
    with pytest.raises(Exception) as raised, connection.cursor() as cursor:  # noqa: PT011 - of several kinds
        cursor.execute(statement)
    assert not outage.is_outage(raised.value)
    later = ValueError("in the template")
    later.__context__ = OperationalError("connection refused")
    assert outage.is_outage(later)


def test_the_driver_gives_up_a_server_that_does_not_answer() -> None:
    options = django_settings.DATABASES["default"]
    assert options["OPTIONS"]["connect_timeout"] <= 10
    assert options["CONN_HEALTH_CHECKS"] is True
