"""Roles and the end of a membership (invitations: test_invitations)."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from portal.accounts import services
from portal.accounts.choices import Action, Role
from portal.accounts.models import Laboratory, Membership, User
from portal.accounts.permissions import can
from portal.accounts.tokens import issue_token, tokens_of
from portal.errors import NotAllowed, WrongState
from tests.factories import PASSWORD, LaboratoryFactory, UserFactory, member
from tests.portal.kinds import People

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("who", "allowed"),
    [
        ("submitter", {Action.VIEW_CASE, Action.SUBMIT_CASE}),
        ("reviewer", {Action.VIEW_CASE, Action.SUBMIT_CASE, Action.READ_CASE}),
        ("lab_admin", set(Action) - {Action.READ_CASE}),
        ("stranger", set()),
    ],
)
def test_what_each_role_may_do(people: People, lab: Laboratory, who: str, allowed: set[Action]) -> None:
    assert {action for action in Action if can(getattr(people, who), action, lab)} == allowed


def test_the_system_administrator_manages_people_everywhere_and_sees_no_case(lab: Laboratory) -> None:
    admin = UserFactory.create(is_superuser=True)
    assert {action for action in Action if can(admin, action, lab)} == {Action.MANAGE_USERS}


def test_deactivating_ends_sign_in_sessions_and_tokens(
    people: People, lab: Laboratory, client: Client
) -> None:
    issue_token(people.submitter)
    client.force_login(people.submitter)
    membership = people.submitter.memberships.get()
    services.deactivate(people.lab_admin, membership)
    people.submitter.refresh_from_db()
    assert not people.submitter.is_active
    assert not tokens_of(people.submitter)
    services.reactivate(people.lab_admin, membership)
    assert User.objects.get(pk=people.submitter.pk).is_active
    # The old session does not come back with the account.
    assert client.get("/cases/").status_code == 302


def test_the_last_membership_takes_an_operators_rights_along(people: People, lab: Laboratory) -> None:
    boss = member(lab, Role.REVIEWER, is_staff=True, is_superuser=True)
    issue_token(boss)
    services.deactivate(people.lab_admin, boss.memberships.get())
    boss.refresh_from_db()
    assert (boss.is_active, boss.is_staff, boss.is_superuser) == (False, False, False)
    assert not tokens_of(boss)
    services.reactivate(people.lab_admin, boss.memberships.get())
    boss.refresh_from_db()
    assert (boss.is_active, boss.is_staff, boss.is_superuser) == (True, False, False)


def test_the_operator_closes_an_account_and_no_laboratory_opens_it(
    people: People, lab: Laboratory, client: Client
) -> None:
    boss = member(lab, Role.REVIEWER, is_staff=True, is_superuser=True)
    issue_token(boss)
    client.force_login(boss)
    call_command("deactivate", boss.email.upper(), stdout=StringIO())
    boss.refresh_from_db()
    assert (boss.is_active, boss.is_staff, boss.is_superuser) == (False, False, False)
    assert not tokens_of(boss)
    assert client.get("/cases/").status_code == 302
    membership = boss.memberships.get()
    services.deactivate(people.lab_admin, membership)
    with pytest.raises(NotAllowed):
        services.reactivate(people.lab_admin, membership)
    call_command("reactivate", boss.email, stdout=StringIO(), stderr=StringIO())
    boss.refresh_from_db()
    assert (boss.is_active, boss.is_staff, boss.is_superuser) == (True, False, False)
    assert boss.check_password(PASSWORD)
    for command in ("deactivate", "reactivate"):
        with pytest.raises(CommandError):
            call_command(command, "nobody@lab.example")


def test_a_member_of_two_laboratories_keeps_the_other(people: People, lab: Laboratory) -> None:
    other = LaboratoryFactory.create()
    Membership.objects.create(user=people.submitter, laboratory=other, role=Role.SUBMITTER)
    services.deactivate(people.lab_admin, people.submitter.memberships.get(laboratory=lab))
    people.submitter.refresh_from_db()
    assert people.submitter.is_active


def test_the_last_administrator_stays(people: People, lab: Laboratory) -> None:
    root = UserFactory.create(is_superuser=True)
    only = people.lab_admin.memberships.get()
    with pytest.raises(WrongState):
        services.deactivate(people.lab_admin, only)
    with pytest.raises(WrongState):
        services.deactivate(root, only)
    with pytest.raises(WrongState):
        services.set_role(root, only, Role.SUBMITTER)
    second = services.set_role(people.lab_admin, people.reviewer.memberships.get(), Role.LAB_ADMIN)
    assert services.set_role(root, only, Role.SUBMITTER).role == Role.SUBMITTER
    assert second.role == Role.LAB_ADMIN
