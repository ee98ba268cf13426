"""The one gate of blind reading: what of the model's and the colleagues' answers a person may see of a case.

Under the policy *blind first* a reader sees neither before their own answer is stored; nobody whom the gate keeps out
gets a class, probability, heat map or answer from any page, address, export or event.
"""

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from portal.accounts.choices import Action
from portal.accounts.models import User
from portal.accounts.permissions import can
from portal.accounts.selectors import laboratories_for
from portal.cases.choices import SIGNED, CaseState
from portal.cases.lookalikes import lookalikes
from portal.cases.models import Case, SmearImage
from portal.cases.photographs import Photograph
from portal.errors import NotAllowed
from portal.reading import exposure
from portal.reading.choices import Blindness
from portal.reading.models import Claim, Read
from portal.reading.policy.services import policy_for
from portal.reading.selectors import may_sign


def sees_model(user: User, case: Case) -> bool:
    """Whether the model's answer may be shown to a person who may see the case."""
    if case.state in SIGNED or not can(user, Action.READ_CASE, case.laboratory):
        return True
    if policy_for(case.laboratory).blindness == Blindness.CONCURRENT:
        return True
    return own_read(user, case) is not None or _decides(user, case)


def show_model(user: User, case: Case, images: QuerySet[SmearImage] | None = None) -> bool:
    """Whether the model's answer goes out to the person now, and if so, record that it does.

    ``images`` are the photographs whose answers go out, where that is not the answer of the whole case.
    """
    shown = sees_model(user, case)
    if shown:
        exposure.record(user, exposure.answered(case.images.all() if images is None else images))
    return shown


def require_model(user: User, image: SmearImage) -> None:
    """Raise NotAllowed, with the code ``blinded``, where the answer about a photograph is hidden from the person.

    Else the answer goes out, and that is recorded.
    """
    if not show_model(user, image.case, SmearImage.objects.filter(pk=image.pk)):
        raise NotAllowed(_("The model's answer is shown once you have stored your own."), code="blinded")


def hiding_case(user: User, photograph: Photograph) -> Case | None:
    """A case with this photograph whose model's answer is hidden from the person; None where there is none.

    Asked before the model is, about the same photograph, by another way than the case.
    """
    over = (*SIGNED, CaseState.CANCELLED)
    images = SmearImage.objects.filter(case__laboratory__in=laboratories_for(user, Action.READ_CASE))
    images = images.exclude(case__state__in=over)
    same = images.filter(pk__in=lookalikes(images, [photograph])).select_related("case__laboratory")
    found = (image.case for image in same)
    return next((case for case in found if not sees_model(user, case)), None)


def sees_reads(user: User, case: Case) -> bool:
    """Whether others' answers may be shown: once signed, else to readers who are done, and to who decides on them."""
    if case.state in SIGNED:
        return True
    if not can(user, Action.READ_CASE, case.laboratory):
        return False
    own = own_read(user, case)
    return (own is not None and own.is_concluded) or _decides(user, case)


def own_read(user: User, case: Case) -> Read | None:
    """What the person answered in the case's present round."""
    reads = Read.objects.filter(case=case.pk, round=case.round, reader=user)
    return reads.select_related("conclusion").first()


def _decides(user: User, case: Case) -> bool:
    """Whether the person adjudicates the case, or signs it because none of its readers is left to."""
    if case.state == CaseState.ADJUDICATION:
        return Claim.objects.filter(case=case.pk, reader=user, ended_at=None).exists()
    return may_sign(user, case)
