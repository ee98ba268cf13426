"""Urgent findings as pages show them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.http import HttpRequest

from portal.accounts.models import User
from portal.reports.alerts import selectors
from portal.reports.alerts.forms import AcknowledgeForm
from portal.reports.models import Alert, Diagnosis


@dataclass(frozen=True, slots=True)
class ShownAlert:
    """An alert with what the person who looks at it may do."""

    alert: Alert
    newest: Diagnosis
    is_overdue: bool = False
    form: AcknowledgeForm | None = None
    #: Whom an administrator may name instead.
    others: Sequence[User] = ()
    #: Whether no mail about it has left, as far as that concerns the person who looks at it.
    is_undelivered: bool = False

    @property
    def is_open(self) -> bool:
        return self.alert.acknowledged_at is None

    @property
    def is_amended(self) -> bool:
        """Whether a later version of the report says something else."""
        return self.newest.label != self.alert.diagnosis.label


def shown(
    request: HttpRequest, alerts: list[Alert], *, refused: AcknowledgeForm | None = None, refused_pk: int = 0
) -> list[ShownAlert]:
    """The alerts with their forms; the refused one with what was entered. Three queries, four for administrators."""
    newest = selectors.newest_version(alerts)
    overdue = selectors.overdue_for_admin(request.user)  # type: ignore[arg-type]
    members = selectors.candidates(request.user)  # type: ignore[arg-type]
    undelivered = {alert.pk for alert in selectors.undelivered_for_admin(request.user)}  # type: ignore[arg-type]
    return [
        ShownAlert(
            alert,
            newest[alert.diagnosis.case_id],
            is_overdue=alert.pk in overdue,
            form=_form(request, alert, refused if alert.pk == refused_pk else None),
            others=_others(alert, members),
            is_undelivered=alert.pk in undelivered,
        )
        for alert in alerts
    ]


def of_report(request: HttpRequest, diagnosis: Diagnosis) -> ShownAlert | None:
    """The alert of a report for its page; the case has at most one, in whichever version it was raised."""
    alert = selectors.of_case(diagnosis.case_id)
    return None if alert is None else shown(request, [alert])[0]


def _form(request: HttpRequest, alert: Alert, refused: AcknowledgeForm | None) -> AcknowledgeForm | None:
    if alert.person_id != request.user.pk or alert.acknowledged_at is not None:
        return None
    return refused or AcknowledgeForm(alert_pk=alert.pk)


def _others(alert: Alert, members: Mapping[int, Sequence[User]]) -> list[User]:
    if alert.acknowledged_at is not None:
        return []
    there = members.get(alert.diagnosis.case.laboratory_id, ())
    return [user for user in there if user.pk != alert.person_id]
