"""Urgent mail that does not leave: noted in words, shown to administrators and in health, and sent again."""

import inspect
import ssl
from collections.abc import Iterator
from datetime import timedelta
from smtplib import SMTPAuthenticationError, SMTPRecipientsRefused, SMTPServerDisconnected

import pytest
from django.core.cache import cache
from django.core.mail import send_mail
from django.db.models import F
from django.test import Client
from django.urls import reverse
from django.utils import translation
from pytest_django.fixtures import Settings

from portal import mail
from portal.accounts.choices import Role
from portal.accounts.models import Laboratory, User
from portal.api import health
from portal.desk.bell import Bell
from portal.notifications import mails
from portal.notifications.choices import Kind
from portal.notifications.models import Notification
from portal.reports.alerts.services import acknowledge
from portal.reports.models import Alert
from tests.factories import LaboratoryFactory, active_model, analysed, member, signed
from tests.mail_server import MailServer
from worker.tasks import mail_notification, send_due_mails

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_failure_noted() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def admin(lab: Laboratory) -> User:
    return member(lab, Role.LAB_ADMIN, full_name="Ada Admin")


@pytest.fixture
def alert(lab: Laboratory, submitter: User, admin: User, monkeypatch: pytest.MonkeyPatch) -> Alert:
    """An open urgent finding for the submitter, three minutes old, whose mail nobody has tried yet."""
    monkeypatch.setattr("portal.inference.sending.app.send_task", lambda *args, **options: None)
    active_model()
    signed(member(lab, Role.REVIEWER), analysed(submitter, lab))
    Notification.objects.update(created_at=F("created_at") - timedelta(minutes=3))
    return Alert.objects.get()


def part() -> tuple[str, str]:
    """The health part *mail*: whether it works, and what it says."""
    try:
        return "ok", inspect.unwrap(health.mail_)()
    except health.NotWorkingError as error:
        return "failed", str(error)


@pytest.fixture(autouse=True)
def _a_worker_for_mail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "worker_heartbeats", lambda queue="default": {"mail@test": {}})


def page(client: Client, user: User) -> str:
    client.force_login(user)
    return client.get(reverse("alerts:list")).content.decode()


@pytest.mark.parametrize(
    ("error", "failure", "code"),
    [
        (SMTPAuthenticationError(535, b"5.7.8 nora@lab.example failed"), mail.Failure.SIGN_IN, 535),
        (SMTPRecipientsRefused({"nora@lab.example": (550, b"none")}), mail.Failure.RECIPIENT, 550),
        (SMTPServerDisconnected("nora@lab.example"), mail.Failure.BROKEN_OFF, 0),
        (ssl.SSLCertVerificationError("wrong host"), mail.Failure.TLS, 0),
        (TimeoutError(), mail.Failure.TIMED_OUT, 0),
        (OSError(101, "Network is unreachable"), mail.Failure.UNREACHABLE, 0),
    ],
)
def test_a_failure_is_told_in_our_words(error: OSError, failure: mail.Failure, code: int) -> None:
    found = mail.failure_of(error)
    assert (found.failure, found.code) == (failure, code)
    assert "nora" not in found.words
    with translation.override("es"):
        assert found.words != str(mail.Failure(failure).label) or not code


def test_a_server_that_is_away_is_named_and_the_mail_leaves_once_it_is_back(
    client: Client, alert: Alert, admin: User, submitter: User, smtp: int, request: pytest.FixtureRequest
) -> None:
    assert part() == ("failed", "nothing has failed lately; 1 urgent wait, the oldest for 3 min")
    send_due_mails()
    status, said = part()
    assert status == "failed"
    assert "the mail server refused the connection; 1 urgent wait, the oldest for 3 min" in said
    shown = page(client, admin)
    assert f"No e-mail about it has been sent. Phone {submitter.full_name}." in shown
    assert "the mail server refused the connection" in shown
    assert Bell(admin).undelivered == [alert]
    assert f"{submitter.full_name} (" in client.get(reverse("cases:worklist")).content.decode()
    assert Bell(submitter).undelivered == []
    assert "No e-mail about it" not in page(client, submitter)

    server = request.getfixturevalue("mail_server")
    send_due_mails()
    assert server.taken == [submitter.email]
    status, said = part()
    assert status == "ok"
    assert said.startswith("last failure 20")
    assert Bell(admin).undelivered == []
    assert "No e-mail about it" not in page(client, admin)


