"""Telling people what concerns them, and noting that they have seen it."""

from collections.abc import Iterable
from functools import partial

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from portal.accounts.models import User
from portal.cases.models import Case
from portal.notifications.choices import Kind
from portal.notifications.models import Notification
from portal.notifications.sending import send_notification


def notify(
    kind: Kind, case: Case, *, to: Iterable[User], by: User | None = None, words: str = "", count: int = 1
) -> list[Notification]:
    """Notify active people about a case, in the caller's transaction; nobody is notified of their own action.

    Mail follows once the transaction is through: at once or in the person's digest (``mails``).
    """
    created = Notification.objects.bulk_create(
        Notification(user=user, kind=kind, case=case, by=by, words=words[:2000], count=count)
        for user in to
        if user.is_active and user != by
    )
    for notification in created:
        transaction.on_commit(partial(send_notification, notification), robust=True)
    return created


def mark_read(notification: Notification) -> int:
    """Record that the person has seen a notification, and with it the earlier ones about the same case."""
    return _mark(Q(user=notification.user_id, case=notification.case_id, pk__lte=notification.pk))


def mark_all_read(user: User, upto: int) -> int:
    """Note that the person has seen everything up to a notification's number; what came later stays unread."""
    return _mark(Q(user=user, pk__lte=upto))


def settle(case: Case, kinds: Iterable[Kind]) -> int:
    """Record for everybody notified that there is nothing left to do about it."""
    return _mark(Q(case=case, kind__in=list(kinds)))


def _mark(which: Q) -> int:
    return Notification.objects.filter(which, read_at=None).update(read_at=timezone.now())
