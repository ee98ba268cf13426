"""Invitations: by mail to one address, redeemed once, and never at the cost of an account that is there."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO
from typing import Protocol, TypedDict

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.apps import apps
from django.core.mail import EmailMessage
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from portal.accounts import invitations
from portal.accounts.choices import Delivery, InvitationState, Role
from portal.accounts.models import Invitation, Laboratory, Membership, User
from portal.errors import Duplicate, Gone, Invalid, NotAllowed, WrongState
from tests.documents import Document
from tests.factories import PASSWORD, LaboratoryFactory, UserFactory, member
from tests.portal.kinds import Mails, OnCommit, People, present

pytestmark = pytest.mark.django_db

HERE = "/users/invitation/"
NEW = {"full_name": "Nora New", "password": PASSWORD, "password_again": PASSWORD}
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


class Elsewhere(TypedDict):
    """Another laboratory and its administrator."""

    laboratory: Laboratory
    by: User


class Invited(Protocol):
    """Invites an address and returns the path of the link in the mail."""

    def __call__(
        self, email: str = ..., laboratory: Laboratory = ..., by: User = ..., role: Role = ...
    ) -> str: ...


@pytest.fixture
def invited(
    people: People, lab: Laboratory, mailoutbox: Mails, django_capture_on_commit_callbacks: OnCommit
) -> Invited:
    """Invites an address and returns the path of the link in the mail."""

    def invite(
        email: str = "nora@lab.example",
        laboratory: Laboratory = lab,
        by: User = people.lab_admin,
        role: Role = Role.REVIEWER,
    ) -> str:
        with django_capture_on_commit_callbacks(execute=True):
            invitations.invite(by, email=email, laboratory=laboratory, role=role)
        return link_in(mailoutbox[-1])

    return invite


@pytest.fixture
def elsewhere() -> Elsewhere:
    """Another laboratory and its administrator."""
    house = LaboratoryFactory.create()
    return {"laboratory": house, "by": member(house, Role.LAB_ADMIN)}


def link_in(mail: EmailMessage) -> str:
    return present(re.search(r"https?://[^/]+(/users/invitation/\S+/)", str(mail.body)))[1]


def state(user: User) -> Document:
    return dict(
        User.objects.values("password", "is_active", "full_name", "is_superuser", "is_staff").get(pk=user.pk)
    )


def test_a_new_address_gets_an_account_with_its_address_verified(
    client: Client, invited: Invited, lab: Laboratory, mailoutbox: Mails
) -> None:
    link = invited("New.Person@Lab.Example")
    assert mailoutbox[-1].to == ["new.person@lab.example"]
    assert client.get(link)["Location"] == HERE
    assert "Join" in client.get(HERE).content.decode()
    weak = client.post(HERE, {**NEW, "password": "12345", "password_again": "12345"})
    assert weak.status_code == 400
    joined = client.post(HERE, NEW, follow=True)
    assert f"Welcome to {lab.name}" in joined.content.decode()
    user = User.objects.get(email="new.person@lab.example")
    assert (user.full_name, user.is_active, user.is_superuser) == ("Nora New", True, False)
    assert user.memberships.get().role == Role.REVIEWER
    assert EmailAddress.objects.get(user=user).verified
    assert client.session["_auth_user_id"] == str(user.pk)
    used = client.get(link)
    assert used.status_code == 410
    assert "has been used" in used.content.decode()


def test_nothing_but_the_mail_holds_the_token(
    client: Client, people: People, invited: Invited, caplog: pytest.LogCaptureFixture
) -> None:
    token = invited().split("/")[-2]
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        for model in apps.get_models():
            if model._meta.db_table not in tables:
                continue
            cursor.execute(
                f'SELECT count(*) FROM "{model._meta.db_table}" t WHERE t::text LIKE %s', [f"%{token}%"]
            )
            assert cursor.fetchone()[0] == 0, model
    client.force_login(people.lab_admin)
    page = client.get("/users/").content.decode()
    assert "nora@lab.example" in page
    assert token not in page
    assert Invitation.objects.get().token_sha256 not in page
    visitor = Client()
    visitor.get(f"{HERE}{token}/")
    assert token not in visitor.get(HERE).content.decode()
    assert token not in str(dict(visitor.session))


def test_the_owner_of_a_known_address_signs_in_through_every_stage_and_accepts(
    client: Client, people: People, invited: Invited, elsewhere: Elsewhere
) -> None:
    TOTP.activate(people.reviewer, SECRET)
    before = state(people.reviewer)
    link = invited(people.reviewer.email.upper(), role=Role.SUBMITTER, **elsewhere)
    page = client.get(link, follow=True).content.decode()
    assert 'name="password"' not in page
    assert f"/account/login/?next={HERE}" in page
    # Neither the link alone nor the password alone is enough.
    assert client.post(HERE, NEW).status_code == 200
    signed_in = client.post(
        "/account/login/", {"login": people.reviewer.email, "password": PASSWORD, "next": HERE}
    )
    assert "/2fa/authenticate/" in signed_in["Location"]
    client.post(HERE)
    assert not people.reviewer.memberships.filter(laboratory=elsewhere["laboratory"]).exists()
    code = format_hotp_value(hotp_value(SECRET, next(iter(yield_hotp_counters_from_time()))))
    assert client.post("/account/2fa/authenticate/", {"code": code})["Location"] == HERE
    assert client.post(HERE)["Location"] == "/"
    assert people.reviewer.memberships.get(laboratory=elsewhere["laboratory"]).role == Role.SUBMITTER
    assert state(people.reviewer) == before
    assert Invitation.objects.get().accepted_by == people.reviewer


@pytest.mark.parametrize("superuser", [False, True])
def test_a_closed_account_stays_closed(
    client: Client, invited: Invited, elsewhere: Elsewhere, superuser: bool
) -> None:
    closed = UserFactory.create(is_active=False, is_superuser=superuser)
    before = state(closed)
    link = invited(closed.email, **elsewhere)
    for answered in (client.get(link, follow=True), client.post(HERE, NEW)):
        assert answered.status_code == 403
        assert "Ask the operator" in answered.content.decode()
    assert state(closed) == before
    assert not closed.memberships.exists()
    key = Invitation.objects.get().token_sha256
    with pytest.raises(NotAllowed):
        invitations.accept(key, closed)
    with pytest.raises(WrongState):
        invitations.accept_with_new_account(key, full_name="Mallory", password=PASSWORD)
    assert state(closed) == before


def test_somebody_else_is_refused(client: Client, people: People, invited: Invited) -> None:
    link = invited()
    client.force_login(people.stranger)
    for answered in (client.get(link, follow=True), client.post(HERE, NEW)):
        assert answered.status_code == 403
        assert "nora@lab.example" in answered.content.decode()
    with pytest.raises(NotAllowed):
        invitations.accept(Invitation.objects.get().token_sha256, people.stranger)
    assert Membership.objects.count() == 4
    assert Invitation.objects.get().state == InvitationState.OPEN


def test_expired_withdrawn_and_unknown_links_say_why(
    client: Client, people: People, invited: Invited
) -> None:
    link = invited()
    invitation = Invitation.objects.get()
    client.get(link)
    Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert "has expired" in client.get(link).content.decode()
    assert "has expired" in client.post(HERE, NEW).content.decode()
    invitations.withdraw(people.lab_admin, invitation)
    assert "was withdrawn" in client.get(link).content.decode()
    assert client.post(HERE, NEW).status_code == 410
    assert client.get(f"{HERE}unknown/").status_code == 410
    assert Client().get(HERE).status_code == 410
    assert not User.objects.filter(email="nora@lab.example").exists()


def test_sent_again_the_old_link_ends(
    people: People, invited: Invited, mailoutbox: Mails, django_capture_on_commit_callbacks: OnCommit
) -> None:
    old = invited()
    Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    with django_capture_on_commit_callbacks(execute=True):
        invitations.send_again(people.lab_admin, Invitation.objects.get())
    assert Client().get(old).status_code == 410
    assert Client().get(link_in(mailoutbox[-1])).status_code == 302
    invitations.withdraw(people.lab_admin, Invitation.objects.get())
    for deed in (invitations.send_again, invitations.withdraw):
        with pytest.raises(WrongState):
            deed(people.lab_admin, Invitation.objects.get())


def test_only_administrators_invite_send_and_withdraw(
    people: People, lab: Laboratory, invited: Invited
) -> None:
    invited()
    for who in (people.submitter, people.reviewer, people.stranger):
        with pytest.raises(NotAllowed):
            invitations.invite(who, email="x@y.example", laboratory=lab, role=Role.REVIEWER)
        for deed in (invitations.send_again, invitations.withdraw):
            with pytest.raises(NotAllowed):
                deed(who, Invitation.objects.get())


def test_an_open_invitation_or_a_member_is_not_invited_twice(
    people: People, lab: Laboratory, invited: Invited
) -> None:
    invited()
    for email in ("NORA@lab.example", people.reviewer.email):
        with pytest.raises(Duplicate):
            invitations.invite(people.lab_admin, email=email, laboratory=lab, role=Role.REVIEWER)
    with pytest.raises(Invalid):
        invitations.invite(people.lab_admin, email="no address", laboratory=lab, role=Role.REVIEWER)


def test_a_member_by_then_keeps_the_role(people: People, lab: Laboratory, invited: Invited) -> None:
    membership = people.submitter.memberships.get()
    Membership.objects.filter(pk=membership.pk).update(is_active=False)
    invited(people.submitter.email)
    Membership.objects.filter(pk=membership.pk).update(is_active=True)
    with pytest.raises(WrongState):
        invitations.accept(Invitation.objects.get().token_sha256, people.submitter)
    assert people.submitter.memberships.get().role == Role.SUBMITTER


def test_a_mail_that_does_not_leave_is_shown(
    client: Client,
    people: People,
    lab: Laboratory,
    settings: Settings,
    django_capture_on_commit_callbacks: OnCommit,
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    client.force_login(people.lab_admin)
    with django_capture_on_commit_callbacks(execute=True):
        client.post(f"/users/{lab.slug}/invite/", {"email": "nora@lab.example", "role": "reviewer"})
    assert Invitation.objects.get().delivery == Delivery.FAILED
    page = client.get("/users/").content.decode()
    assert "the mail server refused it or did not answer" in page


def test_without_mail_the_operator_hands_the_link_over(
    client: Client, people: People, lab: Laboratory, settings: Settings
) -> None:
    settings.EMAIL_BACKEND = "portal.mail.NoMail"
    client.force_login(people.lab_admin)
    page = client.get("/users/").content.decode()
    assert "does not send e-mail" in page
    assert "Send invitation" not in page
    refused = client.post(f"/users/{lab.slug}/invite/", {"email": "nora@lab.example", "role": "reviewer"})
    assert refused.status_code == 409
    links = []
    for _time in range(2):
        out = StringIO()
        call_command(
            "invite", "nora@lab.example", laboratory=lab.slug, role="reviewer", stdout=out, stderr=StringIO()
        )
        links.append(present(re.search(r"/users/invitation/\S+/", out.getvalue()))[0])
    assert Client().get(links[0]).status_code == 410
    assert Client().get(links[1]).status_code == 302
    assert "Link printed for the operator" in client.get("/users/").content.decode()
    for wrong in ({"laboratory": "nowhere"}, {"email": people.reviewer.email}, {"email": "no address"}):
        given = {"email": "o@lab.example", "laboratory": lab.slug, **wrong}
        with pytest.raises(CommandError):
            call_command("invite", given["email"], laboratory=given["laboratory"], role="reviewer")


def test_the_page_shows_what_became_of_each(
    client: Client, people: People, lab: Laboratory, invited: Invited
) -> None:
    for name in ("sent", "expired", "withdrawn", "used"):
        invited(f"{name}@lab.example")
    rows = {row.email.split("@")[0]: row for row in Invitation.objects.all()}
    Invitation.objects.filter(pk=rows["expired"].pk).update(expires_at=timezone.now() - timedelta(days=1))
    invitations.withdraw(people.lab_admin, rows["withdrawn"])
    invitations.accept_with_new_account(rows["used"].token_sha256, full_name="U", password=PASSWORD)
    client.force_login(people.lab_admin)
    page = " ".join(client.get("/users/").content.decode().split())
    for email, word in (
        ("sent", "Sent"),
        ("expired", "Expired"),
        ("withdrawn", "Withdrawn"),
        ("used", "Used"),
    ):
        assert re.search(rf"<strong>{email}@lab\.example</strong>(?:(?!</li>).)*>{word}<", page), email
    assert page.count("Send again to") == 2


@pytest.mark.django_db(transaction=True)
def test_of_two_who_redeem_it_at_once_one_joins(people: People, lab: Laboratory) -> None:
    invitation, _link = invitations.invite_by_operator(
        email="n@lab.example", laboratory=lab, role=Role.REVIEWER
    )
    key = invitation.token_sha256

    def redeem(name: str) -> str:
        try:
            return str(invitations.accept_with_new_account(key, full_name=name, password=PASSWORD).full_name)
        except (Gone, WrongState) as error:
            return type(error).__name__
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        results = sorted(pool.map(redeem, ["Ann", "Bob"]))
    assert results[0] in ("Ann", "Bob")
    assert results[1] == "Gone"
    assert User.objects.filter(email="n@lab.example").count() == 1
