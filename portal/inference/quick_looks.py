"""Quick looks as the worker and the clock see them: taken, answered, given up, removed when they expire.

What a person does with one is in ``portal.quick_look``.
"""

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from portal.cases.photographs import remove_files
from portal.inference.answers import columns
from portal.inference.choices import OPEN_STATES, JobState
from portal.inference.models import QuickLook, QuickLookAnswer
from portal.inference.selectors import active_version
from smear.contract import Answer, Message


def claim(quick_look_id: UUID) -> QuickLook | None:
    """For the worker: the quick look, unless it is gone, expired or answered."""
    changed = QuickLook.objects.filter(
        pk=quick_look_id, state__in=OPEN_STATES, expires_at__gt=timezone.now()
    ).update(state=JobState.RUNNING)
    return QuickLook.objects.select_related("model_version").get(pk=quick_look_id) if changed else None


@transaction.atomic
def record(quick_look_id: UUID, answer: Answer) -> None:
    """For the worker: keep the answer for as long as the quick look lives."""
    quick_look = (
        QuickLook.objects.select_for_update().filter(pk=quick_look_id, state=JobState.RUNNING).first()
    )
    if quick_look is None:
        return
    QuickLookAnswer.objects.create(quick_look=quick_look, **columns(answer, quick_look.model_version))
    quick_look.state = JobState.DONE
    quick_look.save(update_fields=["state"])


def fail(quick_look_id: UUID, error: Message) -> None:
    """For the worker: say why there is no answer."""
    QuickLook.objects.filter(pk=quick_look_id, state__in=OPEN_STATES).update(
        state=JobState.FAILED, error=error.to_json()
    )


def give_up() -> int:
    """Say so on quick looks that nobody works on any more; the repair calls it. Returns how many."""
    late = timezone.now() - timedelta(seconds=settings.QUICK_LOOK_SECONDS)
    return QuickLook.objects.filter(state__in=OPEN_STATES, created_at__lt=late).update(
        state=JobState.FAILED, error=Message("quick_look_late").to_json()
    )


def move_to_active() -> int:
    """Have quick looks that wait for a version which is no longer active answered by the active one; how many."""
    version = active_version()
    if version is None:
        return 0
    # One that is running keeps its version: its answer is on the way, and names the version that gave it.
    waiting = QuickLook.objects.filter(state=JobState.QUEUED).exclude(model_version=version)
    return waiting.update(model_version=version)


def purge() -> int:
    """Remove every expired quick look; beat calls it each minute. Returns how many."""
    expired = list(QuickLook.objects.filter(expires_at__lte=timezone.now())[:500])
    for quick_look in expired:
        remove(quick_look)
    return len(expired)


def remove(quick_look: QuickLook) -> None:
    """Remove row and files."""
    QuickLook.objects.filter(pk=quick_look.pk).delete()
    remove_files(quick_look.file, quick_look.thumbnail)
