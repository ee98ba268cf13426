"""The page on which a laboratory's administrators decide how it reads."""

import pytest
from django.test import Client
from django.urls import reverse

from portal.accounts.choices import Role
from portal.accounts.models import Laboratory
from portal.reading.models import ReadingPolicy
from portal.reading.policy.services import set_policy
from tests.factories import MembershipFactory, member
from tests.portal.kinds import People

pytestmark = pytest.mark.django_db
PAGE = reverse("reading_policy:edit")
ENTERED = {"blindness": "concurrent", "second_read": "doubt", "claim_minutes": "20", "alert_contact": ""}


def texts(client: Client, address: str = PAGE) -> str:
    return client.get(address).content.decode()


def test_only_administrators_decide(client: Client, people: People, lab: Laboratory) -> None:
    for person in (people.submitter, people.reviewer, people.stranger):
        client.force_login(person)
        assert client.get(PAGE).status_code == 403
        assert client.post(PAGE, ENTERED).status_code == 403
        assert PAGE not in texts(client, "/cases/")
    elsewhere = member(people.stranger.memberships.get().laboratory, Role.LAB_ADMIN)
    client.force_login(elsewhere)
    assert client.post(f"{PAGE}?laboratory={lab.slug}", ENTERED).status_code == 404
    assert not ReadingPolicy.objects.exists()


def test_a_change_is_stored_confirmed_and_told_with_who_made_it(
    client: Client, people: People, lab: Laboratory
) -> None:
    client.force_login(people.lab_admin)
    assert PAGE in texts(client, "/cases/")
    assert "the laboratory reads by the default policy" in texts(client)
    page = client.post(PAGE, {**ENTERED, "alert_contact": people.reviewer.pk}, follow=True).content.decode()
    policy = ReadingPolicy.objects.get()
    stored = (policy.blindness, policy.second_read, policy.claim_minutes, policy.alert_contact)
    assert stored == ("concurrent", "doubt", 20, people.reviewer)
    assert f"The new reading policy of {lab.name} applies from now on." in page
    history = page[page.index('id="trail-title"') :]
    assert "30 → 20" in history
    assert f"the person who filed the case → {people.reviewer.full_name}" in history
    assert people.lab_admin.full_name in history


def test_the_share_counts_only_where_it_applies(client: Client, people: People, lab: Laboratory) -> None:
    client.force_login(people.lab_admin)
    wrong = client.post(PAGE, {**ENTERED, "second_read": "share", "second_read_share": "0"})
    assert wrong.status_code == 422
    assert "greater than or equal to 1" in wrong.content.decode()
    assert 'value="20"' in wrong.content.decode(), "what was entered is still there"
    client.post(PAGE, {**ENTERED, "second_read": "share", "second_read_share": "25"})
    assert ReadingPolicy.objects.get().second_read_share == 25
    client.post(PAGE, {**ENTERED, "second_read": "never", "second_read_share": "0"})
    policy = ReadingPolicy.objects.get()
    assert (policy.second_read, policy.second_read_share) == ("never", 25)


@pytest.mark.parametrize("minutes", ["4", "481", "", "soon"])
def test_a_wrong_time_is_refused_beside_its_field(
    client: Client, people: People, lab: Laboratory, minutes: str
) -> None:
    client.force_login(people.lab_admin)
    answer = client.post(PAGE, {**ENTERED, "claim_minutes": minutes})
    assert answer.status_code == 422
    assert not ReadingPolicy.objects.exists()


def test_the_contact_is_an_active_member(client: Client, people: People, lab: Laboratory) -> None:
    client.force_login(people.lab_admin)
    assert people.stranger.full_name not in texts(client)
    assert client.post(PAGE, {**ENTERED, "alert_contact": people.stranger.pk}).status_code == 422


@pytest.mark.parametrize(
    ("reviewers", "second_read", "warning"),
    [
        (0, "never", "no active reviewer"),
        (1, "never", ""),
        (1, "doubt", "A second read needs another reviewer"),
        (2, "always", "a third reviewer has to adjudicate"),
        (3, "always", ""),
    ],
)
def test_too_few_reviewers_are_warned_of(
    client: Client, people: People, lab: Laboratory, reviewers: int, second_read: str, warning: str
) -> None:
    lab.memberships.filter(role=Role.REVIEWER).update(is_active=False)
    MembershipFactory.create_batch(reviewers, laboratory=lab, role=Role.REVIEWER)
    set_policy(people.lab_admin, lab, second_read=second_read)
    client.force_login(people.lab_admin)
    page = texts(client)
    assert ('class="alert tone-attention" role="note"' in page) is bool(warning)
    assert warning in page
