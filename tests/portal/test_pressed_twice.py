"""Whatever takes, sends or signs does it once: the same form sent twice, one after the other or both at once."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from portal.accounts import invitations
from portal.accounts.choices import InvitationState, Role
from portal.accounts.models import Laboratory
from portal.accounts.tokens import issue_token
from portal.annotations.models import Marker
from portal.annotations.services import add_marker
from portal.cases.choices import CaseState
from portal.cases.models import Case, SavedFilter
from portal.desk import saved_filters
from portal.inference.models import ModelVersion, QuickLook
from portal.intake import services as cases
from portal.notifications.choices import Kind
from portal.notifications.models import Notification
from portal.quick_look import services as quick_look
from portal.reading import claims
from portal.reading.models import Claim, Conclusion, Read, Return
from portal.reading.policy.services import set_policy
from portal.reports.models import Alert, Diagnosis
from tests.documents import Document
from tests.factories import PASSWORD, analysed, claimed, draft, member, photograph, read, signed
from tests.portal.kinds import People, present

T = TypeVar("T")

pytestmark = pytest.mark.django_db

NEW = {"patient_pseudonym": "P-19", "specimen": "csf", "priority": "routine"}
OWN = {"label": "Pre", "confidence": "high", "comment": "Chromatin."}


@pytest.fixture
def as_(people: People) -> Callable[[str], Client]:
    """A signed-in browser of a person, by name."""

    def signed_in(name: str) -> Client:
        client = Client()
        client.force_login(getattr(people, name))
        return client

    return signed_in


def twice(client: Client, address: str, body: Document) -> str:
    """Send a form twice; where both answers lead."""
    answers = [client.post(address, body) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [302, 302], answers[1].content.decode()
    assert answers[0]["Location"] == answers[1]["Location"]
    return str(answers[0]["Location"])


def at_once(*calls: Callable[[], T]) -> list[T]:
    """What the calls returned that started together, each on a connection of its own."""
    together = Barrier(len(calls))

    def one(call: Callable[[], T]) -> T:
        try:
            together.wait(10)
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(one, calls))


# --- N


def test_next_gives_the_case_in_hand_until_it_is_answered_or_given_back(
    as_: Callable[[str], Client], people: People, lab: Laboratory, model: ModelVersion
) -> None:
    first, second = analysed(people.submitter, lab), analysed(people.submitter, lab)
    client, address = as_("reviewer"), reverse("reading:next")
    assert twice(client, address, {}) == reverse("cases:detail", args=[first.pk])
    assert Claim.objects.count() == 1
    assert f"You already have {first.accession}." in client.get(reverse("cases:detail", args=[first.pk])).text
    client.post(reverse("reading:read", args=[first.pk]), OWN)
    # Answered and not concluded: it stays the reader's, and the next one can be taken.
    assert client.post(address)["Location"] == reverse("cases:detail", args=[second.pk])
    client.post(reverse("reading:release", args=[second.pk]))
    assert client.post(address)["Location"] == reverse("cases:detail", args=[second.pk])
    assert Claim.objects.filter(ended_at=None).count() == 2


def test_next_goes_on_where_the_case_in_hand_ran_out_was_taken_over_or_is_out_of_reach(
    people: People, lab: Laboratory, model: ModelVersion
) -> None:
    one, two = analysed(people.submitter, lab), analysed(people.submitter, lab)
    other = member(lab, Role.REVIEWER)
    assert present(claims.claim_next(people.reviewer)).case == one
    claims.take_over(other, one)
    assert present(claims.claim_next(people.reviewer)).case == two
    people.reviewer.memberships.update(is_active=False)
    assert claims.claim_next(type(people.reviewer).objects.get(pk=people.reviewer.pk)) is None


@pytest.mark.django_db(transaction=True)
def test_next_pressed_twice_at_once_takes_one_case(
    people: People, lab: Laboratory, model: ModelVersion
) -> None:
    for _number in range(3):
        analysed(people.submitter, lab)
    got = at_once(*[lambda: claims.claim_next(people.reviewer)] * 3)
    assert len({present(claim).case_id for claim in got}) == 1
    assert Claim.objects.count() == 1


# --- filing


def test_a_new_case_sent_twice_is_one_case_with_what_was_entered_last(
    as_: Callable[[str], Client], people: People, lab: Laboratory
) -> None:
    client, body = as_("submitter"), NEW | {"case_id": str(uuid.uuid4())}
    twice(client, reverse("cases:new"), body)
    client.post(reverse("cases:new"), body | {"clinical_note": "Fever."})
    assert Case.objects.get().clinical_note == "Fever."
    other = as_("reviewer").post(reverse("cases:new"), body | {"clinical_note": "Another's."})
    assert other.status_code == 302
    assert sorted(Case.objects.values_list("clinical_note", flat=True)) == ["Another's.", "Fever."]


@pytest.mark.django_db(transaction=True)
def test_a_new_case_sent_twice_at_once_is_one_case(people: People, lab: Laboratory) -> None:
    pk = uuid.uuid4()
    fields = {"patient_pseudonym": "P-19", "specimen": "csf"}
    made = at_once(
        *[lambda: cases.create_case(people.submitter, laboratory=lab, pk=pk, **fields)] * 3,
    )
    assert {(case.pk, case.accession) for case in made} == {(pk, Case.objects.get().accession)}


def test_submitting_and_cancelling_twice(
    as_: Callable[[str], Client], people: People, lab: Laboratory, model: ModelVersion
) -> None:
    case, unwanted = draft(people.submitter, lab), draft(people.submitter, lab)
    client = as_("submitter")
    body = NEW | {"then": "submit"}
    at = reverse("cases:detail", args=[case.pk])
    assert twice(client, reverse("cases:edit", args=[case.pk]), body) == at
    assert case.jobs.count() == 1
    # Something else entered the second time is not thrown away in silence.
    later = client.post(reverse("cases:edit", args=[case.pk]), body | {"clinical_note": "Late."})
    assert later.status_code == 409
    assert "Late." in later.text
    twice(client, reverse("cases:cancel", args=[unwanted.pk]), {})


def test_a_quick_look_becomes_one_case(
    as_: Callable[[str], Client], people: People, lab: Laboratory, model: ModelVersion
) -> None:
    look = quick_look.start(people.submitter, lab, photograph(19))
    address = reverse("inference:quick_look_make_case", args=[look.pk])
    client = as_("submitter")
    first, second = client.post(address, NEW), client.post(address, NEW)
    assert first["Location"] == reverse("cases:edit", args=[look.pk])
    assert client.get(second["Location"])["Location"] == first["Location"]
    assert (Case.objects.get().images.count(), QuickLook.objects.count()) == (1, 0)


@pytest.mark.django_db(transaction=True)
def test_a_quick_look_pressed_twice_at_once_becomes_one_case(
    as_: Callable[[str], Client], people: People, lab: Laboratory, model: ModelVersion
) -> None:
    look = quick_look.start(people.submitter, lab, photograph(19))
    address = reverse("inference:quick_look_make_case", args=[look.pk])
    clients = [as_("submitter") for _ in range(2)]
    answers = at_once(*[lambda client=client: client.post(address, NEW) for client in clients])
    assert [answer.status_code for answer in answers] == [302, 302]
    assert (Case.objects.get().images.count(), QuickLook.objects.count()) == (1, 0)


# --- reading and signing


def test_reading_concluding_and_signing_twice(
    as_: Callable[[str], Client], people: People, lab: Laboratory, model: ModelVersion
) -> None:
    case = claimed(people.reviewer, analysed(people.submitter, lab))
    client = as_("reviewer")
    for name, body in (
        ("reading:read", OWN),
        ("reading:conclude", {"label": "Pre", "confidence": "high", "reason": ""}),
        ("reports:sign", {"comment": "Signed once.", "secret": PASSWORD}),
    ):
        twice(client, reverse(name, args=[case.pk]), body)
    amendment = {"label": "Pro", "confidence": "high", "comment": "", "reason": "Flow.", "secret": PASSWORD}
    twice(client, reverse("reports:amend", args=[case.pk]), amendment | {"amends": "1"})
    assert (Read.objects.count(), Conclusion.objects.count()) == (1, 1)
    assert list(Diagnosis.objects.values_list("version", flat=True)) == [2, 1]


def test_other_words_the_second_time_are_refused_and_shown(
    as_: Callable[[str], Client], people: People, lab: Laboratory, model: ModelVersion
) -> None:
    case = claimed(people.reviewer, analysed(people.submitter, lab))
    client = as_("reviewer")
    client.post(reverse("reading:read", args=[case.pk]), OWN)
    again = client.post(reverse("reading:read", args=[case.pk]), OWN | {"comment": "Second thought."})
    assert (again.status_code, "Second thought." in again.text) == (409, True)
    client.post(reverse("reading:conclude", args=[case.pk]), {"label": "Pre", "confidence": "high"})
    body = {"comment": "Signed.", "secret": PASSWORD}
    client.post(reverse("reports:sign", args=[case.pk]), body)
    again = client.post(reverse("reports:sign", args=[case.pk]), body | {"comment": "Unsigned words."})
    assert (again.status_code, "Unsigned words." in again.text) == (409, True)


def test_an_amendment_of_a_version_that_was_amended_meanwhile_says_so(
    as_: Callable[[str], Client], people: People, lab: Laboratory, model: ModelVersion
) -> None:
    case = signed(people.reviewer, analysed(people.submitter, lab))
    member(lab, Role.REVIEWER)
    client, address = as_("reviewer"), reverse("reports:amend", args=[case.pk])
    body = {"confidence": "high", "comment": "", "secret": PASSWORD, "amends": "1"}
    assert client.post(address, body | {"label": "Pro", "reason": "Flow."}).status_code == 302
    late = client.post(address, body | {"label": "Early", "reason": "Another view."})
    assert late.status_code == 409
    assert "has signed version 2 in the meantime" in late.text
    assert "Another view." in late.text
    assert Diagnosis.objects.count() == 2
    # The page that said so is about version 2: the same words can be signed from there.
    assert 'name="amends" value="2"' in late.text


def test_adjudicating_returning_and_giving_back_twice(
    as_: Callable[[str], Client], people: People, lab: Laboratory, model: ModelVersion
) -> None:
    case = claimed(people.reviewer, analysed(people.submitter, lab))
    client = as_("reviewer")
    twice(client, reverse("reading:release", args=[case.pk]), {})
    claims.claim(people.reviewer, case)
    twice(client, reverse("reading:return", args=[case.pk]), {"missing": "Two more fields."})
    case.refresh_from_db()
    assert (case.state, Return.objects.count()) == (CaseState.RETURNED, 1)
    disputed = analysed(people.submitter, lab)
    _to_adjudication(people, lab, disputed)
    claims.claim(people.reviewer, disputed)
    body = {"label": "Pre", "confidence": "low", "reason": "Nucleoli."}
    twice(client, reverse("reading:adjudicate", args=[disputed.pk]), body)
    assert disputed.reads.count() == 3


def _to_adjudication(people: People, lab: Laboratory, case: Case) -> None:
    set_policy(people.lab_admin, lab, second_read="always")
    read(member(lab, Role.REVIEWER), case, "Pre")
    read(member(lab, Role.REVIEWER), case, "Benign")


def test_acknowledging_twice(
    as_: Callable[[str], Client], people: People, lab: Laboratory, model: ModelVersion
) -> None:
    signed(people.reviewer, analysed(people.submitter, lab))
    alert = Alert.objects.get()
    address = reverse("alerts:acknowledge", args=[alert.pk])
    client = Client()
    client.force_login(alert.person)
    twice(client, address, {"note": "Ward told."})
    other = client.post(address, {"note": "Somebody else told."})
    assert (other.status_code, "Somebody else told." in other.text) == (409, True)


# --- taking away


def test_removing_a_saved_filter_and_discarding_a_quick_look_twice(
    as_: Callable[[str], Client], people: People, lab: Laboratory, model: ModelVersion
) -> None:
    saved = saved_filters.save_filter(people.submitter, name="Mine", query="stage=mine")
    look = quick_look.start(people.submitter, lab, photograph(19))
    client = as_("submitter")
    back = twice(client, reverse("cases:forget_filter", args=[saved.pk]), {"query": "stage=mine"})
    assert back.endswith("?stage=mine")
    assert not SavedFilter.objects.exists()
    twice(client, reverse("inference:quick_look_discard", args=[look.pk]), {})
    assert not QuickLook.objects.exists()
    assert (
        client.get(reverse("inference:quick_look")).text.count("photograph and its answer are removed") == 2
    )


def test_a_quick_look_that_is_a_case_cannot_be_discarded_by_a_late_press(
    as_: Callable[[str], Client], people: People, lab: Laboratory, model: ModelVersion
) -> None:
    look = quick_look.start(people.submitter, lab, photograph(19))
    client = as_("submitter")
    client.post(reverse("inference:quick_look_make_case", args=[look.pk]), NEW)
    answer = client.post(reverse("inference:quick_look_discard", args=[look.pk]))
    assert answer["Location"] == reverse("cases:detail", args=[look.pk])
    assert Case.objects.get().images.count() == 1


def test_revoking_tokens_and_withdrawing_an_invitation_twice(
    as_: Callable[[str], Client], people: People, lab: Laboratory
) -> None:
    token, _secret = issue_token(people.submitter, name="Scanner")
    invitation = invitations.invite(
        people.lab_admin, email="una@lab.example", laboratory=lab, role=Role.REVIEWER
    )
    client = as_("submitter")
    twice(client, reverse("tokens:revoke", args=[token.public_id]), {})
    twice(client, reverse("tokens:revoke_all"), {})
    page = client.get(reverse("tokens:list")).text
    assert "The token Scanner was revoked." in page
    assert "0 tokens" not in page
    twice(as_("lab_admin"), reverse("accounts:revoke_invitation", args=[invitation.pk]), {})
    invitation.refresh_from_db()
    assert invitation.state == InvitationState.WITHDRAWN


def test_what_an_administrator_sets_can_be_set_twice(
    as_: Callable[[str], Client], people: People, lab: Laboratory, model: ModelVersion
) -> None:
    """Roles, memberships, assignments and hand-overs are as they were after the first press."""
    client, case = as_("lab_admin"), analysed(people.submitter, lab)
    membership = people.submitter.memberships.get()
    signed(people.reviewer, analysed(people.submitter, lab))
    alert = Alert.objects.get()
    for name, pk, body in (
        ("accounts:set_role", membership.pk, {"role": "reviewer"}),
        ("accounts:deactivate", membership.pk, {}),
        ("accounts:reactivate", membership.pk, {}),
        ("alerts:hand_over", alert.pk, {"person": people.reviewer.pk}),
    ):
        twice(client, reverse(name, args=[pk]), body)
    twice(client, reverse("cases:assign"), {"case": case.pk, "to": people.reviewer.pk})
    membership.refresh_from_db()
    alert.refresh_from_db()
    assert (membership.role, membership.is_active, alert.person) == ("reviewer", True, people.reviewer)
    told = Notification.objects.filter(user=people.reviewer, kind=Kind.URGENT_FINDING)
    assert told.count() == 1


def test_taking_a_case_and_taking_it_over_twice(
    as_: Callable[[str], Client], people: People, lab: Laboratory, model: ModelVersion
) -> None:
    case = analysed(people.submitter, lab)
    twice(as_("reviewer"), reverse("reading:claim", args=[case.pk]), {})
    other = Client()
    other.force_login(member(lab, Role.REVIEWER))
    twice(other, reverse("reading:take_over", args=[case.pk]), {})
    assert Claim.objects.filter(ended_at=None).count() == 1


# --- markers


def test_a_marker_is_removed_once_and_says_what_was_sent_last(
    as_: Callable[[str], Client], people: People, lab: Laboratory, model: ModelVersion
) -> None:
    image = draft(people.submitter, lab).images.get()
    address, client = reverse("annotations:markers", args=[image.pk]), as_("submitter")
    body = {"id": str(uuid.uuid4()), "x": 0.5, "y": 0.5, "note": "Blast"}
    client.post(address, body, content_type="application/json")
    again = client.post(address, body | {"note": "Blast, twice"}, content_type="application/json")
    assert (again.json()["note"], Marker.objects.get().note) == ("Blast, twice", "Blast, twice")
    one = reverse("annotations:marker", args=[body["id"]])
    assert [client.delete(one).status_code for _ in range(2)] == [204, 204]
    assert client.patch(one, {"note": "late"}, content_type="application/json").status_code == 410
    assert Marker.objects.get().removed_at is not None


def test_a_marker_sent_twice_is_one_marker(
    as_: Callable[[str], Client], people: People, lab: Laboratory, model: ModelVersion
) -> None:
    image = draft(people.submitter, lab).images.get()
    address, client = reverse("annotations:markers", args=[image.pk]), as_("submitter")
    body: Document = {"id": str(uuid.uuid4()), "x": 0.5, "y": 0.5, "note": "Blast"}
    answers = [client.post(address, body, content_type="application/json") for _ in range(2)]
    assert {answer.json()["id"] for answer in answers} == {body["id"]}
    assert Marker.objects.count() == 1
    bad = client.post(address, body | {"id": "1"}, content_type="application/json")
    assert bad.status_code == 400
    # Another person's id is no way to that person's marker.
    marker = add_marker(people.reviewer, image, x=0.1, y=0.1, pk=uuid.UUID(body["id"]))
    assert (str(marker.pk) != body["id"], Marker.objects.count()) == (True, 2)
