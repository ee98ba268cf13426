"""Claims: who gets which case, for how long, and that no case is ever in two people's hands."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import TypeVar

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from portal.accounts.choices import Role
from portal.accounts.models import Laboratory, User
from portal.cases.choices import CaseState
from portal.cases.models import Case
from portal.desk.trail import case_trail
from portal.errors import Invalid, NotAllowed, WrongState
from portal.inference.models import ModelVersion
from portal.notifications.choices import Kind
from portal.notifications.models import Notification
from portal.reading import claims, services
from portal.reading.choices import ClaimEnd
from portal.reading.models import Claim
from portal.reading.policy.services import set_policy
from tests.factories import analysed, claimed, draft, member, read
from tests.portal.kinds import People, present
from worker.tasks import expire_claims

T = TypeVar("T")

pytestmark = pytest.mark.django_db


@pytest.fixture
def other(lab: Laboratory) -> User:
    return member(lab, Role.REVIEWER)


def waiting(people: People, lab: Laboratory, **fields: str) -> Case:
    return analysed(people.submitter, lab, images=1, **fields)


def run_out(case: Case) -> None:
    """The reader's time with the case is over."""
    Claim.objects.filter(case=case, ended_at=None).update(expires_at=timezone.now() - timedelta(seconds=1))


def next_case(user: User) -> Case | None:
    """What *next case* gives, answered at once: a case in hand would be given again."""
    claim = claims.claim_next(user)
    if claim is None:
        return None
    services.record_read(user, claim.case, label="Pre", confidence="high")
    return claim.case


# --- the next case


def test_next_is_the_most_pressing_then_the_oldest(
    people: People, lab: Laboratory, model: ModelVersion
) -> None:
    routine, younger = waiting(people, lab), waiting(people, lab)
    urgent, stat = waiting(people, lab, priority="urgent"), waiting(people, lab, priority="stat")
    assert [next_case(people.reviewer) for _ in range(5)] == [stat, urgent, routine, younger, None]
    assert Claim.objects.filter(reader=people.reviewer, ended_at=None).count() == 4


def test_next_prefers_what_is_meant_for_the_person_and_passes_over_what_is_not(
    people: People, lab: Laboratory, model: ModelVersion, other: User
) -> None:
    stat, mine = waiting(people, lab, priority="stat"), waiting(people, lab)
    theirs = waiting(people, lab, priority="stat")
    claims.assign(people.lab_admin, Case.objects.filter(pk=mine.pk), people.reviewer)
    claims.assign(people.lab_admin, Case.objects.filter(pk=theirs.pk), other)
    assert [next_case(people.reviewer) for _ in range(3)] == [mine, stat, None]
    assert next_case(other) == theirs


def test_next_never_offers_a_case_that_the_person_has_read(
    people: People, lab: Laboratory, model: ModelVersion, other: User
) -> None:
    set_policy(people.lab_admin, lab, second_read="always")
    case = read(people.reviewer, waiting(people, lab))
    assert case.state == CaseState.AWAITING_SECOND_READ
    assert next_case(people.reviewer) is None
    with pytest.raises(NotAllowed, match="You have read this case"):
        claims.claim(people.reviewer, case)
    assert next_case(other) == case


def test_next_stays_within_the_laboratory_and_with_reviewers(
    people: People, lab: Laboratory, model: ModelVersion
) -> None:
    case = waiting(people, lab)
    for person in (people.stranger, people.submitter, people.lab_admin):
        assert next_case(person) is None
        with pytest.raises(NotAllowed):
            claims.claim(person, case)


def test_next_gives_no_draft_and_nothing_under_analysis(people: People, lab: Laboratory) -> None:
    draft(people.submitter, lab)
    assert next_case(people.reviewer) is None


