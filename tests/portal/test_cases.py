"""Filing a case: fields, photographs, submission, cancelling."""

from pathlib import Path
from types import EllipsisType

import pgtrigger
import pytest
from django.db import ProgrammingError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import Settings

from portal.accounts.models import Laboratory, User
from portal.cases.choices import TRANSITIONS, CaseState
from portal.cases.models import Case
from portal.cases.selectors import visible_to
from portal.errors import Duplicate, FileRefused, Invalid, NotAllowed, WrongState
from portal.inference.models import Job, ModelVersion
from portal.intake import services
from portal.words import in_words
from tests.factories import draft, photograph
from tests.portal.kinds import OnCommit, People, present

pytestmark = pytest.mark.django_db


def stored_files(settings: Settings) -> list[Path]:
    return [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]


def test_accession_numbers_count_up_per_laboratory(people: People, lab: Laboratory) -> None:
    first, second = draft(people.submitter, lab), draft(people.submitter, lab)
    assert first.accession.endswith("-000001")
    assert second.accession.endswith("-000002")
    other = people.stranger.memberships.get().laboratory
    assert draft(people.stranger, other).accession.endswith("-000001")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"patient_pseudonym": "  "}, "patient_pseudonym"),
        ({"patient_pseudonym": "x" * 65}, "patient_pseudonym"),
        ({"specimen": "hair"}, "specimen"),
        ({"priority": "whenever"}, "priority"),
    ],
)
def test_what_cannot_be_taken_is_named_by_field(
    people: People, lab: Laboratory, fields: dict[str, str], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        draft(people.submitter, lab, images=0, **fields)
    assert refused.value.field == field
    assert not Case.objects.exists()


@pytest.mark.parametrize(
    ("entered", "stored"),
    [
        ("0.065", 0.065),
        ("0,065", 0.065),
        ("", None),
        ("0.001", ...),
        ("11", ...),
        ("nan", ...),
        ("many", ...),
    ],
)
def test_the_scale_is_optional_and_within_reason(
    client: Client, people: People, lab: Laboratory, entered: str, stored: float | EllipsisType | None
) -> None:
    case = draft(people.submitter, lab, images=0)
    client.force_login(people.submitter)
    fields = {
        "patient_pseudonym": "P-1",
        "specimen": "csf",
        "priority": "routine",
        "microns_per_pixel": entered,
    }
    answer = client.post(
        reverse("cases:edit", args=[case.pk]), fields, headers={"Accept": "application/json"}
    )
    case.refresh_from_db()
    if stored is ...:
        assert answer.status_code == 422
        assert "micrometres per pixel as a number" in answer.json()["errors"]["microns_per_pixel"][0]
        assert case.microns_per_pixel is None
    else:
        assert (answer.status_code, case.microns_per_pixel) == (200, stored)


def test_a_photograph_is_stored_once_with_a_thumbnail_and_without_its_name(
    people: People, lab: Laboratory, settings: Settings
) -> None:
    case = draft(people.submitter, lab, images=0)
    image = services.add_image(people.submitter, case, photograph(1, name="Mustermann_Erika.png"))
    names = " ".join(str(path) for path in stored_files(settings))
    assert "Mustermann" not in names
    assert len(stored_files(settings)) == 2
    with pytest.raises(Duplicate, match="image 1"):
        services.add_image(people.submitter, case, photograph(1))
    assert list(case.images.all()) == [image]
    assert len(stored_files(settings)) == 2


def test_a_rejected_file_leaves_the_others_where_they_were(
    people: People, lab: Laboratory, settings: Settings
) -> None:
    case = draft(people.submitter, lab, images=2)
    upload = photograph(9)
    present(upload.file).truncate(2000)
    with pytest.raises(FileRefused):
        services.add_image(people.submitter, case, upload)
    assert case.images.count() == 2
    assert len(stored_files(settings)) == 4


def test_removing_a_photograph_removes_its_files(
    people: People, lab: Laboratory, settings: Settings, django_capture_on_commit_callbacks: OnCommit
) -> None:
    case = draft(people.submitter, lab, images=2)
    with django_capture_on_commit_callbacks(execute=True):
        services.remove_image(people.submitter, present(case.images.first()))
    assert [image.position for image in case.images.all()] == [2]
    assert len(stored_files(settings)) == 2


def test_an_empty_case_cannot_be_submitted(people: People, lab: Laboratory, model: ModelVersion) -> None:
    case = draft(people.submitter, lab, images=0)
    with pytest.raises(Invalid, match="at least one photograph"):
        services.submit(people.submitter, case)
    case.refresh_from_db()
    assert case.state == CaseState.DRAFT


def test_submitting_orders_one_job_per_photograph(
    people: People, lab: Laboratory, model: ModelVersion
) -> None:
    case = services.submit(people.submitter, draft(people.submitter, lab, images=3))
    assert case.state == CaseState.SUBMITTED
    assert Job.objects.filter(case=case, model_version=model).count() == 3
    with pytest.raises(WrongState):
        services.submit(people.submitter, case)
    with pytest.raises(WrongState):
        services.add_image(people.submitter, case, photograph(77))
    with pytest.raises(WrongState):
        services.remove_image(people.submitter, present(case.images.first()))
    with pytest.raises(WrongState):
        services.update_case(people.submitter, case, clinical_note="too late")


def placed(by: User, case: Case, *places: tuple[int, int | None]) -> list[int]:
    """Add photographs (seed, wanted position) one after the other; the positions that they got."""
    return [
        services.add_image(by, case, photograph(seed), position=position).position
        for seed, position in places
    ]


def order(case: Case) -> list[str]:
    return [image.pixel_sha256 for image in case.images.order_by("position")]


def test_photographs_stand_in_the_order_chosen_whichever_upload_ends_first(
    people: People, lab: Laboratory, model: ModelVersion
) -> None:
    by = people.submitter
    straight, mixed = draft(by, lab, images=0), draft(by, lab, images=0)
    placed(by, straight, *((seed, None) for seed in (1, 2, 3, 4)))
    assert placed(by, mixed, (3, 3), (4, 4), (1, 1), (2, 2)) == [3, 4, 1, 2]
    assert order(mixed) == order(straight)


def test_a_refused_file_leaves_no_gap_in_what_is_handed_over_and_later_files_come_after(
    people: People, lab: Laboratory, model: ModelVersion
) -> None:
    by = people.submitter
    case = draft(by, lab, images=0)
    # 2 was refused; 5 is the place of a file that never came; one more is added when the page was reloaded.
    assert placed(by, case, (4, 4), (1, 1), (3, 3), (6, 6), (7, None)) == [4, 1, 3, 6, 7]
    chosen = order(case)
    services.submit(by, case)
    assert [image.position for image in case.images.all()] == [1, 2, 3, 4, 5]
    assert order(case) == chosen


def test_a_place_that_is_taken_or_was_handed_over_is_not_given_again(people: People, lab: Laboratory) -> None:
    by = people.submitter
    case = draft(by, lab, images=2)
    assert placed(by, case, (5, 1), (6, 9)) == [3, 9]
    with pytest.raises(Invalid, match="from 1 to"):
        placed(by, case, (7, services.MOST_POSITION + 1))
    services.submit(by, case)
    handed_over = order(case)
    with pgtrigger.ignore("cases.Case:case_state_machine"):
        Case.objects.filter(pk=case.pk).update(state=CaseState.RETURNED)
    services.remove_image(by, case.images.get(pk=services.add_image(by, case, photograph(8)).pk))
    assert placed(by, case, (9, 1), (10, 7), (11, 6)) == [5, 7, 6]
    services.submit(by, case)
    assert order(case)[:4] == handed_over
    assert [image.position for image in case.images.all()] == [1, 2, 3, 4, 5, 6, 7]


def test_with_the_model_switched_off_a_case_goes_straight_to_reading(people: People, lab: Laboratory) -> None:
    case = services.submit(people.submitter, draft(people.submitter, lab))
    assert case.state == CaseState.AWAITING_READ
    assert "switched off" in in_words(present(case.no_preclassification_reason))


def test_cancelling_ends_open_jobs(people: People, lab: Laboratory, model: ModelVersion) -> None:
    case = services.submit(people.submitter, draft(people.submitter, lab))
    services.cancel(people.submitter, case)
    assert not Job.objects.filter(state="queued").exists()
    with pytest.raises(WrongState):
        services.cancel(people.submitter, case)


@pytest.mark.parametrize(
    ("who", "may_submit", "sees"),
    [
        ("submitter", True, True),
        ("reviewer", True, True),
        ("lab_admin", True, True),
        ("stranger", False, False),
    ],
)
def test_who_may_file_and_see(
    people: People, lab: Laboratory, who: str, may_submit: bool, sees: bool
) -> None:
    user = getattr(people, who)
    case = draft(people.submitter, lab)
    assert visible_to(user).filter(pk=case.pk).exists() is sees
    if may_submit:
        services.update_case(user, case, clinical_note="seen")
    else:
        for attempt in (
            lambda: services.update_case(user, case, clinical_note="x"),
            lambda: services.add_image(user, case, photograph(5)),
            lambda: services.submit(user, case),
            lambda: services.cancel(user, case),
            lambda: services.create_case(user, laboratory=lab, patient_pseudonym="P", specimen="csf"),
        ):
            with pytest.raises(NotAllowed):
                attempt()


def test_a_former_member_sees_nothing(people: People, lab: Laboratory) -> None:
    draft(people.submitter, lab)
    people.submitter.memberships.update(is_active=False)
    fresh = type(people.submitter).objects.get(pk=people.submitter.pk)
    assert not visible_to(fresh).exists()


def test_the_database_refuses_illegal_jumps(people: People, lab: Laboratory) -> None:
    case = draft(people.submitter, lab, images=0)
    row = Case.objects.filter(pk=case.pk)
    for old in CaseState.values:
        for new in CaseState.values:
            with pgtrigger.ignore("cases.Case:case_state_machine"):
                row.update(state=old, submitted_at=timezone.now())
            if new == old or new in TRANSITIONS[old]:
                row.update(state=new)
            else:
                with pytest.raises(ProgrammingError, match="Invalid transition"), transaction.atomic():
                    row.update(state=new)
