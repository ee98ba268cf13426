"""The one gate of blind reading: what of the model's and the colleagues' answers a person may see of a case.

Under the policy *blind first* a reader sees neither before the own answer is stored; nobody whom the gate keeps out
gets a class, probability, heat map or answer from any page, address, export or event.
"""

from portal.accounts.choices import Action
from portal.accounts.models import User
from portal.accounts.permissions import can
from portal.cases.choices import SIGNED, CaseState
from portal.cases.models import Case
from portal.reading.choices import Blindness
from portal.reading.models import Claim, Read
from portal.reading.policies import policy_for


def sees_model(user: User, case: Case) -> bool:
    """Whether the model's answer may be shown to a person who may see the case."""
    if case.state in SIGNED or not can(user, Action.READ_CASE, case.laboratory):
        return True
    if policy_for(case.laboratory).blindness == Blindness.CONCURRENT:
        return True
    return own_read(user, case) is not None or _adjudicates(user, case)


def sees_reads(user: User, case: Case) -> bool:
    """Whether other people's answers may be shown: once signed, else to readers who are done, and to the adjudicator."""
    if case.state in SIGNED:
        return True
    if not can(user, Action.READ_CASE, case.laboratory):
        return False
    own = own_read(user, case)
    return (own is not None and hasattr(own, "conclusion")) or _adjudicates(user, case)


def own_read(user: User, case: Case) -> Read | None:
    """What the person answered in the case's present round. Remembered on the case for the length of a request."""
    known: dict[tuple[int, int], Read | None] = case.__dict__.setdefault("_own_reads", {})
    key = (user.pk, case.round)
    if key not in known:
        reads = Read.objects.filter(case=case.pk, round=case.round, reader=user)
        known[key] = reads.select_related("conclusion").first()
    return known[key]


def _adjudicates(user: User, case: Case) -> bool:
    return (
        case.state == CaseState.ADJUDICATION
        and Claim.objects.filter(case=case.pk, reader=user, ended_at=None).exists()
    )
