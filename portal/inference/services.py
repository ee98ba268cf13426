"""Every change to jobs and predictions.

Locks are taken in one order: the case first, then the job. ``claim``, ``record`` and ``fail`` are what a worker
calls; each may be called twice with the same effect as once.
"""

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, Max, Q, QuerySet
from django.utils import timezone

from portal.cases.choices import UNDER_ANALYSIS, CaseState
from portal.cases.models import Case
from portal.cases.transitions import lock_case, move
from portal.inference.answers import columns
from portal.inference.choices import OPEN_STATES, JobState, Outcome
from portal.inference.models import Attempt, Job, ModelVersion, Prediction
from portal.inference.selectors import active_version
from portal.inference.sending import send_jobs
from smear.contract import Answer, Message


def enqueue(case: Case) -> list[Job]:
    """Order a pre-classification of every photograph of a locked, just submitted case.

    The rows are written in the caller's transaction; their ids go to the broker when it commits. Without an
    active model version the case goes on to reading with the reason.
    """
    version = active_version()
    if version is None:
        _to_reading(case, Message("switched_off"))
        return []
    return _order(case, version)


def _order(case: Case, version: ModelVersion) -> list[Job]:
    """Queue a job for every photograph of a locked case that ``version`` has not answered."""
    known = {job.image_id: job for job in case.jobs.filter(model_version=version)}
    for job in known.values():
        if job.state == JobState.FAILED:
            _reopen(job)
    new = [
        Job(image=image, case=case, model_version=version)
        for image in case.images.all()
        if image.pk not in known
    ]
    jobs = [*(job for job in known.values() if job.state == JobState.QUEUED), *Job.objects.bulk_create(new)]
    transaction.on_commit(lambda: send_jobs(jobs, case.priority), robust=True)
    return jobs


def _reopen(job: Job) -> None:
    job.state, job.queued_at, job.error = JobState.QUEUED, timezone.now(), None
    job.sent_at = job.not_before = job.started_at = job.finished_at = None
    job.save()


def move_to_active() -> int:
    """Give the cases that wait for a version which is no longer the active one to the active one; returns how many.

    Such a version is as a rule not served any more, and nobody is to wait for it. All photographs of the case are
    asked about again, so that its answer comes from one version.
    """
    version = active_version()
    if version is None:
        return 0
    left = Job.objects.filter(state__in=OPEN_STATES).exclude(model_version=version)
    cases = left.order_by("case_id").values_list("case_id", flat=True).distinct()[:500]
    return sum(_move_case(case_id, version) for case_id in cases)


@transaction.atomic
def _move_case(case_id: UUID, version: ModelVersion) -> bool:
    case = lock_case(case_id)
    moved = list(case.jobs.filter(state__in=OPEN_STATES).exclude(model_version=version))
    error = Message("superseded", {"version": str(version)})
    for job in moved:
        for attempt in job.attempts.filter(finished_at=None):
            _end_attempt(attempt, Outcome.SUPERSEDED, error)
        job.state, job.finished_at, job.error = JobState.FAILED, timezone.now(), error.to_json()
        job.save(update_fields=["state", "finished_at", "error"])
    if not moved or case.state not in UNDER_ANALYSIS:
        return False
    _order(case, version)
    return True


def withdraw(case: Case) -> None:
    """End the open jobs of a locked, cancelled case."""
    case.jobs.filter(state__in=OPEN_STATES).update(
        state=JobState.FAILED, finished_at=timezone.now(), error=Message("case_cancelled").to_json()
    )


def _lock_job(job_id: int) -> Job | None:
    case_id = Job.objects.filter(pk=job_id).values_list("case_id", flat=True).first()
    if case_id is None:
        return None
    case = lock_case(case_id)
    job = Job.objects.select_for_update(of=("self",)).select_related("image", "model_version").get(pk=job_id)
    job.case = case
    return job


