"""Handing mail to the worker: one id, after the commit."""

from portal.inference.sending import send_id
from portal.notifications.choices import AT_ONCE
from portal.notifications.models import Notification


def send_notification(notification: Notification) -> bool:
    """Have a notification mailed where it goes at once; what the broker does not take is mailed by the schedule."""
    return send_id("worker.mail_notification", notification.pk, 0 if notification.kind in AT_ONCE else 9)
