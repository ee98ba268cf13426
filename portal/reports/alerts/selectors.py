"""Reads about urgent findings. They are signed, so the members of the laboratory may see what they say."""

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from portal.accounts.choices import Action
from portal.accounts.models import Membership, User
from portal.accounts.selectors import laboratories_for, may_anywhere
from portal.notifications.choices import URGENT
from portal.notifications.mails import overdue_urgent
from portal.notifications.models import Notification
from portal.reports.models import Alert, Diagnosis

#: More open findings than a banner can name; the page lists them all.
MOST_IN_BANNER = 20


def visible_to(user: User) -> QuerySet[Alert]:
    """The alerts of the laboratories in which the person is an active member."""
    return Alert.objects.filter(diagnosis__case__laboratory__in=laboratories_for(user)).select_related(
        "diagnosis__case__laboratory", "person"
    )


def open_for(user: User) -> list[Alert]:
    """What waits for this person's word, the oldest first, at most ``MOST_IN_BANNER``: one query."""
    mine = visible_to(user).filter(person=user, acknowledged_at=None)
    return list(mine.order_by("raised_at")[:MOST_IN_BANNER])


def open_in_laboratories(user: User) -> QuerySet[Alert]:
    """What nobody has acknowledged yet, the oldest first."""
    return visible_to(user).filter(acknowledged_at=None).order_by("raised_at")


def acknowledged(user: User) -> QuerySet[Alert]:
    """What is acknowledged, the newest first."""
    return visible_to(user).exclude(acknowledged_at=None).order_by("-acknowledged_at")


def overdue() -> QuerySet[Alert]:
    """Alerts of all laboratories that have waited longer than ``ALERT_REMIND_MINUTES``."""
    since = timezone.now() - timedelta(minutes=settings.ALERT_REMIND_MINUTES)
    return Alert.objects.filter(acknowledged_at=None, raised_at__lte=since)


def overdue_for_admin(user: User) -> set[int]:
    """The numbers of overdue alerts in the laboratories that a person administers."""
    laboratories = laboratories_for(user, Action.SET_POLICY)
    mine = overdue().filter(diagnosis__case__laboratory__in=laboratories)
    return set(mine.values_list("pk", flat=True))


def undelivered_for_admin(user: User) -> list[Alert]:
    """Open findings, in the laboratories that a person administers, of which no mail has reached the named person.

    The oldest first, at most ``MOST_IN_BANNER``; nobody else asks the database.
    """
    if not may_anywhere(user, Action.SET_POLICY):
        return []
    mailed = Notification.objects.filter(
        user=OuterRef("person"), case=OuterRef("diagnosis__case"), kind__in=URGENT, mailed_at__isnull=False
    )
    late = overdue_urgent().filter(user=OuterRef("person"), case=OuterRef("diagnosis__case"))
    found = visible_to(user).filter(
        ~Exists(mailed),
        Exists(late.order_by()),
        diagnosis__case__laboratory__in=laboratories_for(user, Action.SET_POLICY),
        acknowledged_at=None,
    )
    return list(found.order_by("raised_at")[:MOST_IN_BANNER])


def candidates(user: User) -> dict[int, list[User]]:
    """The active members of each laboratory that a person administers, to hand a finding over to. One query."""
    members = Membership.objects.filter(
        laboratory__in=laboratories_for(user, Action.SET_POLICY), is_active=True, user__is_active=True
    )
    found: dict[int, list[User]] = {}
    for membership in members.select_related("user"):
        found.setdefault(membership.laboratory_id, []).append(membership.user)
    return found


def newest_version(alerts: list[Alert]) -> dict[UUID, Diagnosis]:
    """The newest report of each alert's case: an amendment may have taken the finding back since. One query."""
    newest = Diagnosis.objects.filter(case=OuterRef("case"), version__gt=OuterRef("version"))
    cases = [alert.diagnosis.case_id for alert in alerts]
    found = Diagnosis.objects.filter(~Exists(newest), case__in=cases)
    return {diagnosis.case_id: diagnosis for diagnosis in found}


def of_case(case_id: UUID) -> Alert | None:
    """The alert that a case's report has raised in one of its versions."""
    return Alert.objects.filter(diagnosis__case=case_id).select_related("person", "diagnosis__case").first()
