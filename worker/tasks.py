"""The tasks the portal sends by name. States are changed by services, which may be called twice."""

from uuid import UUID

import structlog

from portal.cases import pictures, tiles
from portal.errors import FileRefused
from portal.inference import quick_looks, services
from portal.inference.choices import JobState
from portal.inference.models import Job
from portal.mail import failure_of
from portal.notifications import mails
from portal.reading import claims
from portal.reading import services as reading
from portal.reports.alerts import reminders
from worker.contract import ContractMismatch
from worker.delivery import NODE, task
from worker.photograph import NoAnswer, classify_photograph
from worker.readiness import watch
from worker.triton import TritonUnavailable

log = structlog.get_logger(__name__)


@task("worker.classify", deadline="JOB_LEASE_SECONDS")
def classify(job_id: int) -> None:
    """Classify the photograph of one job, unless that is done, under way or not due."""
    job = (
        Job.objects.select_related("image", "model_version").filter(pk=job_id, state=JobState.QUEUED).first()
    )
    if job is None or not _may_claim(job):
        return
    attempt = services.claim(job_id, _worker_name())
    if attempt is None:
        return
    try:
        answer = classify_photograph(job.image.file, job.model_version)
    except NoAnswer as reason:
        services.fail(attempt, reason.message, outcome=reason.outcome)
    else:
        services.record(attempt, answer)


@task("worker.quick_look", deadline="QUICK_LOOK_SECONDS")
def quick_look(quick_look_id: str) -> None:
    """Classify the photograph of one quick look, unless that is done or it has expired."""
    found = quick_looks.claim(UUID(quick_look_id))
    if found is None:
        return
    try:
        answer = classify_photograph(found.file, found.model_version)
    except NoAnswer as reason:
        quick_looks.fail(found.pk, reason.message)
    else:
        quick_looks.record(found.pk, answer)


@task("worker.purge_quick_looks")
def purge_quick_looks() -> None:
    """Remove quick looks whose time is over."""
    removed = quick_looks.purge()
    if removed:
        log.info("quick_looks.purged", removed=removed)


@task("worker.expire_claims")
def expire_claims() -> None:
    """Release the cases whose readers left them; make stored answers final that nobody came back to."""
    ended, concluded = claims.expire_claims(), reading.conclude_left()
    if ended or concluded:
        log.info("claims.expired", ended=ended, concluded=concluded)


@task("worker.build_tiles")
def build_tiles(image_id: str) -> None:
    """Build the tiles of a large photograph, unless they or the photograph are gone or done."""
    try:
        tiles.ensure_tiles(UUID(image_id))
    except tiles.NoTiles:
        return
    except (pictures.PicturesAway, pictures.Unreadable, FileRefused) as error:
        # A request for the photograph has them built, or says why not.
        log.warning("tiles.not_built", image=image_id, error=str(error))


@task("worker.mail_notification")
def mail_notification(notification_id: int) -> None:
    """Mail one notification, if it is of those that go at once and nobody has mailed it."""
    try:
        mails.send_one(notification_id)
    except OSError as error:
        # ``send_due_mails`` tries again from the database.
        log.warning("mails.server_away", failure=failure_of(error).failure.value)


@task("worker.send_due_mails")
def send_due_mails() -> None:
    """Send the digests that are due, and what was lost on its way to the mail server."""
    sent = mails.send_due()
    if sent:
        log.info("mails.sent", count=sent)


@task("worker.remind_of_alerts")
def remind_of_alerts() -> None:
    """Tell again of urgent findings that nobody acknowledges."""
    reminded = reminders.remind()
    if reminded:
        log.info("alerts.reminded", count=reminded)


def _may_claim(job: Job) -> bool:
    """Whether the served model is the job's.

    That the server is away is noted by the job's first try; further ones would only fill the record.
    """
    try:
        watch.require(job.model_version)
    except ContractMismatch:
        return False
    except TritonUnavailable:
        return job.attempt_count == 0
    return True


def _worker_name() -> str:
    return NODE.get()
