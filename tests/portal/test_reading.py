"""Reading: the own answer first, then the model's, second reads, adjudication, and sending a case back."""

from collections.abc import Callable

import pghistory
import pytest
from django.apps import apps
from django.db import ProgrammingError, transaction
from django.db.models import QuerySet
from django.utils import translation
from pytest_django.fixtures import Settings

from portal.accounts.choices import Role
from portal.accounts.models import Laboratory, User
from portal.cases.choices import CaseState
from portal.cases.models import Case
from portal.desk.trail import case_trail
from portal.errors import Invalid, NotAllowed, WrongState
from portal.inference.models import ModelVersion
from portal.intake.services import add_image, remove_image, submit
from portal.notifications.choices import Kind
from portal.reading import blind, claims
from portal.reading.models import Conclusion, ImageRead, Read, Return
from portal.reading.policy.services import set_policy
from portal.reading.selectors import round_reads, standing_conclusion
from portal.reading.services import adjudicate, conclude, conclude_left, record_read, return_to_submitter
from tests.documents import Document
from tests.factories import analysed, claimed, draft, member, photograph, read
from tests.portal.kinds import People, present

pytestmark = pytest.mark.django_db


Rows = QuerySet[Read] | QuerySet[Conclusion] | QuerySet[ImageRead]
#: Ways in which rows that stay could be changed or taken away.
CHANGES: tuple[Callable[[Rows], object], ...] = (
    lambda rows: rows.update(label="Pro"),
    lambda rows: rows._raw_delete(rows.db),
)


@pytest.fixture
def case(people: People, lab: Laboratory, model: ModelVersion) -> Case:
    return analysed(people.submitter, lab, images=2)


@pytest.fixture
def second(lab: Laboratory) -> User:
    return member(lab, Role.REVIEWER)


@pytest.fixture
def third(lab: Laboratory) -> User:
    return member(lab, Role.REVIEWER)


def test_the_own_answer_is_stored_before_the_model_is_seen(case: Case, people: People) -> None:
    first, other = case.images.all()
    claimed(people.reviewer, case)
    stored = record_read(
        people.reviewer, case, label="Pre", confidence="high", images={other.pk: "Early"}, seconds=12.5
    )
    case.refresh_from_db()
    assert case.state == CaseState.IN_READING
    assert (stored.model_seen, stored.model_label, stored.kind, stored.seconds) == (
        False,
        "Pre",
        "first",
        12.5,
    )
    assert {row.image_id: row.label for row in stored.image_reads.all()} == {
        first.pk: "Pre",
        other.pk: "Early",
    }
    conclusion = conclude(people.reviewer, case, label="Pre", confidence="high")
    case.refresh_from_db()
    assert case.state == CaseState.READY_TO_SIGN
    assert not conclusion.changed
    assert claims.open_claim(case) is None


def test_a_changed_answer_needs_a_reason_and_both_are_kept(case: Case, people: People) -> None:
    claimed(people.reviewer, case)
    record_read(people.reviewer, case, label="Benign", confidence="medium")
    with pytest.raises(Invalid) as refused:
        conclude(people.reviewer, case, label="Pre", confidence="high", reason=" ")
    assert (refused.value.field, refused.value.code) == ("reason", "reason_required")
    conclusion = conclude(people.reviewer, case, label="Pre", confidence="high", reason="Missed the blasts.")
    assert conclusion.changed
    assert (conclusion.read.label, conclusion.label) == ("Benign", "Pre")


def test_an_answer_kept_against_the_model_needs_a_reason_once(case: Case, people: People) -> None:
    claimed(people.reviewer, case)
    record_read(people.reviewer, case, label="Benign", confidence="high")
    with pytest.raises(Invalid, match="differs from the model's"):
        conclude(people.reviewer, case, label="Benign", confidence="high")
    conclude(people.reviewer, case, label="Benign", confidence="high", reason="Mature chromatin.")
    assert not Conclusion.objects.get().changed


def test_concurrent_reading_shows_the_model_at_once_and_asks_for_the_reason_at_once(
    case: Case, people: People, lab: Laboratory
) -> None:
    set_policy(people.lab_admin, lab, blindness="concurrent")
    claimed(people.reviewer, case)
    assert blind.sees_model(people.reviewer, case)
    with pytest.raises(Invalid) as refused:
        record_read(people.reviewer, case, label="Benign", confidence="high")
    assert refused.value.field == "comment"
    stored = record_read(
        people.reviewer, case, label="Benign", confidence="high", comment="Mature chromatin."
    )
    assert stored.model_seen
    case.refresh_from_db()
    assert case.state == CaseState.READY_TO_SIGN


