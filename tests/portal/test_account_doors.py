"""An open session is not the account: what changes who somebody is asks again, and the owner is told."""

import re
from collections.abc import Sequence
from importlib import import_module
from smtplib import SMTPServerDisconnected
from typing import NoReturn

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.apps import apps
from django.contrib.auth import SESSION_KEY
from django.core import mail
from django.core.mail import EmailMessage
from django.core.mail.backends.locmem import EmailBackend
from django.test import Client
from pytest_django.fixtures import Settings

from portal.accounts.addresses import vouch_for_address
from portal.accounts.models import Preferences, User
from portal.accounts.notices import tell_owner
from tests.factories import PASSWORD, UserFactory, authenticator_code
from tests.portal.addresses import patterns
from tests.portal.kinds import Mails, PageResponse, People

pytestmark = pytest.mark.django_db
SECRET = "JBSWY3DPEHPK3PXP"
EMAIL, AGAIN, NEW = "/account/email/", "/account/reauthenticate/", "mallory@evil.example"
ADD = {"action_add": "", "email": NEW}
NEW_PASSWORD = {"password1": "another pass phrase", "password2": "another pass phrase"}

#: Every address of allauth: what it changes without more than a session, with what is sent to try it.
ASKS_AGAIN: dict[str, Sequence[dict[str, str] | None]] = {
    "account_email": [
        ADD,
        {"action_remove": "", "email": "{old}"},
        {"action_primary": "", "email": "pending@lab.example"},
        {"action_remove": "", "email": "pending@lab.example"},
    ],
    "mfa_activate_totp": [{"code": "{code}"}],
    "mfa_deactivate_totp": [{}],
    "mfa_generate_recovery_codes": [{}],
    "mfa_view_recovery_codes": [None],
    "mfa_download_recovery_codes": [None],
}
#: Asks for the password itself, needs a key from a mail, or changes nothing of the account.
OTHERWISE = {
    "account_change_password": "asks for the password until now",
    "account_set_password": "leads to the mail with a link",
    "account_reset_password": "mails a link",
    "account_reset_password_done": "says that a mail is on its way",
    "account_reset_password_from_key": "needs the link",
    "account_reset_password_from_key_done": "says that it is done",
    "account_confirm_email": "needs the link",
    "account_email_verification_sent": "says that a mail is on its way",
    "account_reauthenticate": "asks again",
    "mfa_reauthenticate": "asks again",
    "account_login": "signs in",
    "account_logout": "signs out",
    "account_inactive": "says that the account is not active",
    "account_signup": "is closed",
    "account_confirm_login_code": "is not in use",
    "mfa_authenticate": "a stage of signing in",
    "mfa_index": "shows what there is",
}


@pytest.fixture
def owner(people: People) -> User:
    return people.reviewer


@pytest.fixture
def session(client: Client, owner: User) -> Client:
    """A browser in which the owner is signed in, and which somebody else sits down at."""
    client.force_login(owner)
    return client


def reauthenticate(client: Client, password: str = PASSWORD) -> PageResponse:
    return client.post(AGAIN, {"password": password})


def link_in(message: EmailMessage, part: str) -> str:
    found = re.search(rf"http://testserver(\S*{part}\S*)", str(message.body))
    assert found, message.body
    return found[1]


def test_every_address_of_an_account_is_known_here() -> None:
    of_accounts = {name for name, _pattern in patterns() if name.startswith(("account_", "mfa_"))}
    assert of_accounts == {*ASKS_AGAIN, *OTHERWISE}


def test_an_open_session_becomes_neither_account_nor_signature(
    session: Client, owner: User, mailoutbox: Mails
) -> None:
    answer = session.post(EMAIL, ADD)
    assert answer.status_code == 302
    assert answer["Location"].startswith(AGAIN)
    assert not EmailAddress.objects.filter(email=NEW).exists()
    assert not mailoutbox
    # Nor does the mail that could reset the password go there.
    Client().post("/account/password/reset/", {"email": NEW})
    assert all("/password/reset/key/" not in message.body for message in mailoutbox)
    owner.refresh_from_db()
    assert owner.email != NEW


