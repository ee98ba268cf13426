"""Recording a read. Under the single-read policy it makes the diagnosis at once."""

from django.db import transaction
from django.utils.translation import gettext as _

from portal.accounts.choices import Action
from portal.accounts.models import User
from portal.accounts.permissions import require
from portal.cases.choices import READABLE, CaseState
from portal.cases.models import Case
from portal.cases.transitions import lock_case, move, require_state
from portal.errors import Invalid
from portal.inference.selectors import case_preclassification
from portal.reading.choices import Confidence, ReadLabel
from portal.reading.models import Read
from portal.reports import services as reports


@transaction.atomic
def record_read(
    by: User,
    case: Case,
    *,
    label: str,
    confidence: str,
    comment: str = "",
    model_seen: bool = True,
    seconds: float | None = None,
) -> Read:
    """Store a reviewer's answer and the diagnosis that follows from it.

    An answer that differs from the model's needs a comment: it is the reason. Raises NotAllowed, WrongState,
    Invalid.
    """
    require(by, Action.READ_CASE, case.laboratory)
    case = lock_case(case.pk)
    require_state(case, READABLE, _("This case cannot be read now."))
    answer = case_preclassification(case)
    _check(label, confidence, comment, answer.label if answer else "")
    if case.state == CaseState.AWAITING_READ:
        move(case, CaseState.IN_READING)
    read = Read.objects.create(
        case=case,
        reader=by,
        label=label,
        confidence=confidence,
        comment=comment.strip(),
        model_label=answer.label if answer else "",
        model_seen=model_seen and answer is not None,
        seconds=seconds,
    )
    move(case, CaseState.READY_TO_SIGN)
    reports.issue_diagnosis(by, case, read)
    return read


def _check(label: str, confidence: str, comment: str, model_label: str) -> None:
    if label not in ReadLabel.values:
        raise Invalid(
            _("Choose one of the answers: %(labels)s.") % {"labels": ", ".join(ReadLabel.values)},
            field="label",
        )
    if confidence not in Confidence.values:
        raise Invalid(_("Say how sure you are: low, medium or high."), field="confidence")
    if model_label and label != model_label and not comment.strip():
        raise Invalid(
            _("Your answer differs from the model's (%(label)s). Say why in the comment.")
            % {"label": ReadLabel(model_label).label},
            code="reason_required",
            field="comment",
        )
