"""The worker's Celery application: ``celery -A worker.app worker`` and ``celery -A worker.app beat``."""

import os
from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from logging.config import dictConfig
from typing import Any, ParamSpec, TypeVar

import django
from celery.signals import setup_logging
from django.conf import settings

from portal.config.celery import app
from worker.deadline import within

P = ParamSpec("P")
R = TypeVar("R")

# Django's system checks import every page of the web server; the web process and the tests run them.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")
django.setup()


#: The name of the worker that runs a task.
NODE: ContextVar[str] = ContextVar("node", default="local")


def task(
    name: str, *, deadline: str = "TASK_DEADLINE_SECONDS", **options: Any
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Register a task under the name the portal sends: the one decorator of this project.

    It carries the rules of delivery. A task is acknowledged after it ran and handed to another worker when
    its own one dies, so its message may come twice and the task must be idempotent. It keeps no result,
    because rows in the database are the truth, and Celery never tries it again by itself, because ``Attempt``
    rows count the tries. Its arguments are JSON: one id. ``deadline`` names the setting with the seconds after which
    it gives its slot back.
    """

    def register(run: Callable[P, R]) -> Callable[P, R]:
        @wraps(run)
        def bounded(*args: P.args, **kwargs: P.kwargs) -> R:
            request = app.current_task.request if app.current_task else None
            if request is None or request.called_directly:
                return run(*args, **kwargs)
            NODE.set(request.hostname or NODE.get())
            return within(getattr(settings, deadline), run, *args, **kwargs)

        registered: Callable[P, R] = app.task(
            name=name,
            acks_late=True,
            reject_on_worker_lost=True,
            ignore_result=True,
            serializer="json",
            max_retries=0,
            **options,
        )(bounded)
        return registered

    return register


@setup_logging.connect
def _keep_our_logging(**_: Any) -> None:
    """Log as the portal does; Celery would put its own format over it."""
    dictConfig(settings.LOGGING)


def _assemble() -> None:
    # These modules use ``task`` and the settings, so they come after both.
    from worker import heartbeat, tasks  # noqa: F401

    app.steps["worker"].update({heartbeat.ContractStep, heartbeat.WorkerHeartbeat})
    app.conf.beat_scheduler = "worker.heartbeat:BeatScheduler"


_assemble()