def _state(owner: User) -> tuple[object, ...]:
    return (
        list(EmailAddress.objects.filter(user=owner).order_by("pk").values()),
        list(Authenticator.objects.filter(user=owner).order_by("pk").values()),
        User.objects.values("email", "password").get(pk=owner.pk),
    )


@pytest.mark.parametrize("with_second_factor", [False, True])
@pytest.mark.parametrize(
    ("name", "entered"), [(name, entered) for name, tries in ASKS_AGAIN.items() for entered in tries]
)
def test_what_changes_an_account_asks_again(
    session: Client,
    owner: User,
    mailoutbox: Mails,
    name: str,
    entered: dict[str, str] | None,
    with_second_factor: bool,
) -> None:
    if with_second_factor:
        TOTP.activate(owner, SECRET)
        RecoveryCodes.activate(owner)
    EmailAddress.objects.create(user=owner, email="pending@lab.example")
    before = _state(owner)
    path = EMAIL if name == "account_email" else f"/account/2fa/{_tail(name)}/"
    if entered is None:
        answer = session.get(path)
    else:
        filled = {key: value.format(old=owner.email, code="123456") for key, value in entered.items()}
        answer = session.post(path, filled)
    there_is_nothing = not with_second_factor and name.startswith("mfa_") and answer.status_code == 404
    is_there_already = with_second_factor and name == "mfa_activate_totp"
    assert there_is_nothing or "/reauthenticate/" in answer["Location"] or is_there_already
    assert _state(owner) == before
    assert not mailoutbox


def _tail(name: str) -> str:
    return {
        "mfa_activate_totp": "totp/activate",
        "mfa_deactivate_totp": "totp/deactivate",
        "mfa_generate_recovery_codes": "recovery-codes/generate",
        "mfa_view_recovery_codes": "recovery-codes",
        "mfa_download_recovery_codes": "recovery-codes/download",
    }[name]


def test_a_new_address_counts_when_it_is_verified_and_the_old_one_is_told(
    session: Client, owner: User, mailoutbox: Mails
) -> None:
    old, new = owner.email, "new@lab.example"
    assert reauthenticate(session, "wrong").status_code == 200
    assert reauthenticate(session).status_code == 302
    assert session.post(EMAIL, {"action_add": "", "email": new}).status_code == 302
    owner.refresh_from_db()
    assert owner.email == old
    assert [message.to for message in mailoutbox] == [[new]]
    for browser, email in ((Client(), new), (Client(), old)):
        browser.post("/account/login/", {"login": email, "password": PASSWORD})
        assert (SESSION_KEY in browser.session) is (email == old)
    Client().post("/account/password/reset/", {"email": new})
    assert "/password/reset/key/" not in mailoutbox[-1].body
    # A second factor does not wait for it.
    assert "verified" not in session.get("/account/2fa/totp/activate/", follow=True).content.decode()
    session.post(link_in(mailoutbox[0], "confirm-email"))
    owner.refresh_from_db()
    assert owner.email == new
    assert [(row.email, row.verified) for row in EmailAddress.objects.filter(user=owner)] == [(new, True)]
    told = mailoutbox[-1]
    assert told.to == [old]
    assert new in told.body
    assert "If this was not you" in told.body


def test_an_address_of_somebody_else_is_not_taken_over(
    session: Client, owner: User, people: People, mailoutbox: Mails
) -> None:
    reauthenticate(session)
    session.post(EMAIL, {"action_add": "", "email": people.submitter.email})
    assert session.post(link_in(mailoutbox[0], "confirm-email")).status_code in (200, 302)
    owner.refresh_from_db()
    assert owner.email != people.submitter.email


def test_a_pending_address_does_not_keep_a_second_factor_away(session: Client, owner: User) -> None:
    EmailAddress.objects.create(user=owner, email="pending@lab.example")
    reauthenticate(session)
    session.get("/account/2fa/totp/activate/")
    secret = session.session["mfa.totp.secret"]
    code = authenticator_code(secret)
    assert session.post("/account/2fa/totp/activate/", {"code": code}).status_code == 302
    assert Authenticator.objects.filter(user=owner, type="totp").exists()


