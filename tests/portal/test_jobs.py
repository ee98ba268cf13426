"""Jobs are the truth: claimed once, answered once, repaired from the database."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import NoReturn

import pytest
from django.db import ProgrammingError, connections, transaction
from django.utils import timezone
from kombu.exceptions import OperationalError
from pytest_django.fixtures import Settings

from portal.accounts.models import Laboratory
from portal.cases.choices import CaseState
from portal.cases.models import Case
from portal.inference import services
from portal.inference.choices import JobState, Outcome
from portal.inference.models import Attempt, Job, ModelVersion, Prediction
from portal.inference.selectors import case_preclassification
from portal.intake import services as cases
from portal.words import in_words
from smear.contract import Message
from tests.factories import active_model, analysed, answer, draft
from tests.portal.kinds import OnCommit, People, present

pytestmark = pytest.mark.django_db


@pytest.fixture
def submitted(people: People, lab: Laboratory, model: ModelVersion) -> Case:
    """A submitted case of two photographs; nothing reaches the broker, since nothing commits."""
    return cases.submit(people.submitter, draft(people.submitter, lab, images=2))


def age(job: Job, *, seconds: float, field: str = "queued_at") -> None:
    Job.objects.filter(pk=job.pk).update(**{field: timezone.now() - timedelta(seconds=seconds)})


def test_a_job_is_claimed_once(submitted: Case) -> None:
    job = present(submitted.jobs.first())
    attempt = services.claim(job.pk, "a")
    assert attempt is not None
    assert attempt.number == 1
    assert services.claim(job.pk, "b") is None
    submitted.refresh_from_db()
    assert submitted.state == CaseState.ANALYSING


def test_an_unknown_job_is_nothing_to_do(db: None) -> None:
    assert services.claim(123456, "a") is None


def test_the_last_answer_moves_the_case_on(submitted: Case) -> None:
    first, second = submitted.jobs.all()
    services.record(present(services.claim(first.pk, "a")), answer(0.1, 0.7, 0.1, 0.1))
    submitted.refresh_from_db()
    assert submitted.state == CaseState.ANALYSING
    services.record(present(services.claim(second.pk, "a")), answer(0.0, 0.6, 0.4, 0.0))
    submitted.refresh_from_db()
    assert submitted.state == CaseState.AWAITING_READ
    assert submitted.no_preclassification_reason is None
    summary = present(case_preclassification(submitted))
    assert summary.label == "Early"
    assert summary.counts == {"Benign": 0, "Early": 2, "Pre": 0, "Pro": 0}
    assert summary.spread == pytest.approx((0.6, 0.7))
    assert not summary.refer


def test_an_answer_is_recorded_once(submitted: Case) -> None:
    job = present(submitted.jobs.first())
    attempt = present(services.claim(job.pk, "a"))
    assert services.record(attempt, answer()) is not None
    assert services.record(attempt, answer()) is None
    assert Prediction.objects.filter(job=job).count() == 1


def test_a_late_worker_cannot_overwrite_its_successor(submitted: Case, settings: Settings) -> None:
    job = present(submitted.jobs.first())
    slow = present(services.claim(job.pk, "slow"))
    age(job, seconds=settings.JOB_LEASE_SECONDS + 1, field="started_at")
    assert services.requeue_stale()["lost"] == 1
    quick = present(services.claim(job.pk, "quick"))
    assert quick.number == 2
    assert services.record(slow, answer(0.9, 0, 0.1, 0)) is None
    assert present(services.record(quick, answer())).label == "Pre"
    assert list(Attempt.objects.filter(job=job).values_list("number", "outcome")) == [
        (1, Outcome.SUPERSEDED),
        (2, Outcome.ANSWERED),
    ]


def test_a_failed_try_waits_and_comes_back(submitted: Case) -> None:
    job = present(submitted.jobs.first())
    services.fail(present(services.claim(job.pk, "a")), Message("unexpected"))
    job.refresh_from_db()
    assert job.state == JobState.QUEUED
    assert services.claim(job.pk, "a") is None
    Job.objects.filter(pk=job.pk).update(not_before=timezone.now())
    assert present(services.claim(job.pk, "a")).number == 2


def test_out_of_tries_the_case_goes_on_with_the_reason(submitted: Case, settings: Settings) -> None:
    settings.JOB_MAX_ATTEMPTS = 2
    first, second = submitted.jobs.all()
    services.record(present(services.claim(first.pk, "a")), answer())
    for _ in range(2):
        Job.objects.filter(pk=second.pk).update(not_before=None)
        services.fail(present(services.claim(second.pk, "a")), Message("model_refused"))
    submitted.refresh_from_db()
    assert submitted.state == CaseState.AWAITING_READ
    assert in_words(present(submitted.no_preclassification_reason)) == (
        "1 of 2 photographs have no pre-classification: The model server rejected the photograph."
    )


def test_an_unavailable_server_costs_time_but_no_try(submitted: Case, settings: Settings) -> None:
    settings.JOB_MAX_ATTEMPTS = 1
    job = present(submitted.jobs.first())
    for _ in range(3):
        Job.objects.filter(pk=job.pk).update(not_before=None)
        services.fail(
            present(services.claim(job.pk, "a")), Message("model_away"), outcome=Outcome.UNAVAILABLE
        )
    job.refresh_from_db()
    assert job.state == JobState.QUEUED
    age(job, seconds=settings.JOB_GIVE_UP_SECONDS + 1)
    assert services.requeue_stale()["given_up"] == 1
    job.refresh_from_db()
    assert (job.state, job.error) == (JobState.FAILED, Message("model_away").to_json())


def test_a_long_queue_that_is_worked_off_is_not_given_up(submitted: Case, settings: Settings) -> None:
    first, second = submitted.jobs.all()
    services.record(present(services.claim(first.pk, "a")), answer())
    age(second, seconds=settings.JOB_GIVE_UP_SECONDS + 1)
    assert services.requeue_stale()["given_up"] == 0


def test_a_model_that_answers_nobody_is_given_up(submitted: Case, settings: Settings) -> None:
    for job in submitted.jobs.all():
        age(job, seconds=settings.JOB_GIVE_UP_SECONDS + 1)
    assert services.requeue_stale()["given_up"] == 2
    submitted.refresh_from_db()
    assert submitted.state == CaseState.AWAITING_READ
    assert "did not answer in time" in in_words(present(submitted.no_preclassification_reason))


def test_a_final_failure_ends_at_once(submitted: Case) -> None:
    job = present(submitted.jobs.first())
    services.fail(present(services.claim(job.pk, "a")), Message("stored_unreadable"), final=True)
    job.refresh_from_db()
    assert job.state == JobState.FAILED


def test_what_was_never_sent_is_sent_again(
    submitted: Case, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = []
    monkeypatch.setattr(
        "portal.inference.sending.app.send_task", lambda name, args, **options: sent.append((name, args))
    )
    assert services.requeue_stale()["sent"] == 0, "fresh jobs get time to be sent by their own transaction"
    for job in submitted.jobs.all():
        age(job, seconds=10)
    assert services.requeue_stale()["sent"] == 2
    assert sent == [("worker.classify", [job.pk]) for job in submitted.jobs.all()]
    assert services.requeue_stale()["sent"] == 0
    for job in submitted.jobs.all():
        age(job, seconds=settings.JOB_RESEND_SECONDS + 1, field="sent_at")
    assert services.requeue_stale()["sent"] == 2


def test_a_broker_that_is_down_does_not_break_submitting(
    people: People,
    lab: Laboratory,
    model: ModelVersion,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: OnCommit,
) -> None:
    def refuse(*args: object, **options: object) -> NoReturn:
        raise OperationalError("connection refused")

    monkeypatch.setattr("portal.inference.sending.app.send_task", refuse)
    with django_capture_on_commit_callbacks(execute=True):
        case = cases.submit(people.submitter, draft(people.submitter, lab))
    job = case.jobs.get()
    assert (job.state, job.sent_at) == (JobState.QUEUED, None)


def test_urgent_work_is_sent_ahead(
    people: People,
    lab: Laboratory,
    model: ModelVersion,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: OnCommit,
) -> None:
    priorities = []
    monkeypatch.setattr(
        "portal.inference.sending.app.send_task", lambda name, args, **o: priorities.append(o["priority"])
    )
    for priority in ("routine", "urgent", "stat"):
        with django_capture_on_commit_callbacks(execute=True):
            cases.submit(people.submitter, draft(people.submitter, lab, priority=priority))
    assert priorities == sorted(priorities, reverse=True)
    assert len(set(priorities)) == 3


def test_benign_and_malignant_side_by_side_is_referred(
    people: People, lab: Laboratory, model: ModelVersion
) -> None:
    case = cases.submit(people.submitter, draft(people.submitter, lab, images=2))
    first, second = case.jobs.all()
    services.record(present(services.claim(first.pk, "a")), answer(0.9, 0.0, 0.1, 0.0))
    services.record(present(services.claim(second.pk, "a")), answer(0.1, 0.0, 0.9, 0.0))
    summary = present(case_preclassification(case))
    assert summary.mixed
    assert summary.refer


def test_a_prediction_never_changes(people: People, lab: Laboratory, model: ModelVersion) -> None:
    prediction = Prediction.objects.get(job__case=analysed(people.submitter, lab))
    for change in (
        lambda: Prediction.objects.filter(pk=prediction.pk).update(label="Benign"),
        lambda: Prediction.objects.filter(pk=prediction.pk).delete(),
    ):
        with pytest.raises(ProgrammingError, match="Cannot"), transaction.atomic():
            change()


def test_the_weights_of_a_version_in_use_never_change(
    people: People, lab: Laboratory, model: ModelVersion
) -> None:
    analysed(people.submitter, lab)
    with pytest.raises(ValueError, match="new version"):
        active_model(sha256="b" * 64)


@pytest.mark.django_db(transaction=True)
def test_of_many_workers_one_claims_and_all_finish_the_case(
    people: People, lab: Laboratory, model: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.inference.sending.app.send_task", lambda *args, **options: None)
    case = cases.submit(people.submitter, draft(people.submitter, lab, images=4))
    orders = [job.pk for job in case.jobs.all()] * 4

    def work(job_id: int) -> bool:
        try:
            attempt = services.claim(job_id, "thread")
            return attempt is not None and services.record(attempt, answer()) is not None
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(work, orders)) == 4
    case.refresh_from_db()
    assert case.state == CaseState.AWAITING_READ
    assert Prediction.objects.filter(image__case=case).count() == 4