@transaction.atomic
def claim(job_id: int, worker: str) -> Attempt | None:
    """Take a queued job for one try. None when it is gone, taken, done, or not due yet."""
    job = _lock_job(job_id)
    now = timezone.now()
    if job is None or job.state != JobState.QUEUED or (job.not_before and job.not_before > now):
        return None
    if job.case.state == CaseState.SUBMITTED:
        move(job.case, CaseState.ANALYSING)
    job.state, job.started_at = JobState.RUNNING, now
    job.attempt_count += 1
    job.save(update_fields=["state", "started_at", "attempt_count"])
    return Attempt.objects.create(job=job, number=job.attempt_count, worker=worker[:120])


@transaction.atomic
def record(attempt: Attempt, answer: Answer) -> Prediction | None:
    """Store the answer of an attempt; None if the job was ended or given to another worker since."""
    job = _lock_job(attempt.job_id)
    if job is None or not _is_current(job, attempt):
        _end_attempt(attempt, Outcome.SUPERSEDED)
        return None
    prediction = Prediction.objects.create(
        job=job, image=job.image, model_version=job.model_version, **columns(answer, job.model_version)
    )
    _end_attempt(attempt, Outcome.ANSWERED)
    _end_job(job, JobState.DONE)
    return prediction


@transaction.atomic
def fail(attempt: Attempt, error: Message, *, outcome: Outcome = Outcome.ERROR, final: bool = False) -> None:
    """Note a failed try. The job is queued again, with a growing pause, until it is out of tries or of time.

    ``final`` ends it at once: the same input would fail again. A server that was unavailable costs time, not a try.
    """
    job = _lock_job(attempt.job_id)
    if job is None or not _is_current(job, attempt):
        _end_attempt(attempt, Outcome.SUPERSEDED, error)
        return
    _end_attempt(attempt, outcome, error)
    if final or _is_exhausted(job):
        _end_job(job, JobState.FAILED, error)
        return
    _requeue(job, pause=min(2.0 ** min(job.attempt_count, 4), settings.JOB_RESEND_SECONDS))


def _is_current(job: Job, attempt: Attempt) -> bool:
    return job.state == JobState.RUNNING and job.attempt_count == attempt.number


def _is_exhausted(job: Job) -> bool:
    spent = job.attempts.exclude(outcome=Outcome.UNAVAILABLE).count()
    overdue = job.queued_at < timezone.now() - timedelta(seconds=settings.JOB_GIVE_UP_SECONDS)
    return spent >= settings.JOB_MAX_ATTEMPTS or overdue


def _requeue(job: Job, *, pause: float) -> None:
    job.state, job.sent_at = JobState.QUEUED, None
    job.not_before = timezone.now() + timedelta(seconds=pause)
    job.save(update_fields=["state", "sent_at", "not_before"])


def _end_attempt(attempt: Attempt, outcome: Outcome, error: Message | None = None) -> None:
    attempt.outcome, attempt.finished_at = outcome, timezone.now()
    attempt.error = error.to_json() if error else None
    attempt.save(update_fields=["outcome", "error", "finished_at"])


def _end_job(job: Job, state: JobState, error: Message | None = None) -> None:
    job.state, job.finished_at = state, timezone.now()
    job.error = error.to_json() if error else None
    job.save(update_fields=["state", "finished_at", "error"])
    finish_analysis(job.case)


def finish_analysis(case: Case) -> bool:
    """Move a locked case on to reading once none of its jobs is open; says whether it did."""
    if case.state not in UNDER_ANALYSIS or case.jobs.filter(state__in=OPEN_STATES).exists():
        return False
    # By photograph, the last error of each: one may have a job that another model version took over.
    jobs = list(case.jobs.order_by("finished_at"))
    answered = {job.image_id for job in jobs if job.state == JobState.DONE}
    errors = {job.image_id: job.error for job in jobs if job.image_id not in answered}
    reason = None
    if errors:
        first = next(filter(None, errors.values()), None)
        values = {
            "failed": len(errors),
            "total": len(answered) + len(errors),
            "error": Message.from_json(first) if first else Message("unexpected"),
        }
        reason = Message("incomplete", values)
    _to_reading(case, reason)
    return True


