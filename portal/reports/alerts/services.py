"""Urgent findings: a named person is notified and has to acknowledge receipt."""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.accounts.choices import Action, Role
from portal.accounts.models import User
from portal.accounts.permissions import can
from portal.cases.models import Case
from portal.errors import Invalid, NotAllowed, WrongState
from portal.notifications import mails
from portal.notifications.choices import URGENT, Kind
from portal.notifications.services import notify, settle
from portal.reading.policy.services import policy_for
from portal.reports.models import Alert, Diagnosis
from portal.text import clean_line
from smear.classes import MALIGNANT


def raise_alert(diagnosis: Diagnosis) -> Alert | None:
    """Raise an alert for a signed malignant conclusion, in the caller's transaction.

    An amendment that stays malignant raises none: the person was already notified.
    """
    earlier = diagnosis.case.diagnoses.filter(version__lt=diagnosis.version, label__in=MALIGNANT)
    if diagnosis.label not in MALIGNANT or earlier.exists():
        return None
    case = diagnosis.case
    person = _person_for(case)
    alert = Alert.objects.create(diagnosis=diagnosis, person=person)
    notify(Kind.URGENT_FINDING, case, to=[person])
    return alert


def _person_for(case: Case) -> User:
    """The laboratory's contact, else who filed the case, else an administrator: somebody who is still there."""
    contact = policy_for(case.laboratory).alert_contact
    for person in (contact, case.created_by):
        if person is not None and can(person, Action.VIEW_CASE, case.laboratory):
            return person
    members = case.laboratory.memberships.filter(role=Role.LAB_ADMIN, is_active=True, user__is_active=True)
    first = members.select_related("user").first()
    return first.user if first else case.created_by


@transaction.atomic
def acknowledge(by: User, alert: Alert, *, note: str = "") -> Alert:
    """Say that the news has arrived. Raises NotAllowed (another person's alert), WrongState (done already)."""
    alert = _locked(alert)
    if alert.person != by:
        raise NotAllowed(
            _("Only %(person)s can acknowledge this finding.") % {"person": alert.person.full_name}
        )
    _require_open(alert)
    alert.acknowledged_at, alert.note = timezone.now(), clean_line(note, field="note")[:500]
    alert.save(update_fields=["acknowledged_at", "note"])
    settle(alert.diagnosis.case, URGENT)
    return alert


@transaction.atomic
def hand_over(by: User, alert: Alert, to: User) -> Alert:
    """Name another person for an open finding, who is notified now.

    Raises NotAllowed (no administrator), WrongState (acknowledged already), Invalid (not a member).
    """
    alert = _locked(alert)
    case = alert.diagnosis.case
    if not can(by, Action.SET_POLICY, case.laboratory):
        raise NotAllowed(_("Only administrators of this laboratory can name another person."))
    _require_open(alert)
    if not can(to, Action.VIEW_CASE, case.laboratory):
        raise Invalid(_("Name an active member of this laboratory."), field="person")
    if alert.person != to:
        alert.person = to
        alert.save(update_fields=["person"])
        settle(case, URGENT)
        notify(Kind.URGENT_FINDING, case, to=[to], by=by)
    return alert


def mail_again(by: User, alert: Alert) -> None:
    """Have the mail about an open finding tried now, whatever the mail server said before.

    Raises NotAllowed (no administrator), WrongState (acknowledged already).
    """
    case = alert.diagnosis.case
    if not can(by, Action.SET_POLICY, case.laboratory):
        raise NotAllowed(_("Only administrators of this laboratory can have an e-mail sent again."))
    _require_open(alert)
    mails.send_again(
        case.notifications.filter(user=alert.person, kind__in=URGENT, read_at=None, mailed_at=None)
    )


def _locked(alert: Alert) -> Alert:
    found = Alert.objects.select_for_update(of=("self",))
    return found.select_related("person", "diagnosis__case__laboratory").get(pk=alert.pk)


def _require_open(alert: Alert) -> None:
    if alert.acknowledged_at is not None:
        raise WrongState(_("This finding has already been acknowledged."))
