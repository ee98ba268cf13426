"""What is searched for, who asks, and what the code was working on when it failed, does not reach the log."""

import logging
import sys
from itertools import product
from smtplib import SMTPRecipientsRefused

import pytest
import structlog
from allauth.account.adapter import get_adapter
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage, get_connection
from django.db import IntegrityError, connection, transaction
from django.test import Client, RequestFactory
from django.urls import NoReverseMatch, reverse
from pytest_django.fixtures import Settings
from rest_framework.request import Request
from structlog.testing import capture_logs

from portal import mail
from portal.accounts.models import User
from portal.api.framework import AnonymousThrottle
from portal.config.masking import MaskArguments, description, formatter, masked
from portal.config.request_log import noted_path
from portal.web.client_address import client_address
from tests.portal.addresses import patterns, takes_arguments
from tests.portal.kinds import People

SECRET = "-".join(("P", "secret", "0815"))
ADDRESS = "nora.new@lab.example"
HASH = "argon2$argon2id$v=19$m=102400,t=2,p=8$c2FsdA$aGFzaA"
KEY = "Zk3-d9f00c1a2b3c4d5e6f708192a3b4c5d6"
ID = "8f9ec3a7-e322-446c-9287-101f313c0f65"


def work_on(_pseudonym: str) -> None:
    raise ValueError("broken")


def failing(error: Exception) -> logging.LogRecord:
    """The record of an exception, as Django, gunicorn and Celery write it."""
    try:
        raise error
    except type(error):
        return logging.LogRecord("portal", logging.ERROR, __file__, 1, "failed", None, sys.exc_info())


def written(record: logging.LogRecord, style: str = "line") -> str:
    MaskArguments().filter(record)
    return formatter(style).format(record)


@pytest.mark.parametrize("style", ["line", "json"])
def test_a_traceback_names_the_place_and_no_values(style: str) -> None:
    try:
        work_on(SECRET)
    except ValueError:
        record = logging.LogRecord("portal", logging.ERROR, __file__, 1, "failed", None, sys.exc_info())
    text = written(record, style)
    assert "in work_on" in text
    assert "ValueError: broken" in text
    assert SECRET not in text


