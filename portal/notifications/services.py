"""Telling people what concerns them."""

from collections.abc import Iterable

from portal.accounts.models import User
from portal.cases.models import Case
from portal.notifications.choices import Kind
from portal.notifications.models import Notification


def notify(
    kind: Kind, case: Case, *, to: Iterable[User], by: User | None = None, words: str = "", count: int = 1
) -> list[Notification]:
    """Tell active people about a case, in the caller's transaction; nobody is told what they did themselves."""
    return Notification.objects.bulk_create(
        Notification(user=user, kind=kind, case=case, by=by, words=words[:2000], count=count)
        for user in to
        if user.is_active and user != by
    )
