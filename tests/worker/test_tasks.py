"""The tasks on real rows, photographs and answers: once, twice, and when something is wrong."""

import threading

import numpy as np
import pytest
from django.db import connection
from PIL import Image
from pytest_django.fixtures import Settings

from portal.accounts.models import Laboratory, User
from portal.cases.choices import CaseState
from portal.cases.models import Case
from portal.inference import repair
from portal.inference.choices import JobState, Outcome
from portal.inference.models import Job, ModelVersion, Prediction, QuickLook, QuickLookAnswer
from portal.quick_look.services import start as start_quick_look
from portal.words import in_words
from smear.tensor import to_tensor
from tests.documents import Document
from tests.factories import photograph
from tests.worker.staged_triton import Staged, free_port, serving
from tests.worker.submitting import Submit
from worker import readiness
from worker import triton as triton_module
from worker.tasks import classify, quick_look
from worker.triton import TritonClient
from worker.triton import triton as shared_client

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def no_triton(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The address of the model server with nothing behind it."""
    settings.TRITON_GRPC_URL = f"127.0.0.1:{free_port()}"
    settings.TRITON_RETRY_SECONDS = 0.5
    monkeypatch.setattr(triton_module, "_client", None)


def only_job(case: Case) -> Job:
    return case.jobs.get()


def words(stored: Document | None) -> str:
    """What a stored message says; there has to be one."""
    assert stored is not None
    return in_words(stored)


def test_a_job_becomes_one_prediction_and_the_case_awaits_its_read(triton: str, submit: Submit) -> None:
    case = submit()
    job = only_job(case)
    classify(job.pk)
    job.refresh_from_db()
    case.refresh_from_db()
    assert job.state == JobState.DONE
    assert case.state == CaseState.AWAITING_READ
    assert case.no_preclassification_reason is None
    (attempt,) = job.attempts.all()
    assert attempt.outcome == Outcome.ANSWERED


def test_what_is_stored_is_what_the_model_answers(triton: str, submit: Submit) -> None:
    job = only_job(submit())
    classify(job.pk)
    with job.image.file.open("rb") as file, Image.open(file) as image:
        tensor = to_tensor(image)
    (outputs,) = shared_client().infer("leukemia_vgg16", str(job.model_version.version), tensor[None])
    prediction = Prediction.objects.get(job=job)
    assert prediction.probabilities == pytest.approx(outputs.probabilities, abs=1e-5)
    assert prediction.outlier_score == pytest.approx(outputs.outlier_score, rel=1e-4)
    reasons = job.model_version.rule().reasons(prediction.probabilities, prediction.outlier_score)
    assert prediction.refer_reasons == [reason.value for reason in reasons]
    assert prediction.refer == bool(reasons)
    assert prediction.activation() == pytest.approx(outputs.activation_map, rel=2e-3, abs=2e-3)


def test_a_message_that_comes_twice_changes_nothing(triton: str, submit: Submit) -> None:
    job = only_job(submit())
    classify(job.pk)
    first = Prediction.objects.get(job=job)
    classify(job.pk)
    assert Prediction.objects.get(job=job) == first
    assert job.attempts.count() == 1


def test_two_workers_with_the_same_message_make_one_prediction(triton: str, submit: Submit) -> None:
    job = only_job(submit())
    together = threading.Barrier(2)

    def work() -> None:
        together.wait()
        try:
            classify(job.pk)
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert Prediction.objects.filter(job=job).count() == 1
    assert job.attempts.count() == 1


def test_a_job_that_is_gone_is_no_error(version: ModelVersion) -> None:
    classify(987_654)


def test_while_triton_is_away_the_job_stays_queued_and_says_why(no_triton: None, submit: Submit) -> None:
    job = only_job(submit())
    classify(job.pk)
    job.refresh_from_db()
    assert job.state == JobState.QUEUED
    assert job.not_before is not None
    (attempt,) = job.attempts.all()
    assert attempt.outcome == Outcome.UNAVAILABLE
    assert words(attempt.error) == "The model server could not be reached."


def test_a_long_absence_of_triton_does_not_fill_the_record(no_triton: None, submit: Submit) -> None:
    job = only_job(submit())
    classify(job.pk)
    Job.objects.filter(pk=job.pk).update(not_before=None)
    classify(job.pk)
    assert job.attempts.count() == 1


def test_a_triton_that_is_back_answers_the_same_job(
    no_triton: None, submit: Submit, settings: Settings, triton: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = only_job(submit())
    classify(job.pk)
    settings.TRITON_GRPC_URL = triton
    monkeypatch.setattr(triton_module, "_client", None)
    readiness.watch.forget()
    Job.objects.filter(pk=job.pk).update(not_before=None)
    classify(job.pk)
    assert [attempt.outcome for attempt in job.attempts.all()] == [Outcome.UNAVAILABLE, Outcome.ANSWERED]


def test_a_model_other_than_the_registered_one_is_not_used(
    triton: str, submit: Submit, version: ModelVersion
) -> None:
    right = version.sha256
    version.sha256 = "b" * 64
    version.save(update_fields=["sha256"])
    job = only_job(submit())
    classify(job.pk)
    job.refresh_from_db()
    assert job.state == JobState.QUEUED
    assert not job.attempts.exists()
    version.sha256 = right
    version.save(update_fields=["sha256"])
    classify(job.pk)
    assert Prediction.objects.filter(job=job).exists()


def test_a_photograph_that_cannot_be_read_ends_with_the_reason(
    triton: str, submit: Submit, settings: Settings
) -> None:
    settings.JOB_MAX_ATTEMPTS = 1
    case = submit()
    job = only_job(case)
    stored = job.image.file
    assert stored.name is not None
    with stored.storage.open(stored.name, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n cut short")
    classify(job.pk)
    case.refresh_from_db()
    assert case.state == CaseState.AWAITING_READ
    assert "The stored photograph could not be read." in words(case.no_preclassification_reason)


def test_an_answer_that_makes_no_sense_is_not_stored(
    version: ModelVersion, submit: Submit, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.JOB_MAX_ATTEMPTS = 1
    monkeypatch.setattr(readiness.ContractWatch, "require", lambda *args: None)
    nonsense = {"PROBABILITIES": np.full((1, 4), 0.5, dtype=np.float32)}
    with serving(Staged(replace=nonsense)) as url:
        client = TritonClient(url, deadline=5)
        monkeypatch.setattr("worker.photograph.triton", lambda: client)
        job = only_job(submit())
        classify(job.pk)
        client.close()
    assert not Prediction.objects.filter(job=job).exists()
    assert words(job.attempts.get().error) == "The model server rejected the photograph."


@pytest.fixture
def looked(version: ModelVersion, submitter: User, lab: Laboratory) -> QuickLook:
    return start_quick_look(submitter, lab, photograph())


def test_a_quick_look_is_answered_once(triton: str, looked: QuickLook) -> None:
    quick_look(str(looked.pk))
    quick_look(str(looked.pk))
    looked.refresh_from_db()
    assert looked.state == JobState.DONE
    assert QuickLookAnswer.objects.filter(quick_look=looked).count() == 1


def test_a_quick_look_without_triton_says_so(no_triton: None, looked: QuickLook) -> None:
    quick_look(str(looked.pk))
    looked.refresh_from_db()
    assert looked.state == JobState.FAILED
    assert words(looked.error) == "The model server could not be reached."


def test_a_quick_look_whose_worker_died_is_given_up(
    version: ModelVersion, looked: QuickLook, settings: Settings
) -> None:
    settings.QUICK_LOOK_SECONDS = 0
    repair.repair()
    looked.refresh_from_db()
    assert looked.state == JobState.FAILED
    assert "Try again" in words(looked.error)