@pytest.mark.django_db(transaction=True)
def test_the_owner_is_told_of_every_change(
    session: Client, owner: User, mailoutbox: Mails, settings: Settings
) -> None:
    settings.TIME_ZONE = "Europe/Madrid"
    reauthenticate(session)
    session.get("/account/2fa/totp/activate/")
    secret = session.session["mfa.totp.secret"]
    code = authenticator_code(secret)
    session.post("/account/2fa/totp/activate/", {"code": code})
    session.post("/account/2fa/recovery-codes/generate/")
    session.post("/account/2fa/totp/deactivate/")
    session.post("/account/password/change/", {"oldpassword": PASSWORD, **NEW_PASSWORD})
    subjects = [message.subject for message in mailoutbox]
    assert len(subjects) == len(set(subjects)) == 4, subjects
    for message in mailoutbox:
        assert message.to == [owner.email]
        assert "127.0.0.1" in message.body
        assert re.search(r"When: \d+ \w+ \d{4}, \d\d:\d\d CES?T", str(message.body)), message.body


def test_a_password_set_by_mail_is_told_too(owner: User, mailoutbox: Mails) -> None:
    browser = Client()
    browser.post("/account/password/reset/", {"email": owner.email.upper()})
    form = browser.get(link_in(mailoutbox[0], "password/reset/key"), follow=True).redirect_chain[-1][0]
    browser.post(form, NEW_PASSWORD)
    owner.refresh_from_db()
    assert owner.check_password(NEW_PASSWORD["password1"])
    assert mailoutbox[-1].to == [owner.email]
    assert len(mailoutbox) == 2


def test_without_a_password_the_first_one_comes_by_mail(session: Client, owner: User) -> None:
    User.objects.filter(pk=owner.pk).update(password="!")
    owner.refresh_from_db()
    session.force_login(owner)
    assert session.post("/account/password/set/", NEW_PASSWORD)["Location"] == "/account/password/reset/"
    assert session.post(EMAIL, ADD).status_code == 403
    assert not EmailAddress.objects.filter(email=NEW).exists()


class _Away(EmailBackend):
    def send_messages(self, messages: Sequence[EmailMessage]) -> NoReturn:
        raise SMTPServerDisconnected


def test_a_mail_server_that_is_away_breaks_no_change_and_is_named(
    session: Client, owner: User, settings: Settings
) -> None:
    settings.EMAIL_BACKEND = f"{__name__}._Away"
    answer = session.post("/account/password/change/", {"oldpassword": PASSWORD, **NEW_PASSWORD})
    assert answer.status_code == 302
    answers = [
        Client().post("/account/password/reset/", {"email": email})
        for email in (owner.email, "nobody@lab.example")
    ]
    assert [answer.status_code for answer in answers] == [503, 503]
    assert "the mail server closed the connection" in answers[0].content.decode()
    assert not tell_owner(owner, "token_issued", name="Script")


def test_tokens_are_told_in_the_persons_language(owner: User) -> None:
    Preferences.objects.create(user=owner, language="es")
    for template in ("token_issued", "token_revoked", "tokens_revoked"):
        assert tell_owner(owner, template, name="Analyser 2")
    assert [message.to for message in mail.outbox] == [[owner.email]] * 3
    assert "Analyser 2" in mail.outbox[0].body
    assert "Si no ha sido usted" in mail.outbox[0].body
    assert mail.outbox[0].subject == "Se ha creado un token de API para su cuenta"


def test_a_new_account_begins_with_its_address_verified() -> None:
    user = UserFactory.create(email="somebody@lab.example")
    (row,) = EmailAddress.objects.filter(user=user)
    assert (row.email, row.verified, row.primary) == ("somebody@lab.example", True, True)
    assert vouch_for_address(user) == row


def test_accounts_from_before_keep_the_address_they_sign_in_with() -> None:
    user = UserFactory.create(email="old@lab.example")
    EmailAddress.objects.filter(user=user).delete()
    EmailAddress.objects.create(user=user, email=NEW, verified=False, primary=True)
    import_module("portal.accounts.migrations.0004_verified_addresses").vouch(apps, None)
    assert [(row.email, row.verified, row.primary) for row in EmailAddress.objects.filter(user=user)] == [
        ("old@lab.example", True, True)
    ]
