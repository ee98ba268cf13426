"""The rules of delivery, in the one decorator that makes a function a task."""

from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from django.conf import settings

from portal.config.celery import app
from worker.deadline import within

P = ParamSpec("P")
R = TypeVar("R")

#: The name of the worker that runs a task.
NODE: ContextVar[str] = ContextVar("node", default="local")


def task(
    name: str, *, deadline: str = "TASK_DEADLINE_SECONDS", **options: Any
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Register a task under the name the portal sends: the one decorator of this project.

    A task is acknowledged after it ran. Where its worker dies the message is not lost in the broker, and need not
    come back from there either: the repair (``portal.inference.repair``) finds in the database what was not done and
    sends it again. So a message may come twice, and a task must be idempotent. It keeps no result, because rows in
    the database are the truth, and Celery never tries it again by itself, because ``Attempt`` rows count the tries.
    Its arguments are JSON: one id. ``deadline`` names the setting with the seconds after which it gives its slot
    back; the time limits and ``reject_on_worker_lost`` of Celery are for pools of processes and do nothing in ours.
    """

    def register(run: Callable[P, R]) -> Callable[P, R]:
        @wraps(run)
        def bounded(*args: P.args, **kwargs: P.kwargs) -> R:
            request = app.current_task.request if app.current_task else None
            if request is None or request.called_directly:
                return run(*args, **kwargs)
            NODE.set(request.hostname or NODE.get())
            return within(getattr(settings, deadline), run, *args, **kwargs)

        registered: Callable[P, R] = app.task(  # type: ignore[no-untyped-call] # Celery has no types for it
            name=name, acks_late=True, ignore_result=True, serializer="json", max_retries=0, **options
        )(bounded)
        return registered

    return register
