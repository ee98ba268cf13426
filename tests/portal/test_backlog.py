"""Whether waiting work is being done, from the rows alone; and the repair that no worker runs."""

import inspect
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import connections
from django.utils import timezone
from pytest_django.fixtures import Settings

from portal.accounts.models import Laboratory
from portal.api import health
from portal.api.health import NotWorkingError
from portal.cases.models import Case
from portal.inference import repair, services
from portal.inference.backlog import backlog
from portal.inference.choices import JobState
from portal.inference.models import Job, ModelVersion
from portal.inference.selectors import WORKER_HEARTBEAT_INDEX, WORKER_HEARTBEAT_PREFIX
from portal.intake import services as cases
from tests.factories import answer, draft
from tests.portal.kinds import People, present

pytestmark = pytest.mark.django_db


def age(seconds: float) -> None:
    Job.objects.update(queued_at=timezone.now() - timedelta(seconds=seconds))


@pytest.fixture
def submitted(people: People, lab: Laboratory, model: ModelVersion) -> Case:
    return cases.submit(people.submitter, draft(people.submitter, lab, images=2))


def test_red_when_jobs_wait_and_none_is_done(submitted: Case, settings: Settings) -> None:
    settings.QUEUE_RED_SECONDS = 45
    assert not backlog().stands_still
    age(50)
    assert backlog().stands_still
    assert str(backlog()).startswith("2 waiting, the oldest for 50 s; last done never")
    with pytest.raises(NotWorkingError, match="2 waiting"):
        inspect.unwrap(health.queue_of_work)()
    # A job under way counts: the worker may hang over it.
    first, second = submitted.jobs.all()
    attempt = present(services.claim(first.pk, "a"))
    assert backlog().stands_still
    # Another one done lately: the queue is long, not still.
    services.record(attempt, answer())
    assert not backlog().stands_still
    assert "1 waiting" in inspect.unwrap(health.queue_of_work)()
    Job.objects.filter(pk=first.pk).update(finished_at=timezone.now() - timedelta(seconds=50))
    assert backlog().stands_still
    # Nothing waits, however long ago the last one was.
    Job.objects.filter(pk=second.pk).update(state=JobState.FAILED)
    assert not backlog().stands_still


def test_a_long_queue_is_given_up_when_nothing_has_been_answered_for_a_while(
    submitted: Case, settings: Settings
) -> None:
    first, second = submitted.jobs.all()
    services.record(present(services.claim(first.pk, "a")), answer())
    Job.objects.filter(pk=second.pk).update(
        queued_at=timezone.now() - timedelta(seconds=settings.JOB_GIVE_UP_SECONDS + 1)
    )
    assert services.requeue_stale()["given_up"] == 0
    settings.JOB_LEASE_SECONDS = -1  # as if the last answer were long ago
    assert services.requeue_stale()["given_up"] == 1


@pytest.mark.django_db(transaction=True)
def test_one_process_repairs_at_a_time() -> None:
    other = connections["default"].copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [repair.LOCK])
        assert repair.repair() is None
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [repair.LOCK])
    finally:
        other.close()
    assert repair.repair() is not None
    assert repair.repair() is not None


def test_health_misses_the_repair() -> None:
    cache.delete(repair.HEARTBEAT)
    with pytest.raises(NotWorkingError):
        health.repair_()
    repair._heartbeat()
    assert health.repair_().startswith("last ran 0 s ago")


@pytest.mark.parametrize(
    ("consumed", "is_red"), [(["default", "quick"], False), (["quick"], True), ([], True)]
)
def test_a_worker_that_consumes_nothing_is_red(consumed: list[str], is_red: bool) -> None:
    sign = {"state": "ok", "detail": "", "expected": ["default", "quick"], "queues": consumed}
    cache.set(WORKER_HEARTBEAT_INDEX, ["w@here"], 60)
    cache.set(WORKER_HEARTBEAT_PREFIX + "w@here", sign, 60)
    try:
        if is_red:
            with pytest.raises(NotWorkingError, match="takes no"):
                health.worker()
        else:
            assert health.worker() == "1 at work"
    finally:
        cache.delete_many([WORKER_HEARTBEAT_INDEX, WORKER_HEARTBEAT_PREFIX + "w@here"])
