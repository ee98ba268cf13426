"""States of jobs and attempts, and the words for what the model's answer cannot be used for."""

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from smear.refer import Reason


class JobState(models.TextChoices):
    """One photograph's way through one model version."""

    QUEUED = "queued", _("Queued")
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")


#: The job still owes its case an answer.
OPEN_STATES = (JobState.QUEUED, JobState.RUNNING)

#: A failed job is queued again only where its version was switched off before it answered, and on again.
JOB_TRANSITIONS: tuple[tuple[str, str], ...] = (
    (JobState.QUEUED, JobState.RUNNING),
    (JobState.QUEUED, JobState.FAILED),
    (JobState.RUNNING, JobState.QUEUED),
    (JobState.RUNNING, JobState.DONE),
    (JobState.RUNNING, JobState.FAILED),
    (JobState.FAILED, JobState.QUEUED),
)


class Outcome(models.TextChoices):
    """How one try of a job ended."""

    ANSWERED = "answered", _("Answered")
    ERROR = "error", _("Error")
    UNAVAILABLE = "unavailable", _("Model server unavailable")
    LOST = "lost", _("Worker lost")
    SUPERSEDED = "superseded", _("Answered too late")


class ReferReason(models.TextChoices):
    """Why an answer is *refer*: the rule's reasons (``smear.refer``), the gravest first, in a few words."""

    OUTLIER = Reason.OUTLIER.value, _("Unlike the training photographs")
    MIXED_SET = Reason.MIXED_SET.value, _("Benign or malignant")
    LOW_CONFIDENCE = Reason.LOW_CONFIDENCE.value, _("Not sure")


#: The same for the person who reads the case: what it means, and what to do.
REFER_ADVICE: dict[str, Promise] = {
    ReferReason.OUTLIER: _(
        "Unlike the photographs the model was trained on: do not rely on its answer, rely on the smear."
    ),
    ReferReason.MIXED_SET: _(
        "Neither benign nor malignant can be ruled out: decide from the cells, or ask for another field."
    ),
    ReferReason.LOW_CONFIDENCE: _(
        "The model is not sure: read the photograph as if it had not answered, or ask for another field."
    ),
}
