"""Mail: what goes at once, what waits for the digest, what is repaired, and what no mail ever holds."""

import base64
import json
import re
import threading
from datetime import timedelta
from pathlib import Path

import pytest
import redis
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from django.conf import settings as configured
from django.core import mail
from django.db import connection, transaction
from django.db.models import F
from pytest_django.fixtures import Settings

from portal.accounts.choices import MailChoice, Role
from portal.accounts.models import Laboratory, Preferences, User
from portal.cases.models import Case
from portal.notifications import mails
from portal.notifications.choices import Kind
from portal.notifications.models import Notification
from portal.notifications.services import mark_read, notify
from portal.reading.claims import claim
from portal.reading.services import return_to_submitter
from portal.reports.alerts.reminders import remind
from portal.reports.alerts.services import acknowledge
from portal.reports.models import Alert
from tests.factories import active_model, analysed, draft, member, signed
from tests.mail_server import MailServer, serving
from worker.tasks import mail_notification, send_due_mails

pytestmark = pytest.mark.django_db


@pytest.fixture
def reviewer(lab: Laboratory) -> User:
    return member(lab, Role.REVIEWER)


@pytest.fixture
def case(submitter: User, lab: Laboratory) -> Case:
    return draft(submitter, lab, images=0, patient_pseudonym="P-SECRET")


def wish(user: User, choice: MailChoice, language: str = "") -> None:
    Preferences.objects.update_or_create(user=user, defaults={"mail": choice, "language": language})


def pass_hours(hours: float) -> None:
    Notification.objects.update(created_at=F("created_at") - timedelta(hours=hours))


def tell(case: Case, *kinds: Kind, to: User | None = None) -> list[Notification]:
    """Notifications whose message has come to the worker."""
    told = [one for kind in kinds for one in notify(kind, case, to=[to or case.created_by])]
    for one in told:
        mail_notification(one.pk)
    return told


def subjects() -> list[str]:
    return [str(message.subject) for message in mail.outbox]


@pytest.mark.parametrize(
    ("choice", "at_once"),
    [
        (MailChoice.IMMEDIATELY, ["case_returned", "report_signed", "urgent_finding", "cases_assigned"]),
        (MailChoice.DIGEST, ["case_returned", "urgent_finding"]),
        (MailChoice.NEVER, ["urgent_finding"]),
    ],
)
def test_what_goes_at_once_is_the_kind_s_and_the_person_s_choice(
    case: Case, submitter: User, choice: MailChoice, at_once: list[str]
) -> None:
    wish(submitter, choice)
    kinds = (Kind.CASE_RETURNED, Kind.REPORT_SIGNED, Kind.URGENT_FINDING, Kind.CASES_ASSIGNED)
    told = tell(case, *kinds)
    for one in told:
        one.refresh_from_db()
    assert [one.kind for one in told if one.mailed_at] == at_once
    assert subjects() == [f"{Kind(kind).label}: {case.accession}" for kind in at_once]
    send_due_mails()
    assert len(mail.outbox) == len(at_once)


def test_a_message_that_comes_twice_mails_once(case: Case) -> None:
    (one,) = tell(case, Kind.CASE_RETURNED)
    mail_notification(one.pk)
    send_due_mails()
    assert len(mail.outbox) == 1


def test_the_digest_is_one_mail_of_everything_unseen_once_the_oldest_has_waited(
    case: Case, lab: Laboratory, submitter: User, settings: Settings
) -> None:
    settings.DIGEST_HOURS = 4
    other = draft(submitter, lab, images=0)
    seen = tell(draft(submitter, lab, images=0), Kind.REPORT_SIGNED)[0]
    mark_read(seen)
    tell(case, Kind.REPORT_SIGNED, Kind.REPORT_AMENDED)
    pass_hours(3.9)
    tell(other, Kind.REPORT_SIGNED)
    assert mails.send_due() == 0
    pass_hours(0.2)
    assert [mails.send_due(), mails.send_due()] == [1, 0]
    (digest,) = mail.outbox
    assert digest.to == [submitter.email]
    assert digest.subject == "Hemalens: news of 2 cases"
    assert re.findall(r"\* (.+)", str(digest.body)) == [
        f"The report of {other.accession} was signed.",
        f"The report of {case.accession} was signed.",
        f"The report of {case.accession} was amended.",
    ]
    assert len(re.findall(r"http://\S+/notifications/\d+/", str(digest.body))) == 2
    assert seen.case.accession not in digest.body


def test_nobody_gets_a_digest_who_wants_none_or_has_left(
    case: Case, lab: Laboratory, submitter: User, reviewer: User
) -> None:
    wish(submitter, MailChoice.NEVER)
    tell(case, Kind.REPORT_SIGNED)
    tell(case, Kind.CASES_ASSIGNED, to=reviewer)
    reviewer.memberships.update(is_active=False)
    pass_hours(24)
    assert mails.send_due() == 0
    wish(submitter, MailChoice.DIGEST)
    pass_hours(24 * 7)
    assert mails.send_due() == 0, "what is old is on the page only"