def test_without_a_model_there_is_nothing_to_reveal(people: People, lab: Laboratory) -> None:
    waiting = submit(people.submitter, draft(people.submitter, lab))
    claimed(people.reviewer, waiting)
    stored = record_read(people.reviewer, waiting, label="Pro", confidence="high")
    waiting.refresh_from_db()
    assert (waiting.state, stored.model_seen, stored.conclusion.label) == (
        CaseState.READY_TO_SIGN,
        False,
        "Pro",
    )


@pytest.mark.parametrize(
    ("policy", "label", "confidence", "state"),
    [
        ("never", "Benign", "low", CaseState.READY_TO_SIGN),
        ("always", "Pre", "high", CaseState.AWAITING_SECOND_READ),
        ("doubt", "Pre", "high", CaseState.READY_TO_SIGN),
        ("doubt", "Pre", "low", CaseState.AWAITING_SECOND_READ),
        ("doubt", "Benign", "high", CaseState.AWAITING_SECOND_READ),
    ],
)
def test_the_policy_decides_on_the_second_read(
    case: Case, people: People, lab: Laboratory, policy: str, label: str, confidence: str, state: CaseState
) -> None:
    set_policy(people.lab_admin, lab, second_read=policy)
    assert read(people.reviewer, case, label, confidence=confidence).state == state


def test_whoever_came_round_to_the_model_is_read_again(case: Case, people: People, lab: Laboratory) -> None:
    set_policy(people.lab_admin, lab, second_read="doubt")
    assert read(people.reviewer, case, "Benign", end="Pre").state == CaseState.AWAITING_SECOND_READ


@pytest.mark.parametrize(("share", "state"), [(100, "awaiting_second_read"), (1, "ready_to_sign")])
def test_a_share_of_the_cases_is_read_twice(
    case: Case, people: People, lab: Laboratory, share: int, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.reading.policy.services.secrets.randbelow", lambda upto: 1)
    set_policy(people.lab_admin, lab, second_read="share", second_read_share=share)
    assert read(people.reviewer, case).state == state


def test_two_different_answers_go_to_a_third_reviewer(
    case: Case, people: People, lab: Laboratory, second: User, third: User
) -> None:
    set_policy(people.lab_admin, lab, second_read="always")
    read(people.reviewer, case, "Pre")
    with pytest.raises(NotAllowed):
        claims.claim(people.reviewer, case)
    assert read(second, case, "Early").state == CaseState.ADJUDICATION
    for reader in (people.reviewer, second):
        with pytest.raises(NotAllowed):
            claims.claim(reader, case)
    claimed(third, case)
    assert case.state == CaseState.ADJUDICATION
    with pytest.raises(Invalid, match="two readers"):
        adjudicate(third, case, label="Pre", confidence="high", reason=" ")
    adjudicate(third, case, label="Pre", confidence="high", reason="Nucleoli in most cells.")
    case.refresh_from_db()
    assert case.state == CaseState.READY_TO_SIGN
    assert present(standing_conclusion(round_reads(case))).read.reader == third
    assert set(case.notifications.values_list("user", "kind")) == {
        (people.reviewer.pk, Kind.ADJUDICATED),
        (second.pk, Kind.ADJUDICATED),
    }


def test_two_equal_answers_need_no_third(case: Case, people: People, lab: Laboratory, second: User) -> None:
    set_policy(people.lab_admin, lab, second_read="always")
    read(people.reviewer, case)
    assert read(second, case).state == CaseState.READY_TO_SIGN
    assert present(standing_conclusion(round_reads(case))).read.reader == people.reviewer


def test_who_sees_what_and_when(
    case: Case, people: People, lab: Laboratory, second: User, third: User
) -> None:
    """The gate of blind reading, step by step: (sees the model's answer, sees the colleagues')."""

    def seen(user: User) -> tuple[bool, bool]:
        fresh = type(case).objects.get(pk=case.pk)
        return blind.sees_model(user, fresh), blind.sees_reads(user, fresh)

    set_policy(people.lab_admin, lab, second_read="always")
    assert seen(people.submitter) == (True, False)
    assert seen(people.reviewer) == (False, False)
    claimed(people.reviewer, case)
    assert seen(people.reviewer) == (False, False)
    record_read(people.reviewer, case, label="Pre", confidence="high")
    assert seen(people.reviewer) == (True, False)
    conclude(people.reviewer, case, label="Pre", confidence="high")
    assert seen(people.reviewer) == (True, True)
    assert seen(second) == (False, False)
    read(second, case, "Early")
    assert seen(third) == (False, False)
    claimed(third, case)
    assert seen(third) == (True, True)


def test_a_returned_case_comes_back_as_a_new_round(case: Case, people: People) -> None:
    claimed(people.reviewer, case)
    with pytest.raises(Invalid, match="missing"):
        return_to_submitter(people.reviewer, case, missing="")
    return_to_submitter(people.reviewer, case, missing="Two fields in focus.")
    case.refresh_from_db()
    assert case.state == CaseState.RETURNED
    assert Return.objects.get().missing == "Two fields in focus."
    assert list(case.notifications.values_list("user", "kind")) == [(people.submitter.pk, Kind.CASE_RETURNED)]
    with pytest.raises(WrongState, match="stay with the case"):
        remove_image(people.submitter, present(case.images.first()))
    case = Case.objects.get(pk=case.pk)
    remove_image(people.submitter, add_image(people.submitter, case, photograph(8)))
    add_image(people.submitter, case, photograph(7))
    again = submit(people.submitter, case)
    assert (again.round, again.state) == (2, CaseState.SUBMITTED)
    # Only the new photograph is new to the model.
    assert again.jobs.filter(state="queued").count() == 1


def test_an_answer_that_its_reader_never_comes_back_to_stands(
    case: Case, people: People, settings: Settings
) -> None:
    claimed(people.reviewer, case)
    record_read(people.reviewer, case, label="Pre", confidence="high")
    assert conclude_left() == 0
    settings.CONCLUDE_LEFT_HOURS = 0
    assert conclude_left() == 1
    case.refresh_from_db()
    assert case.state == CaseState.READY_TO_SIGN
    conclusion = Conclusion.objects.get()
    assert (conclusion.label, conclusion.changed) == ("Pre", False)
    assert (conclusion.is_by_clock, conclusion.reason) == (True, "")
    assert "is final" in conclusion.reason_words
    with translation.override("es"):
        assert "es definitiva" in conclusion.reason_words
    assert conclude_left() == 0


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"label": "Lymphoma"}, "label"),
        ({"confidence": "very"}, "confidence"),
    ],
)
def test_unknown_answers_are_named(case: Case, people: People, change: dict[str, str], field: str) -> None:
    claimed(people.reviewer, case)
    entered: Document = {"label": "Pre", "confidence": "high"} | change
    with pytest.raises(Invalid) as refused:
        record_read(people.reviewer, case, **entered)
    assert refused.value.field == field
    assert not Read.objects.exists()


