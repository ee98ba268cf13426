"""Which jobs beat sends again: those whose message is lost, not those that wait their turn."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from portal.inference import services
from portal.inference.choices import JobState
from portal.inference.models import Job
from tests.worker.submitting import Submit

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The ids that were handed to the broker."""
    ids: list[int] = []
    monkeypatch.setattr(
        "portal.inference.sending.app.send_task", lambda name, args, **options: ids.extend(args)
    )
    return ids


@pytest.fixture
def waiting(submit: Submit, settings: Settings) -> list[Job]:
    """Three queued jobs, sent 90, 60 and 30 seconds ago; a message counts as lost after 20."""
    settings.JOB_RESEND_SECONDS = 20
    jobs = list(submit(images=3).jobs.all())
    for job, seconds in zip(jobs, (90, 60, 30), strict=True):
        Job.objects.filter(pk=job.pk).update(sent_at=timezone.now() - timedelta(seconds=seconds))
    return jobs


def run(job: Job) -> None:
    now = timezone.now()
    Job.objects.filter(pk=job.pk).update(state=JobState.RUNNING, started_at=now)


def test_nothing_runs_so_all_are_sent_again(waiting: list[Job], sent: list[int]) -> None:
    services.requeue_stale()
    assert sorted(sent) == sorted(job.pk for job in waiting)


def test_a_backlog_that_is_worked_off_is_left_alone(waiting: list[Job], sent: list[int]) -> None:
    run(waiting[0])
    services.requeue_stale()
    assert sent == []


def test_a_job_that_was_overtaken_is_sent_again(waiting: list[Job], sent: list[int]) -> None:
    run(waiting[1])
    services.requeue_stale()
    assert sent == [waiting[0].pk]


def test_what_was_sent_again_is_not_sent_at_once_again(waiting: list[Job], sent: list[int]) -> None:
    services.requeue_stale()
    sent.clear()
    services.requeue_stale()
    assert sent == []