@pytest.mark.parametrize(
    "error",
    [
        ValueError(f"invalid literal for int() with base 10: {SECRET!r}"),
        KeyError(SECRET),
        ValueError(f'could not read "{SECRET}"\nand what follows'),
        ValidationError({"email": [f"“{ADDRESS}” is taken.", SECRET]}),
        SMTPRecipientsRefused({ADDRESS: (550, b"no such user")}),
        RuntimeError(
            f"no link for {ADDRESS}: https://portal.lab.example/users/invitation/{KEY}/?next={SECRET}"
        ),
        RuntimeError(f"rehash {HASH}"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_exceptions_are_told_without_their_values(error: Exception) -> None:
    for text in (written(failing(error)), description(error)):
        for secret in (SECRET, ADDRESS, KEY, HASH):
            assert secret not in text, text
    assert type(error).__name__ in written(failing(error))


def test_a_statement_that_fails_is_told_by_its_kind(people: People) -> None:
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        User.objects.create(email=people.reviewer.email, password=HASH, full_name=SECRET)
    text = written(failing(caught.value))
    assert "UniqueViolation: 23505 table accounts_user constraint accounts_user_email" in text
    assert "The above exception was the direct cause" in text
    assert people.reviewer.email in str(caught.value)
    for secret in (people.reviewer.email, HASH, SECRET):
        assert secret not in text
    with (
        pytest.raises(Exception, match=SECRET) as refused,
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT %s::integer", [SECRET])
    assert SECRET not in written(failing(refused.value))


@pytest.mark.parametrize(
    ("logger", "message", "arguments"),
    [
        ("django.security", "Not Found: %s", (f"/account/password/reset/key/1-{KEY}/",)),
        ("django.security", "Not Found: %s", (f"/cases/{SECRET}/",)),
        ("django.security.csrf", "Forbidden (%s): %s", ("CSRF cookie not set.", f"/users/invitation/{KEY}/")),
        ("gunicorn.error", "Error handling request %s", (f"/cases/?q={SECRET}",)),
        ("portal", "It failed: %s", (ValueError(repr(SECRET)),)),
        ("portal", f"mail to {ADDRESS}, redis://:{KEY}@127.0.0.1/0, {HASH}, Authorization: Bearer {KEY}", ()),
        (
            "celery.app.trace",
            "Task %(name)s raised unexpected: %(exc)s",
            ({"name": "worker.mail", "exc": f"ValueError({SECRET!r})", "args": f"[{ADDRESS!r}]"},),
        ),
    ],
)
def test_lines_of_other_libraries_hold_no_secret(
    logger: str, message: str, arguments: tuple[object, ...]
) -> None:
    record = logging.LogRecord(logger, logging.WARNING, __file__, 1, message, arguments, None)
    text = written(record)
    for secret in (SECRET, ADDRESS, KEY, HASH):
        assert secret not in text, text


def test_ids_places_and_workers_stay_readable() -> None:
    for words in (
        f"GET /cases/images/{ID}/tiles_files/8/0_0.jpg",
        "celery@node-1 ready.",
        "leukemia_vgg16 v3, weights 0123456789ab",
    ):
        assert masked(words) == words


def test_the_log_names_the_path_and_not_the_query(client: Client, people: People) -> None:
    client.force_login(people.submitter)
    with capture_logs() as lines:
        client.get("/cases/", {"q": SECRET})
    assert any(line.get("request") == "GET /cases/" for line in lines)
    assert SECRET not in str(lines)


def test_no_address_with_a_secret_in_it_is_noted() -> None:
    """Whatever address takes a key, under whatever name it does."""
    keys = ({"token": KEY}, {"key": KEY}, {"uidb36": "1", "key": KEY}, {"secret": KEY})
    noted = []
    for name, arguments in product((name for name, pattern in patterns() if takes_arguments(pattern)), keys):
        try:
            path = reverse(name, kwargs=arguments)
        except NoReverseMatch:
            continue
        noted.append(noted_path(path))
        assert KEY not in noted_path(path), path
        assert KEY not in noted_path(path.rstrip("/")), path
    assert {"[accounts:accept_invitation]", "[account_reset_password_from_key]"} <= set(noted)
    assert KEY not in noted_path(f"/users/invitations/{KEY}/oops/")
    assert noted_path(f"/cases/{ID}/") == f"/cases/{ID}/"


@pytest.mark.parametrize(
    ("proxies", "forwarded", "expected"),
    [
        (0, "6.6.6.6", "10.0.0.9"),
        (1, "6.6.6.6, 192.0.2.7", "192.0.2.7"),
        (2, "6.6.6.6, 192.0.2.7, 10.0.0.8", "192.0.2.7"),
        (2, "192.0.2.7", "10.0.0.9"),
        (1, "6.6.6.6, <script>", "10.0.0.9"),
        (1, "", "10.0.0.9"),
    ],
)
def test_only_what_our_proxies_say_of_the_client_counts(
    proxies: int, forwarded: str, expected: str, settings: Settings, rf: RequestFactory
) -> None:
    settings.TRUSTED_PROXIES = proxies
    request = rf.get("/", HTTP_X_FORWARDED_FOR=forwarded, REMOTE_ADDR="10.0.0.9")
    assert client_address(request) == expected
    assert get_adapter().get_client_ip(request) == expected
    assert AnonymousThrottle().get_ident(Request(request)) == expected


@pytest.mark.django_db
def test_a_forged_address_is_not_logged(client: Client) -> None:
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
        client.get("/account/login/", HTTP_X_FORWARDED_FOR="6.6.6.6")
    assert {line["ip"] for line in lines if "request" in line} == {"127.0.0.1"}


def test_without_a_mail_server_nothing_of_a_mail_is_kept(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert mail.is_configured()
    settings.EMAIL_BACKEND = "portal.mail.NoMail"
    assert not mail.is_configured()
    with capture_logs() as lines:
        message = EmailMessage("Invitation", f"https://x/{KEY}", None, [ADDRESS], connection=get_connection())
        assert message.send() == 0
    assert lines == [{"event": "mail.not_configured", "dropped": 1, "log_level": "warning"}]
    assert capsys.readouterr().out == ""
