"""States of jobs and attempts."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class JobState(models.TextChoices):
    """One photograph's way through one model version."""

    QUEUED = "queued", _("Queued")
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")


#: The job still owes its case an answer.
OPEN_STATES = (JobState.QUEUED, JobState.RUNNING)

JOB_TRANSITIONS: tuple[tuple[str, str], ...] = (
    (JobState.QUEUED, JobState.RUNNING),
    (JobState.QUEUED, JobState.FAILED),
    (JobState.RUNNING, JobState.QUEUED),
    (JobState.RUNNING, JobState.DONE),
    (JobState.RUNNING, JobState.FAILED),
)


class Outcome(models.TextChoices):
    """How one try of a job ended."""

    ANSWERED = "answered", _("Answered")
    ERROR = "error", _("Error")
    UNAVAILABLE = "unavailable", _("Model server unavailable")
    LOST = "lost", _("Worker lost")
    SUPERSEDED = "superseded", _("Answered too late")
