"""Urgent findings that nobody acknowledges: the named person and the administrators are notified again."""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from portal.accounts.choices import Role
from portal.accounts.models import Laboratory, User
from portal.notifications.choices import Kind
from portal.notifications.services import notify, settle
from portal.reports.alerts.selectors import overdue


def remind() -> int:
    """Tell again of every alert that waits too long, once per ``ALERT_REMIND_MINUTES``; returns of how many."""
    return sum(_remind(pk) for pk in overdue().values_list("pk", flat=True))


@transaction.atomic
def _remind(pk: int) -> bool:
    # The row's lock keeps two workers from reminding at once: the second finds the first one's reminder.
    locked = overdue().filter(pk=pk).select_for_update(of=("self",), skip_locked=True)
    alert = locked.select_related("person", "diagnosis__case__laboratory").first()
    if alert is None:
        return False
    case = alert.diagnosis.case
    since = timezone.now() - timedelta(minutes=settings.ALERT_REMIND_MINUTES)
    if case.notifications.filter(kind=Kind.URGENT_REMINDER, created_at__gt=since).exists():
        return False
    # A new reminder takes the place of the one before: the bell counts what there is to do, not how often it was said.
    settle(case, [Kind.URGENT_REMINDER])
    notify(Kind.URGENT_REMINDER, case, to={alert.person, *_administrators(case.laboratory)})
    return True


def _administrators(laboratory: Laboratory) -> list[User]:
    members = laboratory.memberships.filter(role=Role.LAB_ADMIN, is_active=True)
    return [membership.user for membership in members.select_related("user")]