def test_a_read_that_waits_for_its_conclusion_is_nobody_elses_next_case(
    people: People, lab: Laboratory, model: ModelVersion, other: User
) -> None:
    answered = claimed(people.reviewer, waiting(people, lab, priority="stat"))
    services.record_read(people.reviewer, answered, label="Pre", confidence="high")
    run_out(answered)
    free = waiting(people, lab)
    assert next_case(other) == free
    assert claims.expire_claims() == 0
    services.conclude(people.reviewer, answered, label="Pre", confidence="high")
    answered.refresh_from_db()
    assert answered.state == CaseState.READY_TO_SIGN


# --- two people at once


def at_once(*calls: Callable[[], T]) -> list[T | WrongState | NotAllowed]:
    """What each call returned, or the refusal it raised; they start together on connections of their own."""
    together = Barrier(len(calls))

    def one(call: Callable[[], T]) -> T | WrongState | NotAllowed:
        try:
            together.wait(10)
            return call()
        except (WrongState, NotAllowed) as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(one, calls))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("state", [CaseState.AWAITING_READ, CaseState.ADJUDICATION])
def test_two_who_ask_at_once_never_get_the_same_case(
    people: People, lab: Laboratory, model: ModelVersion, other: User, state: CaseState
) -> None:
    third, fourth = member(lab, Role.REVIEWER), member(lab, Role.REVIEWER)
    if state == CaseState.ADJUDICATION:
        set_policy(people.lab_admin, lab, second_read="always")
    for _number in range(6):
        case = waiting(people, lab)
        if state == CaseState.ADJUDICATION:
            read(third, case, "Pre")
            assert read(fourth, case, "Benign").state == state
    # Whoever has a case in hand is given that one again, so each pair is of two new people.
    pairs = [
        (people.reviewer, other),
        *((member(lab, Role.REVIEWER), member(lab, Role.REVIEWER)) for _ in "ab"),
    ]
    for pair in pairs:
        got = at_once(*[lambda person=person: claims.claim_next(person) for person in pair])
        assert all(isinstance(claim, Claim) for claim in got), got
        assert len({claim.case_id for claim in got if isinstance(claim, Claim)}) == 2
    held = Claim.objects.filter(ended_at=None).values_list("case", flat=True)
    assert len(held) == len(set(held)) == 6
    late = member(lab, Role.REVIEWER), member(lab, Role.REVIEWER)
    assert at_once(*[lambda person=person: claims.claim_next(person) for person in late]) == [
        None,
        None,
    ]


@pytest.mark.django_db(transaction=True)
def test_of_two_who_take_one_case_at_once_one_gets_it(
    people: People, lab: Laboratory, model: ModelVersion, other: User
) -> None:
    case = waiting(people, lab)
    got = at_once(lambda: claims.claim(people.reviewer, case), lambda: claims.claim(other, case))
    won = [one for one in got if isinstance(one, Claim)]
    lost = [one for one in got if isinstance(one, WrongState)]
    assert (len(won), len(lost)) == (1, 1)
    assert lost[0].code == "claimed"
    assert won[0].reader.full_name in lost[0].message


# --- how a claim ends


def test_the_time_with_a_case_is_the_policys_and_lengthens_while_the_reader_works(
    people: People, lab: Laboratory, model: ModelVersion
) -> None:
    set_policy(people.lab_admin, lab, claim_minutes=45)
    case = claimed(people.reviewer, waiting(people, lab))
    held = present(claims.open_claim(case))
    assert timedelta(minutes=44) < held.expires_at - timezone.now() <= timedelta(minutes=45)
    Claim.objects.update(expires_at=timezone.now() + timedelta(minutes=1))
    assert claims.keep(people.reviewer, case).expires_at - timezone.now() > timedelta(minutes=44)


@pytest.mark.parametrize("again", [False, True], ids=["first read", "second read"])
def test_a_claim_that_ran_out_puts_the_case_back_where_it_waited(
    people: People, lab: Laboratory, model: ModelVersion, other: User, again: bool
) -> None:
    case = waiting(people, lab)
    if again:
        set_policy(people.lab_admin, lab, second_read="always")
        read(people.reviewer, case)
    claimed(other, case)
    expire_claims()
    case.refresh_from_db()
    assert case.state == CaseState.IN_READING
    run_out(case)
    expire_claims()
    case.refresh_from_db()
    assert case.state == (CaseState.AWAITING_SECOND_READ if again else CaseState.AWAITING_READ)
    assert present(case.claims.last()).ended_why == ClaimEnd.EXPIRED


