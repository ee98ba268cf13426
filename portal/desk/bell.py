"""Notifications as pages show them: a line of the list, and the bell of the top bar."""

from dataclasses import dataclass
from functools import cached_property

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.accounts.models import User
from portal.notifications import words
from portal.notifications.models import Notification
from portal.notifications.selectors import MOST_COUNTED, unread_count
from portal.reports.alerts.selectors import open_for, undelivered_for_admin
from portal.reports.models import Alert


@dataclass(frozen=True, slots=True)
class Line:
    """One notification with its words."""

    notification: Notification

    @property
    def headline(self) -> str:
        """What happened."""
        return words.headline(self.notification)

    @property
    def missing(self) -> str:
        """What the reviewer misses, for a returned case."""
        return words.missing(self.notification)

    @property
    def address(self) -> str:
        """Where the news leads."""
        return words.address(self.notification)

    @property
    def icon(self) -> str:
        """Name of its icon."""
        return words.ICONS[self.notification.kind][0]

    @property
    def tone(self) -> str:
        """Style class of its colour."""
        return words.ICONS[self.notification.kind][1]

    @property
    def is_unread(self) -> bool:
        """Whether the person has not opened it yet."""
        return self.notification.read_at is None


class Bell:
    """What waits for somebody: how much is unread, and urgent findings. Asks the database only when shown."""

    def __init__(self, user: User) -> None:
        self.user = user

    @cached_property
    def unread(self) -> int:
        """How many are unread."""
        return unread_count(self.user)

    @cached_property
    def alerts(self) -> list[Alert]:
        """Urgent findings that the person is to acknowledge, the oldest first."""
        return open_for(self.user)

    @cached_property
    def undelivered(self) -> list[Alert]:
        """Urgent findings of which no mail has left, for administrators: they can phone."""
        mine = {alert.pk for alert in self.alerts}
        return [alert for alert in undelivered_for_admin(self.user) if alert.pk not in mine]

    @property
    def version(self) -> str:
        """Changes with anything the bell and the banner show."""
        mine, late = (".".join(str(alert.pk) for alert in some) for some in (self.alerts, self.undelivered))
        return "-".join([str(self.unread), mine, *([late] if late else [])])

    @property
    def shown(self) -> str:
        """The number next to the bell."""
        return f"{MOST_COUNTED - 1}+" if self.unread >= MOST_COUNTED else str(self.unread)

    @property
    def label(self) -> str:
        """The same in words."""
        if not self.unread:
            return _("Notifications, none unread")
        return ngettext("Notifications, %(count)s unread", "Notifications, %(count)s unread", self.unread) % {
            "count": self.shown
        }
