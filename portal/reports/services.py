"""Signing a report, and amending it: each makes a version that never changes."""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.accounts.choices import Action
from portal.accounts.models import User
from portal.accounts.permissions import require
from portal.cases.choices import SIGNED, CaseState
from portal.cases.models import Case
from portal.cases.transitions import lock_case, move, require_state
from portal.errors import Invalid, NotAllowed, WrongState
from portal.notifications.choices import Kind
from portal.notifications.services import notify
from portal.reading.answers import check_answer
from portal.reading.models import Read
from portal.reading.selectors import may_sign, round_reads, standing_conclusion
from portal.reports import content as contents
from portal.reports.alerts.services import raise_alert
from portal.reports.choices import AMENDMENT_MEANING, MEANING, SignMethod
from portal.reports.models import Diagnosis
from portal.reports.signing import prove_identity
from portal.text import clean_lines

READY = frozenset({CaseState.READY_TO_SIGN})


def sign(by: User, case: Case, *, secret: str, comment: str = "") -> Diagnosis:
    """Sign what the reads came to; ``secret`` is the password or the authenticator's code.

    Raises NotAllowed, WrongState, Invalid; nothing is stored then.
    """
    # Outside the transaction, so that a wrong password is counted whatever happens.
    require(by, Action.READ_CASE, case.laboratory)
    comment = clean_lines(comment, field="comment")
    method = prove_identity(by, secret)
    with transaction.atomic():
        case = lock_case(case.pk)
        require_state(case, READY, _("This case has nothing to sign."))
        conclusion = standing_conclusion(round_reads(case))
        if not may_sign(by, case) or conclusion is None:
            raise NotAllowed(_("Only one of the case's readers can sign the report."))
        return _issue(
            by,
            case,
            conclusion.read,
            method,
            {"label": conclusion.label, "confidence": conclusion.confidence, "comment": comment},
        )


def amend(
    by: User,
    case: Case,
    *,
    label: str,
    confidence: str,
    comment: str,
    reason: str,
    secret: str,
    amends: int | None = None,
) -> Diagnosis:
    """Sign a further version of a signed report, with the reason; the earlier ones stay as they are.

    ``amends`` is the version that the signer has looked at; None: the newest. Raises as ``sign``, Invalid where nothing
    would change, and WrongState where another version was signed since.
    """
    require(by, Action.READ_CASE, case.laboratory)
    comment, reason = clean_lines(comment, field="comment"), clean_lines(reason, field="reason")
    check_answer(label, confidence)
    if not reason:
        raise Invalid(_("State why the signed report is amended."), code="reason_required", field="reason")
    method = prove_identity(by, secret)
    with transaction.atomic():
        case = lock_case(case.pk)
        require_state(case, SIGNED, _("Only a signed report can be amended."))
        last = case.diagnoses.order_by("-version")[0]
        if amends is not None and amends != last.version:
            raise WrongState(
                _(
                    "%(person)s has signed version %(version)d in the meantime. Look at it first, then "
                    "amend that version."
                )
                % {"person": last.signed_by.full_name, "version": last.version},
                code="amended_meanwhile",
            )
        values = {"label": label, "confidence": confidence, "comment": comment}
        if values == {"label": last.label, "confidence": last.confidence, "comment": last.comment}:
            raise Invalid(
                _("This would not change anything: the signed version says the same."), field="label"
            )
        return _issue(by, case, last.read, method, values, amends=last, reason=reason)


def _issue(
    by: User,
    case: Case,
    read: Read,
    method: SignMethod,
    conclusion: dict[str, str],
    *,
    amends: Diagnosis | None = None,
    reason: str = "",
) -> Diagnosis:
    """Store a version of a locked case's report, move the case on, and tell whom it concerns."""
    now = timezone.now()
    meaning = str(AMENDMENT_MEANING if amends else MEANING)
    version = amends.version + 1 if amends else 1
    content = contents.report_content(
        case,
        conclusion=conclusion,
        report={"version": version, "amends_sha256": amends.sha256 if amends else None, "reason": reason},
        signature=contents.signature(by, meaning, method, now),
    )
    diagnosis = Diagnosis.objects.create(
        case=case,
        version=version,
        read=read,
        signed_by=by,
        signed_at=now,
        meaning=meaning,
        method=method,
        reason=reason,
        content=content,
        sha256=contents.content_sha256(content),
        model_record=content["model"],
        **conclusion,
    )
    move(case, CaseState.AMENDED if amends else CaseState.REPORTED)
    raise_alert(diagnosis)
    notify(Kind.REPORT_AMENDED if amends else Kind.REPORT_SIGNED, case, to=[case.created_by], by=by)
    return diagnosis
