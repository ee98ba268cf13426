"""What goes through the broker, and how Celery was told to handle it."""

import base64
import json
from collections.abc import Iterator
from time import monotonic

import pytest
import redis
from django.conf import settings
from kombu import pools
from pytest_django.fixtures import Settings

from confined.bounds import of_pictures
from portal.accounts.models import Laboratory, User
from portal.inference.models import ModelVersion
from portal.quick_look import services as quick_look
from tests.documents import Document, Items
from tests.factories import photograph
from tests.worker.submitting import Submit
from worker.app import app

OURS = sorted(name for name in app.tasks if name.startswith("worker."))


@pytest.fixture
def broker() -> Iterator[redis.Redis]:
    """The broker's database, emptied before and after."""
    with redis.Redis.from_url(settings.BROKER_URL) as client:
        client.flushdb()
        yield client
        client.flushdb()


def messages(broker: redis.Redis) -> list[Document]:
    """Every message that waits, in whatever queue and priority."""
    lists = [key for key in broker.keys("*") if broker.type(key) == b"list"]
    return [json.loads(raw) for key in lists for raw in broker.lrange(key, 0, -1)]


def body(message: Document) -> Items:
    """Arguments by place, arguments by name, and what Celery adds."""
    found: Items = json.loads(base64.b64decode(message["body"]))
    return found


@pytest.mark.django_db(transaction=True)
def test_a_submitted_case_sends_ids_and_nothing_else(broker: redis.Redis, submit: Submit) -> None:
    case = submit(images=2, patient_pseudonym="P-4711-SECRET", clinical_note="pancytopenia")
    waiting = messages(broker)
    assert sorted(body(message)[0] for message in waiting) == sorted([job.pk] for job in case.jobs.all())
    for message in waiting:
        everything = json.dumps(message) + json.dumps(body(message))
        for private in ("P-4711-SECRET", "pancytopenia", case.accession, case.created_by.email):
            assert private not in everything
        assert len(everything) < 4_000
        assert message["content-type"] == "application/json"


@pytest.mark.django_db(transaction=True)
def test_a_quick_look_goes_into_its_own_queue(
    broker: redis.Redis, version: ModelVersion, submitter: User, lab: Laboratory
) -> None:
    found = quick_look.start(submitter, lab, photograph())
    (message,) = (json.loads(raw) for raw in broker.lrange("quick", 0, -1))
    assert body(message)[0] == [str(found.pk)]


@pytest.mark.django_db(transaction=True)
def test_a_broker_that_is_down_does_not_stop_a_submission(
    submit: Submit, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = "redis://127.0.0.1:1/0"
    monkeypatch.setattr(app.amqp, "_producer_pool", None)
    with app.connection_for_write(dead) as connection:
        monkeypatch.setattr(app.amqp, "_producer_pool", pools.producers[connection])
        started = monotonic()
        case = submit()
    assert monotonic() - started < 5
    job = case.jobs.get()
    assert job.state == "queued"
    assert job.sent_at is None


@pytest.mark.parametrize("name", OURS)
def test_every_task_follows_the_rules_of_delivery(name: str) -> None:
    task = app.tasks[name]
    assert task.acks_late
    assert task.ignore_result
    assert task.serializer == "json"
    assert task.max_retries == 0


def test_all_tasks_the_portal_sends_exist() -> None:
    assert OURS == [
        "worker.build_tiles",
        "worker.classify",
        "worker.expire_claims",
        "worker.mail_notification",
        "worker.purge_quick_looks",
        "worker.quick_look",
        "worker.remind_of_alerts",
        "worker.send_due_mails",
    ]
    assert {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()} <= set(OURS)


def test_celery_takes_json_only_and_never_redelivers_by_time() -> None:
    assert list(app.conf.accept_content) == ["json"]
    assert app.conf.broker_transport_options["visibility_timeout"] > settings.TASK_DEADLINE_SECONDS
    assert app.conf.worker_prefetch_multiplier == 1
    assert app.conf.broker_connection_max_retries is None


def test_a_try_ends_within_its_lease() -> None:
    """A worker that waits for Triton and for its photograph as long as it may still holds its job when it reports."""
    longest = settings.TRITON_DEADLINE_SECONDS + settings.TRITON_RETRY_SECONDS
    reading = settings.PICTURE_PATIENCE_SECONDS + of_pictures({}).clock
    assert longest + reading < settings.JOB_LEASE_SECONDS
    assert longest < settings.QUICK_LOOK_SECONDS
