"""A deadline for tasks in a pool of threads, where Celery's own time limits do nothing.

A task runs in a thread of its own while the pool's thread waits for it, no longer than its deadline. Then the slot is
free again, whatever the task hangs on: a thread cannot be ended from outside, so it is left behind. The task's row
comes back by the repair. When several hang, the process ends in order and is restarted by its supervisor.
"""

import contextvars
import os
import signal
import threading
from collections.abc import Callable
from typing import Any, TypeVar

import structlog
from django.db import connections

log = structlog.get_logger(__name__)

R = TypeVar("R")

#: So many tasks hanging at once, and the process makes room by a new start.
HUNG_MOST = 4
#: What is in hand then has so many seconds to end.
LAST_SECONDS = 60.0

_lock = threading.Lock()
_hung: set[threading.Thread] = set()


class TaskHungError(Exception):
    """A task did not end within its deadline; its slot is given to others."""


def within(seconds: float, run: Callable[..., R], *args: Any, **kwargs: Any) -> R:
    """Run and return what it returns, or raise what it raises. Raises TaskHungError after ``seconds``."""
    outcome: dict[str, Any] = {}

    def body() -> None:
        try:
            outcome["result"] = run(*args, **kwargs)
        except BaseException as error:
            outcome["error"] = error
        finally:
            # This thread's connections: nobody else can close them.
            connections.close_all()

    context = contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=(body,), name=f"task {run.__name__}", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        _leave(thread, seconds)
        raise TaskHungError(f"{run.__name__} did not end within {seconds:.0f} s")
    if "error" in outcome:
        raise outcome["error"]
    result: R = outcome["result"]
    return result


def hung() -> int:
    """How many tasks hang now."""
    with _lock:
        _hung.intersection_update([thread for thread in _hung if thread.is_alive()])
        return len(_hung)


def _leave(thread: threading.Thread, seconds: float) -> None:
    with _lock:
        _hung.add(thread)
    count = hung()
    log.error("task.hung", thread=thread.name, seconds=seconds, hung=count)
    if count >= HUNG_MOST:
        _start_anew(count)


def _start_anew(count: int) -> None:
    log.error("worker.starts_anew", hung=count)
    # What waits in the pool may hang as well, and hold up an end in order.
    end = threading.Timer(LAST_SECONDS, os._exit, (1,))
    end.daemon = True
    end.start()
    os.kill(os.getpid(), signal.SIGTERM)
