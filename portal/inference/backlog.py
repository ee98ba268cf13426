"""Whether the work that waits is being done: the ages of the oldest job that waits and of the last one done."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Max, Min
from django.utils import timezone

from portal.inference.choices import OPEN_STATES, JobState
from portal.inference.models import Job, QuickLook


@dataclass(frozen=True, slots=True)
class Backlog:
    """Ages in seconds; None where nothing waits, or nothing was ever done."""

    waiting: int
    oldest: float | None
    last_done: float | None

    @property
    def stands_still(self) -> bool:
        """Something waits for longer than it should, and nothing was done in that time."""
        late = settings.QUEUE_RED_SECONDS
        return (
            self.oldest is not None
            and self.oldest > late
            and (self.last_done is None or self.last_done > late)
        )

    def __str__(self) -> str:
        done = "never" if self.last_done is None else f"{self.last_done:.0f} s ago"
        if self.oldest is None:
            return f"nothing waits; last done {done}"
        return f"{self.waiting} waiting, the oldest for {self.oldest:.0f} s; last done {done}"


def backlog() -> Backlog:
    """What of jobs and quick looks is not done yet. Those under way count: a worker may hang over them."""
    jobs = Job.objects.filter(state__in=OPEN_STATES)
    looks = QuickLook.objects.filter(state__in=OPEN_STATES)
    ages = [
        _age(jobs.aggregate(at=Min("queued_at"))["at"]),
        _age(looks.aggregate(at=Min("created_at"))["at"]),
    ]
    known = [age for age in ages if age is not None]
    done = Job.objects.filter(state=JobState.DONE).aggregate(at=Max("finished_at"))["at"]
    return Backlog(
        waiting=jobs.count() + looks.count(), oldest=max(known, default=None), last_done=_age(done)
    )


def _age(at: datetime | None) -> float | None:
    return None if at is None else max(0.0, (timezone.now() - at).total_seconds())
