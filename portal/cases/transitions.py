"""The one way a case changes its state, and the lock taken before it."""

import uuid

from django.utils import timezone
from django.utils.translation import gettext as _

from portal.cases.choices import TRANSITIONS, CaseState
from portal.cases.models import Case
from portal.errors import WrongState


def lock_case(case_id: uuid.UUID) -> Case:
    """The case with its row locked until the transaction ends.

    Locks are taken in one order everywhere: the case first, then its jobs.
    """
    return Case.objects.select_for_update(of=("self",)).select_related("laboratory").get(pk=case_id)


def move(case: Case, to: CaseState, *, also: tuple[str, ...] = ()) -> None:
    """Move a locked case on, saving the fields named in ``also`` with it. Raises WrongState where it may not."""
    if to not in TRANSITIONS[case.state]:
        raise WrongState(
            _("%(accession)s is %(state)s; it cannot become %(to)s.")
            % {
                "accession": case.accession,
                "state": case.get_state_display().lower(),
                "to": str(to.label).lower(),
            }
        )
    case.state = to
    case.state_changed_at = timezone.now()
    case.save(update_fields=["state", "state_changed_at", *also])


def require_state(case: Case, states: frozenset[CaseState], message: str) -> None:
    """Raise WrongState with the message, and the case's state, unless it is in one of the states."""
    if case.state not in states:
        raise WrongState(
            f"{message} {_('The case is %(state)s.') % {'state': case.get_state_display().lower()}}"
        )
