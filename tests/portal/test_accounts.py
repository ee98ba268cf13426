"""Invitations, roles and the end of a membership."""

from datetime import timedelta

import pytest
from django.utils import timezone

from portal.accounts import services
from portal.accounts.choices import Action, Role
from portal.accounts.models import Invitation, Membership, User
from portal.accounts.permissions import can
from portal.accounts.tokens import issue_token, tokens_of
from portal.errors import Duplicate, Gone, Invalid, NotAllowed, WrongState
from tests.factories import PASSWORD, LaboratoryFactory, UserFactory, member

pytestmark = pytest.mark.django_db


@pytest.fixture
def offer(people, lab):
    return services.invite(
        people.lab_admin, email="New.Person@Lab.Example", laboratory=lab, role=Role.REVIEWER
    )


@pytest.mark.parametrize(
    ("who", "allowed"),
    [
        ("submitter", {Action.VIEW_CASE, Action.SUBMIT_CASE}),
        ("reviewer", {Action.VIEW_CASE, Action.SUBMIT_CASE, Action.READ_CASE}),
        ("lab_admin", set(Action) - {Action.READ_CASE}),
        ("stranger", set()),
    ],
)
def test_what_each_role_may_do(people, lab, who, allowed):
    assert {action for action in Action if can(getattr(people, who), action, lab)} == allowed


def test_the_system_administrator_manages_people_everywhere_and_sees_no_case(lab):
    admin = UserFactory(is_superuser=True)
    assert {action for action in Action if can(admin, action, lab)} == {Action.MANAGE_USERS}


def test_an_invitation_is_mailed_and_redeemed(people, lab, mailoutbox, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        offer = services.invite(people.lab_admin, email="a@b.example", laboratory=lab, role=Role.SUBMITTER)
    assert mailoutbox[0].to == ["a@b.example"]
    assert services.invitation_url(offer) in mailoutbox[0].body
    user = services.accept_invitation(offer.token, full_name="Anna B", password=PASSWORD)
    assert user.check_password(PASSWORD)
    assert Membership.objects.get(user=user).role == Role.SUBMITTER
    with pytest.raises(Gone):
        services.accept_invitation(offer.token, full_name="Anna B", password=PASSWORD)


def test_only_administrators_invite(people, lab):
    for who in (people.submitter, people.reviewer, people.stranger):
        with pytest.raises(NotAllowed):
            services.invite(who, email="x@y.example", laboratory=lab, role=Role.REVIEWER)


def test_an_open_invitation_or_a_member_is_not_invited_twice(people, lab, offer):
    with pytest.raises(Duplicate):
        services.invite(people.lab_admin, email="new.person@lab.example", laboratory=lab, role=Role.REVIEWER)
    with pytest.raises(Duplicate):
        services.invite(people.lab_admin, email=people.reviewer.email, laboratory=lab, role=Role.REVIEWER)


def test_an_expired_invitation_is_dead_and_can_be_renewed(people, lab, offer):
    Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(Gone):
        services.open_invitation(offer.token)
    renewed = services.invite(people.lab_admin, email=offer.email, laboratory=lab, role=Role.SUBMITTER)
    assert renewed.token != offer.token
    assert services.open_invitation(renewed.token) == renewed


def test_a_weak_password_is_refused_and_the_invitation_stays_open(offer):
    with pytest.raises(Invalid) as refused:
        services.accept_invitation(offer.token, full_name="N P", password="12345")
    assert refused.value.field == "password"
    assert services.open_invitation(offer.token)


def test_a_link_does_not_open_somebody_elses_account(people, lab):
    other = LaboratoryFactory()
    admin = member(other, Role.LAB_ADMIN)
    offer = services.invite(admin, email=people.submitter.email, laboratory=other, role=Role.REVIEWER)
    with pytest.raises(NotAllowed):
        services.accept_invitation(offer.token, full_name="Mallory", password=PASSWORD)
    user = services.accept_invitation(offer.token, full_name="", password="", signed_in=people.submitter)
    assert user.memberships.count() == 2


def test_a_former_member_comes_back_by_invitation(people, lab):
    services.deactivate(people.lab_admin, people.submitter.memberships.get())
    offer = services.invite(
        people.lab_admin, email=people.submitter.email, laboratory=lab, role=Role.REVIEWER
    )
    user = services.accept_invitation(offer.token, full_name="New Name", password=PASSWORD)
    assert (user.pk, user.full_name, user.is_active) == (people.submitter.pk, "New Name", True)
    assert user.check_password(PASSWORD)
    assert user.memberships.get().role == Role.REVIEWER


def test_deactivating_ends_sign_in_sessions_and_tokens(people, lab, client):
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


def test_a_member_of_two_laboratories_keeps_the_other(people, lab):
    other = LaboratoryFactory()
    Membership.objects.create(user=people.submitter, laboratory=other, role=Role.SUBMITTER)
    services.deactivate(people.lab_admin, people.submitter.memberships.get(laboratory=lab))
    people.submitter.refresh_from_db()
    assert people.submitter.is_active


def test_the_last_administrator_stays(people, lab):
    root = UserFactory(is_superuser=True)
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
