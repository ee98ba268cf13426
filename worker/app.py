"""The worker's Celery application: ``celery -A worker.app worker`` and ``celery -A worker.app beat``."""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from portal.config.celery import app

P = ParamSpec("P")
R = TypeVar("R")

app.conf.include = ["worker.tasks"]


def task(name: str, **options: Any) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Register a task under the name the portal sends: the one decorator of this project.

    It carries the rules of delivery. A task is acknowledged after it ran and handed to another worker when
    its own one dies, so its message may come twice and the task must be idempotent. It keeps no result, because
    rows in the database are the truth, and Celery never tries it again by itself, because ``Attempt`` rows
    count the tries. Its arguments are JSON: one id.
    """
    return app.task(
        name=name,
        acks_late=True,
        reject_on_worker_lost=True,
        ignore_result=True,
        serializer="json",
        max_retries=0,
        **options,
    )
