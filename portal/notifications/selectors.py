"""Reads about notifications. A person sees those about cases of laboratories in which they are an active member."""

from django.db.models import Exists, OuterRef, QuerySet

from portal.accounts.models import Membership, User
from portal.notifications.models import Notification

#: The bell counts no further: more than that is "many", and the count stays cheap.
MOST_COUNTED = 100


def to_members() -> QuerySet[Notification]:
    """Notifications whose person is still a member of the case's laboratory; nobody else may see the case."""
    member = Membership.objects.filter(
        user=OuterRef("user"), laboratory=OuterRef("case__laboratory"), is_active=True
    )
    return Notification.objects.filter(Exists(member))


def visible_to(user: User) -> QuerySet[Notification]:
    """The person's notifications, newest first, with everything their words need."""
    return to_members().filter(user=user).select_related("case__laboratory", "by")


def unread_count(user: User) -> int:
    """How much a person has not seen, counted up to ``MOST_COUNTED``: one query."""
    return to_members().filter(user=user, read_at=None).order_by()[:MOST_COUNTED].count()