def test_a_server_that_says_nothing_is_given_up_in_time(
    alert: Alert, mail_server: MailServer, settings: Settings
) -> None:
    settings.EMAIL_TIMEOUT = 0.3
    urgent = Notification.objects.get(user=alert.person, kind=Kind.URGENT_FINDING)
    mail_server.stalls.set()
    mail_notification(urgent.pk)
    assert mail_server.asked.is_set()
    last = mail.last_failure()
    assert last is not None
    assert last.failure == mail.Failure.TIMED_OUT
    mail_server.stalls.clear()
    mail_notification(urgent.pk)
    assert mail_server.taken == [alert.person.email]


def test_a_refused_address_waits_until_an_administrator_sends_again(
    client: Client,
    alert: Alert,
    admin: User,
    submitter: User,
    mail_server: MailServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    handed: list[int] = []

    def hand_over(one: Notification) -> bool:
        handed.append(one.pk)
        return True

    monkeypatch.setattr(mails, "send_notification", hand_over)
    mail_server.refused.add(submitter.email)
    send_due_mails()
    assert "the mail server refused the recipient&#x27;s address (550)" in page(client, admin)
    mail_server.refused.clear()
    send_due_mails()
    assert mail_server.taken == [], "not again so soon"

    address = reverse("alerts:mail_again", args=[alert.pk])
    client.force_login(submitter)
    assert client.post(address).status_code == 403
    client.force_login(admin)
    assert client.post(address).status_code == 302
    (one,) = handed
    mail_notification(one)
    assert mail_server.taken == [submitter.email]
    acknowledge(submitter, alert)
    assert client.post(address).status_code == 409


def test_a_stranger_cannot_send_again(client: Client, alert: Alert, db: None) -> None:
    client.force_login(member(LaboratoryFactory.create(), Role.LAB_ADMIN))
    assert client.post(reverse("alerts:mail_again", args=[alert.pk])).status_code == 404


def test_without_mail_everybody_who_can_help_is_told(
    client: Client, alert: Alert, admin: User, submitter: User, settings: Settings
) -> None:
    settings.EMAIL_BACKEND = "portal.mail.NoMail"
    send_due_mails()
    assert Notification.objects.filter(mailed_at=None).count() == Notification.objects.count()
    assert part() == (
        "failed",
        "not configured (EMAIL_URL): nothing is mailed; 1 urgent wait, the oldest for 3 min",
    )
    shown = page(client, admin)
    assert "E-mail is not set up here: the person named for a finding" in shown
    assert f"Phone {submitter.full_name}." in shown
    assert "Send the e-mail again" not in shown
    assert client.post(reverse("alerts:mail_again", args=[alert.pk])).status_code == 409
    assert "E-mail is not set up here" not in page(client, submitter)
    acknowledge(submitter, alert)
    assert part() == ("ok", "not configured (EMAIL_URL): nothing is mailed")


def test_what_has_just_been_signed_is_not_late(alert: Alert, admin: User) -> None:
    Notification.objects.update(created_at=F("created_at") + timedelta(minutes=2))
    assert Bell(admin).undelivered == []
    assert part()[0] == "ok"


def test_any_mail_that_fails_is_noted(smtp: int) -> None:
    with pytest.raises(ConnectionRefusedError):
        send_mail("Subject", "Body", None, ["nora@lab.example"])
    last = mail.last_failure()
    assert last is not None
    assert last.failure == mail.Failure.REFUSED_CONNECTION


def test_without_a_worker_for_mail_health_says_so(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setattr(health, "worker_heartbeats", lambda queue="default": {})
    said = "nothing has failed lately; nobody takes mail from its queue"
    assert part() == ("failed", said)
    request.getfixturevalue("alert")
    assert part() == ("failed", f"{said}; 1 urgent wait, the oldest for 3 min")