def test_whoever_asks_gets_a_case_that_was_left_before_the_schedule_comes(
    people: People, lab: Laboratory, model: ModelVersion, other: User
) -> None:
    case = claimed(people.reviewer, waiting(people, lab))
    run_out(case)
    assert next_case(other) == case
    with pytest.raises(WrongState, match="has taken this case over"):
        services.record_read(people.reviewer, case, label="Pre", confidence="high")
    assert [claim.ended_why for claim in case.claims.all()] == [ClaimEnd.EXPIRED, ""]


def test_a_released_case_waits_again(
    people: People, lab: Laboratory, model: ModelVersion, other: User
) -> None:
    case = claimed(people.reviewer, waiting(people, lab))
    with pytest.raises(WrongState):
        claims.release(other, case)
    claims.release(people.reviewer, case)
    case.refresh_from_db()
    assert (case.state, claims.open_claim(case)) == (CaseState.AWAITING_READ, None)
    assert next_case(other) == case


def test_taking_over_ends_the_others_claim_and_tells_them(
    client: Client, people: People, lab: Laboratory, model: ModelVersion, other: User
) -> None:
    case = claimed(people.reviewer, waiting(people, lab))
    with pytest.raises(WrongState) as refused:
        claims.claim(other, case)
    assert people.reviewer.full_name in refused.value.message
    claims.take_over(other, case)
    case.refresh_from_db()
    assert (case.state, present(claims.open_claim(case)).reader) == (CaseState.IN_READING, other)
    assert present(case.claims.first()).ended_why == ClaimEnd.TAKEN_OVER
    told = Notification.objects.get(kind=Kind.CLAIM_TAKEN_OVER)
    assert (told.user, told.by, told.case) == (people.reviewer, other, case)
    client.force_login(people.reviewer)
    assert other.full_name in client.get(reverse("cases:worklist")).content.decode()


def test_a_stranger_takes_nothing_over(people: People, lab: Laboratory, model: ModelVersion) -> None:
    case = claimed(people.reviewer, waiting(people, lab))
    with pytest.raises(NotAllowed):
        claims.take_over(people.stranger, case)


def test_assigning_is_for_administrators_and_to_reviewers_of_the_laboratory(
    people: People, lab: Laboratory, model: ModelVersion
) -> None:
    waiting(people, lab)
    cases = Case.objects.all()
    with pytest.raises(NotAllowed):
        claims.assign(people.reviewer, cases, people.reviewer)
    for person in (people.submitter, people.stranger):
        with pytest.raises(Invalid, match="is not a reviewer of"):
            claims.assign(people.lab_admin, cases, person)
    assert claims.assign(people.lab_admin, cases, people.reviewer) == 1
    assert claims.assign(people.lab_admin, cases, people.reviewer) == 0
    assert claims.assign(people.lab_admin, cases, None) == 1
    assert Notification.objects.filter(kind=Kind.CASES_ASSIGNED).count() == 1


def test_what_one_moment_brought_is_told_in_the_order_of_writing(
    people: People, lab: Laboratory, model: ModelVersion, other: User
) -> None:
    """Of rows with one time the database may return any first: often the one that was written to last."""
    case, now = waiting(people, lab), timezone.now()
    given_back = {"claimed_at": now, "expires_at": now, "ended_at": now, "ended_why": ClaimEnd.RELEASED}
    rows = [Claim.objects.create(case=case, reader=who, **given_back) for who in (people.reviewer, other)]
    for who in (other, people.reviewer):  # an indexed column, so that the row moves behind the other one
        Claim.objects.filter(pk=rows[0].pk).update(reader=who)
    assert list(case.claims.all()) == rows
    told = [entry.who for entry in case_trail(case) if entry.when == now]
    assert told == [people.reviewer, people.reviewer, other, other]