def _to_reading(case: Case, reason: Message | None) -> None:
    case.no_preclassification_reason = reason.to_json() if reason else None
    move(case, CaseState.AWAITING_READ, also=("no_preclassification_reason",))


def requeue_stale() -> dict[str, int]:
    """Repair from the database what workers, broker or server lost; ``portal.inference.repair`` calls it.

    Cases that wait for a version which was switched off go to the active one, jobs that outran their lease are
    queued again, jobs without a message are sent again, jobs that waited too long are given up so that their case
    can be read, cases without open jobs move on. Returns how many of each.
    """
    now = timezone.now()
    done = {"moved": move_to_active(), "lost": 0, "given_up": 0, "finished": 0, "sent": 0}
    late = now - timedelta(seconds=settings.JOB_LEASE_SECONDS)
    for pk in Job.objects.filter(state=JobState.RUNNING, started_at__lt=late).values_list("pk", flat=True)[
        :500
    ]:
        done["lost"] += _take_back(pk)
    for pk in _overdue().values_list("pk", flat=True)[:500]:
        done["given_up"] += _give_up(pk)
    stuck = Case.objects.filter(state__in=UNDER_ANALYSIS).exclude(jobs__state__in=OPEN_STATES)
    for case_id in stuck.values_list("pk", flat=True)[:500]:
        with transaction.atomic():
            done["finished"] += finish_analysis(lock_case(case_id))
    done["sent"] = _send_unsent()
    return done


@transaction.atomic
def _take_back(job_id: int) -> bool:
    job = _lock_job(job_id)
    late = timezone.now() - timedelta(seconds=settings.JOB_LEASE_SECONDS)
    if job is None or job.state != JobState.RUNNING or job.started_at is None or job.started_at >= late:
        return False
    error = Message("worker_stopped")
    for attempt in job.attempts.filter(finished_at=None):
        _end_attempt(attempt, Outcome.LOST, error)
    if _is_exhausted(job):
        _end_job(job, JobState.FAILED, error)
    else:
        _requeue(job, pause=0)
    return True


def _overdue() -> QuerySet[Job]:
    """Queued jobs that waited too long: tried in vain, or never tried while the model answers nobody.

    A job behind a long queue that is being worked off is not overdue: something was answered within two leases.
    """
    since = timezone.now() - timedelta(seconds=settings.JOB_GIVE_UP_SECONDS)
    waiting = Job.objects.filter(state=JobState.QUEUED, queued_at__lt=since)
    working = timezone.now() - timedelta(seconds=2 * settings.JOB_LEASE_SECONDS)
    if Prediction.objects.filter(created_at__gte=working).exists():
        waiting = waiting.filter(attempt_count__gt=0)
    return waiting


@transaction.atomic
def _give_up(job_id: int) -> bool:
    job = _lock_job(job_id)
    if job is None or job.state != JobState.QUEUED:
        return False
    said = (
        job.attempts.exclude(error__isnull=True).order_by("-number").values_list("error", flat=True).first()
    )
    _end_job(job, JobState.FAILED, Message.from_json(said) if said else Message("late"))
    return True


def _send_unsent() -> int:
    """Send what is due and was never sent, or whose message must be lost; the oldest first.

    The broker serves in the order of sending. A job that waits behind others is left alone, so that a backlog does
    not grow by copies of itself: its message is lost when a later one is being worked on, or when none is.
    """
    now = timezone.now()
    lost = Q(sent_at__lt=now - timedelta(seconds=settings.JOB_RESEND_SECONDS))
    newest = Job.objects.filter(state=JobState.RUNNING).aggregate(sent_at=Max("sent_at"))["sent_at"]
    if newest is not None:
        lost &= Q(sent_at__lt=newest)
    due = (
        Job.objects.filter(state=JobState.QUEUED)
        .filter(Q(not_before=None) | Q(not_before__lte=now))
        .filter(Q(sent_at=None, queued_at__lt=now - timedelta(seconds=2)) | lost)
        .annotate(priority=F("case__priority"))
        .order_by("queued_at")[:200]
    )
    sent = 0
    for job in due:
        if not send_jobs([job], job.priority):
            break
        sent += 1
    return sent
