"""Handing work to the broker: ids only, after the commit, and never in the way of the person who waits."""

import logging
from collections.abc import Sequence
from uuid import UUID

from django.utils import timezone
from kombu.exceptions import OperationalError

from portal.cases.choices import Priority
from portal.config.celery import app
from portal.config.valkey import broker_answers
from portal.inference.models import Job

log = logging.getLogger(__name__)

AT_ONCE_AGAIN = {"max_retries": 1, "interval_start": 0, "interval_step": 0, "interval_max": 0}

#: Redis serves the lowest number first.
BROKER_PRIORITY: dict[str, int] = {Priority.STAT: 0, Priority.URGENT: 3, Priority.ROUTINE: 6}


def send_id(name: str, argument: str | int, priority: int) -> bool:
    """Send a task one id; whether the broker took it. The lowest priority goes first.

    A broker that does not answer is asked briefly, then not at all for some seconds: a page does not wait for it,
    and what was not taken is sent from the database later.
    """
    if not broker_answers():
        return False
    try:
        # The second try is for a connection from before the broker was started again.
        app.send_task(name, args=[argument], priority=priority, retry=True, retry_policy=AT_ONCE_AGAIN)
    except (OperationalError, OSError) as error:
        log.warning("The broker did not take %s %s: %s", name, argument, error)
        return False
    return True


def send_jobs(jobs: Sequence[Job], priority: str) -> int:
    """Send the ids of queued jobs; what the broker does not take is sent again by ``requeue_stale``."""
    sent: list[int] = []
    for job in jobs:
        if not send_id("worker.classify", job.pk, BROKER_PRIORITY[priority]):
            break
        sent.append(job.pk)
    Job.objects.filter(pk__in=sent).update(sent_at=timezone.now())
    return len(sent)


def send_quick_look(quick_look_id: UUID) -> bool:
    """Send one quick look, ahead of every job."""
    return send_id("worker.quick_look", str(quick_look_id), 0)


def send_tiles(image_id: UUID) -> bool:
    """Have the tiles of a large photograph built, after everything else; an earlier request builds them itself."""
    return send_id("worker.build_tiles", str(image_id), 9)
