"""What worker and beat say about themselves in the cache, for the health page.

Both write from the loop that does their work, so the sign stops when the loop does, even while the process is
still there. ``portal.inference.selectors`` names the keys and reads them.
"""

import os
from time import time
from typing import Any

from celery import bootsteps
from celery.beat import PersistentScheduler
from django.conf import settings
from django.core.cache import cache

from portal.inference.selectors import BEAT_HEARTBEAT, WORKER_HEARTBEAT_INDEX, WORKER_HEARTBEAT_PREFIX
from worker.readiness import watch

INDEX_SECONDS = 24 * 3600


class WorkerHeartbeat(bootsteps.StartStopStep):
    """Says every few seconds from which queues the worker takes messages, and whether it may classify."""

    requires = ("celery.worker.components:Timer",)

    def start(self, worker: Any) -> None:
        self.expected = sorted(worker.app.amqp.queues.consume_from)
        self.write(worker)
        self.entry = worker.timer.call_repeatedly(
            settings.HEARTBEAT_SECONDS, self.write, (worker,), priority=10
        )

    def stop(self, worker: Any) -> None:
        self.entry.cancel()

    def write(self, worker: Any) -> None:
        verdict = watch.current
        _write(
            WORKER_HEARTBEAT_PREFIX + worker.hostname,
            state=verdict.state,
            detail=verdict.detail,
            expected=self.expected,
            queues=_consumed(worker, self.expected),
        )
        _announce(worker.hostname)


class ContractStep(bootsteps.StartStopStep):
    """Runs the check of the served model alongside the worker's loop, from its start to its end."""

    def include_if(self, worker: Any) -> bool:
        # A worker that sends mail and nothing else asks no model.
        return bool({"default", "quick"} & set(worker.app.amqp.queues.consume_from))

    def start(self, worker: Any) -> None:
        watch.start()

    def stop(self, worker: Any) -> None:
        watch.stop()


class BeatScheduler(PersistentScheduler):
    """Celery's scheduler, which also says that it still goes round."""

    max_interval = 5

    def tick(self, *args: Any, **kwargs: Any) -> float:
        _write(BEAT_HEARTBEAT)
        return super().tick(*args, **kwargs)


def _consumed(worker: Any, queues: list[str]) -> list[str]:
    """The queues from which the worker takes messages now: a consumer may have been cancelled, or be gone."""
    consumer = getattr(getattr(worker, "consumer", None), "task_consumer", None)
    return [queue for queue in queues if consumer is not None and consumer.consuming_from(queue)]


def _write(key: str, **sign: Any) -> None:
    # Without the cache the sign is missing, which is what the health page then says.
    cache.set(key, {"pid": os.getpid(), "at": time(), **sign}, settings.HEARTBEAT_TTL_SECONDS)


def _announce(hostname: str) -> None:
    # Two workers may overwrite each other's entry here; the next heartbeat puts it right.
    known: list[str] = cache.get(WORKER_HEARTBEAT_INDEX) or []
    if hostname not in known:
        cache.set(WORKER_HEARTBEAT_INDEX, sorted({*known, hostname}), INDEX_SECONDS)
