"""The clock of the repair: in the web processes, driven by the database, so that no worker and no broker can stop it.

Each process asks every few seconds; an advisory lock of PostgreSQL gives the turn to one of them
(docs/decisions/0027-repair.md).
"""

import threading
from time import time
from typing import Any

import structlog
from django.conf import settings
from django.core.cache import cache
from django.db import connection

from portal.inference import quick_looks, services
from portal.web.outage import is_outage

log = structlog.get_logger(__name__)

#: The lock's number: any that nothing else in the database uses.
LOCK = 0x48454D41
#: Cache key under which the last repair says when it was; the value is what ``heartbeat`` writes.
HEARTBEAT = "repair:heartbeat"

_stopped = threading.Event()


def start() -> None:
    """Repair every few seconds from a thread of its own until ``stop``."""
    _stopped.clear()
    threading.Thread(target=_keep_repairing, name="repair", daemon=True).start()


def stop() -> None:
    """Let the repair under way be the last."""
    _stopped.set()


def repair() -> dict[str, int] | None:
    """Bring jobs and quick looks in order, unless another process is at it (None). Returns how many of each."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            return None
    try:
        done = {**services.requeue_stale(), "quick_looks": quick_looks.give_up()}
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
    if any(done.values()):
        log.info("jobs.repaired", **done)
    return done


def last_repair() -> float | None:
    """Seconds since the last repair; None when there was none lately."""
    sign: dict[str, Any] | None = cache.get(HEARTBEAT)
    return None if sign is None else max(0.0, time() - sign["at"])


def _keep_repairing() -> None:
    while not _stopped.wait(settings.REPAIR_SECONDS):
        try:
            if repair() is not None:
                _heartbeat()
        except Exception as error:
            # Whatever it is, the next round starts again; without the database there is nothing to repair.
            if is_outage(error):
                log.warning("repair.database_away")
            else:
                log.exception("repair.failed")
        finally:
            connection.close()


def _heartbeat() -> None:
    cache.set(HEARTBEAT, {"at": time()}, max(60, 4 * settings.REPAIR_SECONDS))
