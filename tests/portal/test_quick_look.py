"""Quick looks: an answer, and nothing kept unless it becomes a case."""

from datetime import timedelta
from pathlib import Path
from typing import NoReturn

import pytest
from django.utils import timezone
from kombu.exceptions import OperationalError
from pytest_django.fixtures import Settings

from portal.accounts.models import Laboratory
from portal.cases.choices import CaseState
from portal.errors import Gone, Invalid, NotAllowed, WrongState
from portal.inference import quick_looks
from portal.inference.choices import JobState
from portal.inference.models import ModelVersion, QuickLook, QuickLookAnswer
from portal.quick_look import services
from portal.words import in_words
from tests.factories import answer, photograph
from tests.portal.kinds import OnCommit, People, Sent, present

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    """What was handed to the broker."""
    messages: Sent = []
    monkeypatch.setattr(
        "portal.inference.sending.app.send_task", lambda name, args, **options: messages.append((name, args))
    )
    return messages


@pytest.fixture
def look(people: People, lab: Laboratory, model: ModelVersion, sent: Sent) -> QuickLook:
    return services.start(people.submitter, lab, photograph(3))


def files(settings: Settings) -> int:
    return sum(path.is_file() for path in Path(settings.MEDIA_ROOT).rglob("*"))


def test_the_answer_lives_as_long_as_the_quick_look(
    look: QuickLook, sent: Sent, settings: Settings, people: People
) -> None:
    assert sent == [("worker.quick_look", [str(look.pk)])]
    quick_looks.record(present(quick_looks.claim(look.pk)).pk, answer())
    assert services.visible_to(people.submitter, look.pk).answer.label == "Pre"
    QuickLook.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(Gone):
        services.visible_to(people.submitter, look.pk)
    assert quick_looks.purge() == 1
    assert not QuickLookAnswer.objects.exists()
    assert files(settings) == 0


def test_an_answer_is_kept_once(look: QuickLook) -> None:
    quick_looks.claim(look.pk)
    quick_looks.claim(look.pk)
    quick_looks.record(look.pk, answer())
    quick_looks.record(look.pk, answer(0.9, 0.1, 0, 0))
    assert QuickLookAnswer.objects.get().label == "Pre"
    assert quick_looks.claim(look.pk) is None


def test_only_its_owner_sees_or_changes_it(look: QuickLook, people: People) -> None:
    with pytest.raises(Gone):
        services.visible_to(people.reviewer, look.pk)
    with pytest.raises(NotAllowed):
        services.discard(people.reviewer, look)
    with pytest.raises(NotAllowed):
        services.make_case(people.reviewer, look, patient_pseudonym="P", specimen="csf")


def test_it_becomes_a_draft_with_its_photograph(
    look: QuickLook, people: People, settings: Settings, django_capture_on_commit_callbacks: OnCommit
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        case = services.make_case(people.submitter, look, patient_pseudonym="P-1", specimen="bone_marrow")
    assert case.state == CaseState.DRAFT
    assert case.images.get().pixel_sha256 == look.pixel_sha256
    assert not QuickLook.objects.exists()
    assert files(settings) == 2


def test_a_case_that_cannot_be_made_leaves_the_quick_look(look: QuickLook, people: People) -> None:
    with pytest.raises(Invalid):
        services.make_case(people.submitter, look, patient_pseudonym="", specimen="csf")
    assert services.visible_to(people.submitter, look.pk)


def test_discarding_removes_row_and_files(look: QuickLook, people: People, settings: Settings) -> None:
    services.discard(people.submitter, look)
    assert not QuickLook.objects.exists()
    assert files(settings) == 0


def test_without_a_model_it_says_so(people: People, lab: Laboratory) -> None:
    with pytest.raises(WrongState, match="switched off"):
        services.start(people.submitter, lab, photograph(3))
    assert not QuickLook.objects.exists()


def test_a_broker_that_is_down_is_named(
    people: People, lab: Laboratory, model: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object, **options: object) -> NoReturn:
        raise OperationalError("connection refused")

    monkeypatch.setattr("portal.inference.sending.app.send_task", refuse)
    look = services.start(people.submitter, lab, photograph(3))
    assert look.state == JobState.FAILED
    assert "queue" in in_words(present(look.error))