def test_no_mail_holds_an_answer_a_pseudonym_or_what_somebody_wrote(
    lab: Laboratory, submitter: User, reviewer: User
) -> None:
    """Every mail that a malignant case and a returned one cause, to whoever gets any."""
    active_model()
    admin = member(lab, Role.LAB_ADMIN)
    for user in (submitter, reviewer, admin):
        wish(user, MailChoice.IMMEDIATELY)
    found = analysed(submitter, lab, patient_pseudonym="P-SECRET", clinical_note="Pancytopenia.")
    returned = analysed(submitter, lab, patient_pseudonym="P-SECRET")
    signed(reviewer, found)
    claim(reviewer, returned)
    return_to_submitter(reviewer, returned, missing="P-SECRET: blasts, likely Pre-B.")
    notify(Kind.ADJUDICATED, found, to=[reviewer], words="Pre-B")
    Alert.objects.update(raised_at=F("raised_at") - timedelta(days=1))
    remind()
    wish(submitter, MailChoice.DIGEST)  # the same once more, as a digest
    send_due_mails()
    Notification.objects.filter(user=submitter).update(mailed_at=None)
    pass_hours(24)
    send_due_mails()
    assert {message.to[0] for message in mail.outbox} == {submitter.email, reviewer.email, admin.email}
    assert any(message.subject.startswith("Hemalens: news") for message in mail.outbox)
    for message in mail.outbox:
        raw = message.message().as_string()
        text = raw + message.body + message.subject
        assert found.accession in text or returned.accession in text
        for trace in (
            r"P-SECRET",
            r"Pancyto",
            r"\bPre\b",
            r"Pre-B",
            r"blast",
            r"malignan",
            r"\b0\.8|80\.0|80 %",
            r"\bhigh\b",
        ):
            assert not re.search(trace, _without_addresses(text)), (trace, text)


def _without_addresses(text: str) -> str:
    return re.sub(r"http://\S+|Message-ID: \S+|Date: .*|HL-\d+-\d+", "", text)


def test_an_acknowledged_finding_is_mailed_no_more(lab: Laboratory, submitter: User, reviewer: User) -> None:
    active_model()
    signed(reviewer, analysed(submitter, lab))
    acknowledge(submitter, Alert.objects.get())
    send_due_mails()
    assert not [subject for subject in subjects() if subject.startswith("Urgent")]


def test_a_mail_speaks_the_person_s_language(
    case: Case, submitter: User, settings: Settings, tmp_path: Path
) -> None:
    folder = tmp_path / "es" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    catalogue = Catalog(locale="es")
    catalogue.add(
        "%(accession)s was returned to you: something is missing.",
        "%(accession)s vuelve a usted: falta algo.",
    )
    with (folder / "django.mo").open("wb") as file:
        write_mo(file, catalogue)
    settings.LOCALE_PATHS = [tmp_path]
    wish(submitter, MailChoice.DIGEST, language="es")
    tell(case, Kind.CASE_RETURNED)
    assert f"{case.accession} vuelve a usted: falta algo." in mail.outbox[0].body


# --- When something is wrong --------------------------------------------------------------------------------


def test_a_server_that_is_away_loses_nothing(case: Case, submitter: User, smtp: int) -> None:
    (one,) = tell(case, Kind.CASE_RETURNED)
    assert mails.send_due() == 0
    one.refresh_from_db()
    assert (one.mailed_at, one.mail_after) == (None, None)
    with serving(smtp) as server:
        assert [mails.send_due(), mails.send_due()] == [1, 0]
    assert server.taken == [submitter.email]


def test_a_refused_address_waits_and_holds_up_nobody(
    case: Case, submitter: User, reviewer: User, mail_server: MailServer
) -> None:
    mail_server.refused.add(submitter.email)
    notify(Kind.CASE_RETURNED, case, to=[submitter, reviewer])
    assert mails.send_due() == 1
    assert mail_server.taken == [reviewer.email]
    mail_server.refused.clear()
    assert mails.send_due() == 0, "not again at once"
    Notification.objects.update(mail_after=F("mail_after") - timedelta(minutes=2))
    assert mails.send_due() == 1
    assert mail_server.taken == [reviewer.email, submitter.email]


@pytest.mark.django_db(transaction=True)
def test_two_workers_do_not_send_the_same(case: Case) -> None:
    (one,) = notify(Kind.CASE_RETURNED, case, to=[case.created_by])
    answers: list[bool] = []

    def another_worker() -> None:
        answers.append(mails.send_one(one.pk))
        connection.close()

    with transaction.atomic():
        Notification.objects.select_for_update().get(pk=one.pk)  # as a worker holds it that is sending
        other = threading.Thread(target=another_worker)
        other.start()
        other.join(10)
    assert answers == [False]
    assert mails.send_one(one.pk)
    assert len(mail.outbox) == 1


@pytest.mark.django_db(transaction=True)
def test_the_message_is_one_number_and_leaves_after_the_commit(case: Case) -> None:
    with redis.Redis.from_url(configured.BROKER_URL) as broker:
        broker.flushdb()
        with transaction.atomic():
            (one,) = notify(Kind.CASE_RETURNED, case, to=[case.created_by], words="P-SECRET")
            assert broker.keys("mail*") == []
        (raw,) = broker.lrange("mail", 0, -1)
        broker.flushdb()
    message = json.loads(raw)
    assert message["headers"]["task"] == "worker.mail_notification"
    assert json.loads(base64.b64decode(message["body"]))[0] == [one.pk]
    assert b"P-SECRET" not in raw
