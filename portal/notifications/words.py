"""What a notification says, where it leads, and its icon: one place for page and mail.

``headline`` holds an accession number and what happened, nothing else: mail is no safe channel, so no answer, class,
pseudonym or free text may get into it. ``details`` are for the page, behind the sign-in.
"""

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.cases.choices import MINE
from portal.links import absolute
from portal.notifications.choices import Kind
from portal.notifications.models import Notification

#: bootstrap-icons name and tone of each kind; the words are always next to them.
ICONS: dict[str, tuple[str, str]] = {
    Kind.CASE_RETURNED: ("arrow-counterclockwise", "attention"),
    Kind.REPORT_SIGNED: ("check2-circle", "done"),
    Kind.REPORT_AMENDED: ("journal-text", "done"),
    Kind.URGENT_FINDING: ("exclamation-triangle-fill", "danger"),
    Kind.URGENT_REMINDER: ("clock-history", "danger"),
    Kind.CASES_ASSIGNED: ("person-lines-fill", "action"),
    Kind.CLAIM_TAKEN_OVER: ("people", "neutral"),
    Kind.ADJUDICATED: ("signpost-split", "neutral"),
}

#: Kinds whose free text is for the person notified.
_WITH_WORDS = frozenset({Kind.CASE_RETURNED})


def headline(notification: Notification) -> str:
    """What happened to which case; safe to mail."""
    if notification.kind == Kind.CASES_ASSIGNED:
        return _assigned(notification)
    sentences = {
        Kind.CASE_RETURNED: _("%(accession)s was returned to you: something is missing."),
        Kind.REPORT_SIGNED: _("The report of %(accession)s was signed."),
        Kind.REPORT_AMENDED: _("The report of %(accession)s was amended."),
        Kind.URGENT_FINDING: _("An urgent finding was signed: %(accession)s."),
        Kind.URGENT_REMINDER: _("The urgent finding of %(accession)s was not acknowledged in time."),
        Kind.CLAIM_TAKEN_OVER: _("%(accession)s was taken over from you."),
        Kind.ADJUDICATED: _("%(accession)s, which you have read, was adjudicated."),
    }
    return sentences[Kind(notification.kind)] % {"accession": notification.case.accession}


def _assigned(notification: Notification) -> str:
    return ngettext(
        "%(accession)s is assigned to you.", "%(count)d cases are assigned to you.", notification.count
    ) % {"accession": notification.case.accession, "count": notification.count}


def missing(notification: Notification) -> str:
    """What the submitter is asked for; for the page only."""
    return notification.words if notification.kind in _WITH_WORDS else ""


def address(notification: Notification) -> str:
    """Where a notification leads."""
    if notification.kind in (Kind.URGENT_FINDING, Kind.URGENT_REMINDER):
        return reverse("alerts:list")
    if notification.kind in (Kind.REPORT_SIGNED, Kind.REPORT_AMENDED):
        return reverse("reports:diagnosis", args=[notification.case_id])
    if notification.kind == Kind.CASES_ASSIGNED and notification.count > 1:
        return f"{reverse('cases:worklist')}?stage={MINE}"
    return reverse("cases:detail", args=[notification.case_id])


def link(notification: Notification) -> str:
    """The absolute address that opens a notification, for a mail; it asks to sign in."""
    return absolute("notifications:open", notification.pk)
