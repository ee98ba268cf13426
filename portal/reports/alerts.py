"""Urgent findings: a named person is told, and has to say that the news has arrived."""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.accounts.models import User
from portal.errors import NotAllowed, WrongState
from portal.notifications.choices import URGENT, Kind
from portal.notifications.services import notify, settle
from portal.reading.policies import policy_for
from portal.reports.models import Alert, Diagnosis
from smear.classes import MALIGNANT


def raise_alert(diagnosis: Diagnosis) -> Alert | None:
    """Raise an alert for a signed malignant conclusion, in the caller's transaction.

    An amendment that stays malignant raises none: the finding was told.
    """
    earlier = diagnosis.case.diagnoses.filter(version__lt=diagnosis.version, label__in=MALIGNANT)
    if diagnosis.label not in MALIGNANT or earlier.exists():
        return None
    case = diagnosis.case
    person = policy_for(case.laboratory).alert_contact or case.created_by
    alert = Alert.objects.create(diagnosis=diagnosis, person=person)
    notify(Kind.URGENT_FINDING, case, to=[person])
    return alert


@transaction.atomic
def acknowledge(by: User, alert: Alert, *, note: str = "") -> Alert:
    """Say that the news has arrived. Raises NotAllowed (another person's alert), WrongState (done already)."""
    alert = (
        Alert.objects.select_for_update(of=("self",))
        .select_related("person", "diagnosis__case")
        .get(pk=alert.pk)
    )
    if alert.person != by:
        raise NotAllowed(_("%(person)s is to acknowledge this finding.") % {"person": alert.person.full_name})
    if alert.acknowledged_at is not None:
        raise WrongState(_("This finding is acknowledged already."))
    alert.acknowledged_at, alert.note = timezone.now(), note.strip()[:500]
    alert.save(update_fields=["acknowledged_at", "note"])
    settle(alert.diagnosis.case, URGENT)
    return alert
