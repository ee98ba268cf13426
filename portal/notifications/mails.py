"""Mail: what cannot wait goes at once, everything else in one digest per person.

Rows are the truth. A mail is sent while its rows are locked and noted in ``mailed_at`` afterwards, so two workers never
send the same, and whatever a crash or a silent mail server swallowed is still there for the schedule (``send_due``).
A worker that dies between sending and noting sends twice: better than an urgent finding that nobody hears of.

Only what the person has not seen yet is mailed, and only accession numbers and links (``words.headline``).
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from itertools import groupby
from smtplib import SMTPDataError, SMTPRecipientsRefused

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.translation import ngettext

from portal import mail
from portal.accounts.choices import MailChoice
from portal.accounts.models import User
from portal.notifications import words
from portal.notifications.choices import AT_ONCE, URGENT
from portal.notifications.models import Notification
from portal.notifications.preferences import MailWish, mail_wishes
from portal.notifications.selectors import to_members
from portal.notifications.sending import send_notification

log = structlog.get_logger(__name__)

#: What is older is on the page only: a refused address is not tried for ever, and who asks for mail after a month
#: without gets no month's worth.
MAILED_WITHIN = timedelta(days=7)

#: An urgent mail that has not left after this long is shown to administrators, who can phone.
UNDELIVERED_AFTER = timedelta(minutes=2)

#: Person, number, kind and time of a notification.
Row = tuple[int, int, str, datetime]
#: Subject and body.
Letter = tuple[str, str]
Compose = Callable[[list[Notification]], Letter]


def waiting() -> QuerySet[Notification]:
    """What was neither mailed nor seen, and may be mailed now."""
    now = timezone.now()
    return to_members().filter(
        Q(mail_after=None) | Q(mail_after__lte=now),
        mailed_at=None,
        read_at=None,
        created_at__gte=now - MAILED_WITHIN,
        user__is_active=True,
    )


def overdue_urgent() -> QuerySet[Notification]:
    """Urgent news that should have left by mail and has not, the oldest first: who is meant may not know."""
    due = timezone.now() - UNDELIVERED_AFTER
    unsent = to_members().filter(mailed_at=None, read_at=None, created_at__lte=due, user__is_active=True)
    return unsent.filter(kind__in=URGENT).order_by("created_at")


def send_again(notifications: Iterable[Notification]) -> int:
    """Try these now, whatever the mail server said before; returns how many were handed to the broker."""
    again = list(notifications)
    Notification.objects.filter(pk__in=[one.pk for one in again], mailed_at=None).update(mail_after=None)
    return sum(send_notification(one) for one in again)


def goes_at_once(kind: str, wish: MailWish) -> bool:
    """Whether a notification is mailed by itself: urgent ones always, the others as the person wishes."""
    if kind in URGENT:
        return True
    return wish.mail == MailChoice.IMMEDIATELY or (kind in AT_ONCE and wish.mail != MailChoice.NEVER)


def send_one(notification_id: int) -> bool:
    """Mail a notification if it goes at once; whether a mail left. Raises OSError where the mail server is away."""
    found = waiting().filter(pk=notification_id).values_list("user_id", "kind").first()
    if found is None or not mail.is_configured():
        return False
    wish = mail_wishes([found[0]])[found[0]]
    return goes_at_once(found[1], wish) and _send([notification_id], wish, _single)


def send_due() -> int:
    """Mail what should have left by now: lost or refused mails, and digests whose time has come; returns how many.

    A digest is due when the oldest thing in it has waited ``DIGEST_HOURS``. Stops at the first sign that the mail
    server is away; the next run starts again.
    """
    if not mail.is_configured():
        return 0
    rows = list(
        waiting().order_by("user_id", "created_at").values_list("user_id", "pk", "kind", "created_at")
    )
    wishes = mail_wishes({row[0] for row in rows})
    sent = 0
    try:
        for user_id, own in groupby(rows, key=lambda row: row[0]):
            for pks, compose in _letters(own, wishes[user_id]):
                sent += _send(pks, wishes[user_id], compose)
    except OSError as error:
        log.warning("mails.server_away", failure=mail.failure_of(error).failure.value)
    return sent


def _letters(rows: Iterable[Row], wish: MailWish) -> list[tuple[list[int], Compose]]:
    """What one person is to be mailed now; the rows are that person's, the oldest first."""
    own = list(rows)
    letters: list[tuple[list[int], Compose]] = [
        ([pk], _single) for _user, pk, kind, _when in own if goes_at_once(kind, wish)
    ]
    rest = [(pk, when) for _user, pk, kind, when in own if not goes_at_once(kind, wish)]
    is_due = rest and rest[0][1] <= timezone.now() - timedelta(hours=settings.DIGEST_HOURS)
    if is_due and wish.mail == MailChoice.DIGEST:
        letters.append(([pk for pk, _when in rest], _digest))
    return letters


@transaction.atomic
def _send(pks: list[int], wish: MailWish, compose: Compose) -> bool:
    """Send one mail about one person's notifications, unless somebody else sends it or it is seen by now."""
    locked = waiting().filter(pk__in=pks).select_for_update(of=("self",), skip_locked=True)
    notifications = list(locked.select_related("user", "case__laboratory").order_by("-created_at", "-pk"))
    if not notifications:
        return False
    ours = Notification.objects.filter(pk__in=[notification.pk for notification in notifications])
    try:
        _deliver(notifications[0].user, wish, notifications, compose)
    except (SMTPRecipientsRefused, SMTPDataError) as error:
        failed = mail.failure_of(error)
        log.warning(
            "mails.refused", user=notifications[0].user_id, failure=failed.failure.value, smtp=failed.code
        )
        # As long again as it has waited already: soon at first, then less and less often.
        now = timezone.now()
        ours.update(mail_after=now + timedelta(minutes=1) + (now - F("created_at")))
        return False
    ours.update(mailed_at=timezone.now())
    return True


def _deliver(user: User, wish: MailWish, notifications: list[Notification], compose: Compose) -> None:
    with translation.override(wish.language):
        subject, body = compose(notifications)
    # Mail systems answer these headers by leaving out-of-office replies and the like unsent.
    headers = {"Auto-Submitted": "auto-generated"}
    EmailMessage(subject, body, None, [user.email], headers=headers).send()


def _single(notifications: list[Notification]) -> Letter:
    notification = notifications[0]
    subject = f"{notification.get_kind_display()}: {notification.case.accession}"
    context = {
        "headline": words.headline(notification),
        "laboratory": notification.case.laboratory.name,
        "link": words.link(notification),
        "is_urgent": notification.kind in URGENT,
    }
    return subject, render_to_string("notifications/mail/single.txt", context)


def _digest(notifications: list[Notification]) -> Letter:
    """One mail about everything, grouped by case; the case with the newest news first."""
    cases: dict[tuple[object, bool], list[Notification]] = {}
    for notification in notifications:
        # An assignment of several cases is no news of one of them.
        cases.setdefault((notification.case_id, notification.count > 1), []).append(notification)
    subject = ngettext(
        "Hemalens: news of %(count)d case", "Hemalens: news of %(count)d cases", len(cases)
    ) % {"count": len(cases)}
    groups = [
        {
            "laboratory": of_case[0].case.laboratory.name,
            "headlines": [words.headline(notification) for notification in reversed(of_case)],
            # Opening the newest marks the others of the case as seen.
            "link": words.link(of_case[0]),
        }
        for of_case in cases.values()
    ]
    return subject, render_to_string("notifications/mail/digest.txt", {"groups": groups})
