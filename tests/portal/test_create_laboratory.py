"""The first laboratory of an installation: `manage.py create_laboratory`."""

import io

import pytest
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from portal.accounts import invitations
from portal.accounts.choices import Action, Role
from portal.accounts.models import Invitation, Laboratory, User
from portal.accounts.permissions import can
from tests.factories import PASSWORD, member

pytestmark = pytest.mark.django_db

ADA = {"email": "Ada@Lab.example"}


def create(name: str, **who: str) -> str:
    printed = io.StringIO()
    call_command("create_laboratory", name, **who, stdout=printed, stderr=io.StringIO())
    return printed.getvalue().strip()


def test_the_printed_link_makes_the_first_administrator(settings: Settings) -> None:
    settings.SITE_URL = "https://portal.example"
    link = create("Haematology North", **ADA)
    assert link.startswith("https://portal.example/users/invitation/")
    assert not User.objects.exists()
    key = invitations.digest(link.rstrip("/").rpartition("/")[2])
    assert key == Invitation.objects.get().token_sha256

    user = invitations.accept_with_new_account(key, full_name="Ada Admin", password=PASSWORD)

    laboratory = Laboratory.objects.get(slug="haematology-north")
    assert (user.email, user.full_name, user.is_active) == ("ada@lab.example", "Ada Admin", True)
    assert user.check_password(PASSWORD)
    assert user.memberships.get().role == Role.LAB_ADMIN
    assert can(user, Action.MANAGE_USERS, laboratory)


def test_somebody_with_an_account_is_offered_the_role_and_keeps_the_password(lab: Laboratory) -> None:
    known = member(lab, Role.REVIEWER)
    create("Second House", email=known.email)
    invitations.accept(Invitation.objects.get().token_sha256, known)
    known.refresh_from_db()
    assert known.check_password(PASSWORD)
    assert known.memberships.get(laboratory__slug="second-house").role == Role.LAB_ADMIN


@pytest.mark.parametrize(
    ("name", "email", "said"),
    [
        ("haematology north", "other@lab.example", "already"),
        ("!!!", "other@lab.example", "letters or digits"),
        ("New House", "no address", "Enter an e-mail address"),
    ],
)
def test_what_cannot_be_made_is_refused_and_leaves_nothing(name: str, email: str, said: str) -> None:
    create("Haematology North", **ADA)
    with pytest.raises(CommandError, match=said):
        create(name, email=email)
    assert Laboratory.objects.count() == 1
    assert not User.objects.exists()
    assert Invitation.objects.count() == 1