def test_an_answer_to_another_case_s_photograph_is_refused(
    case: Case, people: People, lab: Laboratory
) -> None:
    stranger = draft(people.submitter, lab).images.get()
    claimed(people.reviewer, case)
    with pytest.raises(Invalid), transaction.atomic():
        record_read(people.reviewer, case, label="Pre", confidence="high", images={stranger.pk: "Pre"})
    assert not Read.objects.exists()


@pytest.mark.parametrize("who", ["submitter", "lab_admin", "stranger"])
def test_only_reviewers_of_the_laboratory_read(case: Case, people: People, who: str) -> None:
    with pytest.raises(NotAllowed):
        claims.claim(getattr(people, who), case)
    with pytest.raises(NotAllowed):
        record_read(getattr(people, who), case, label="Pre", confidence="high")


def test_a_case_is_read_by_whoever_has_it_in_hand_and_once(case: Case, people: People, second: User) -> None:
    with pytest.raises(WrongState, match="have not taken this case"):
        record_read(people.reviewer, case, label="Pre", confidence="high")
    claimed(people.reviewer, case)
    with pytest.raises(WrongState, match="taken this case over"):
        record_read(second, case, label="Pre", confidence="high")
    record_read(people.reviewer, case, label="Pre", confidence="high")
    with pytest.raises(WrongState, match="already stored"):
        record_read(people.reviewer, case, label="Pro", confidence="high")
    assert Read.objects.count() == 1


def test_what_was_answered_never_changes(case: Case, people: People) -> None:
    read(people.reviewer, case)
    for model in (Read, Conclusion, ImageRead):
        for change in CHANGES:
            with pytest.raises(ProgrammingError, match="Cannot"), transaction.atomic():
                change(model.objects.all())


def test_the_trail_tells_who_did_it_and_counts_photographs(
    lab: Laboratory, people: People, model: ModelVersion
) -> None:
    with pghistory.context(user=people.submitter.pk):
        case = draft(people.submitter, lab, images=3)
        remove_image(people.submitter, present(case.images.last()))
    assert [(entry.words, entry.who) for entry in case_trail(case)] == [
        ("Filed as draft", people.submitter),
        ("3 photographs added", people.submitter),
        ("Photograph removed", people.submitter),
    ]


def test_the_trail_cannot_be_rewritten(case: Case) -> None:
    event = apps.get_model("cases", "CaseEvent")
    with pytest.raises(ProgrammingError, match="Cannot"), transaction.atomic():
        event._default_manager.filter(pgh_obj=case).update(state="draft")
