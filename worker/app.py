"""The worker's Celery application: ``python -m worker`` and ``celery -A worker.app beat``."""

import os
from logging.config import dictConfig
from typing import Any

import django
from celery.signals import setup_logging
from django.conf import settings

from portal.config.celery import app

__all__ = ["app"]

# Django's system checks import every page of the web server; the web process and the tests run them.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")
django.setup()


@setup_logging.connect
def _keep_our_logging(**_: Any) -> None:
    """Log as the portal does; Celery would put its own format over it."""
    dictConfig(settings.LOGGING)


def _assemble() -> None:
    # Models can be imported once Django is set up.
    from worker import heartbeat, tasks  # noqa: F401

    app.steps["worker"].update({heartbeat.ContractStep, heartbeat.WorkerHeartbeat})
    app.conf.beat_scheduler = "worker.heartbeat:BeatScheduler"


_assemble()
