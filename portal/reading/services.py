"""Reading a case: the reader's own answer, the conclusion after the reveal, adjudication, and returning it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.accounts.choices import Action
from portal.accounts.models import User
from portal.accounts.permissions import require
from portal.cases.choices import CLAIMABLE, CaseState
from portal.cases.models import Case
from portal.cases.transitions import lock_case, move, require_state
from portal.errors import Invalid, WrongState
from portal.inference.selectors import case_preclassification
from portal.notifications.choices import Kind
from portal.notifications.services import notify
from portal.reading import claims
from portal.reading.answers import check_answer
from portal.reading.choices import Blindness, ClaimEnd, ReadKind, ReadLabel
from portal.reading.exposure import was_exposed
from portal.reading.models import Claim, Conclusion, ImageRead, Read, Return
from portal.reading.policy.services import policy_for, wants_second_read
from portal.text import clean_lines

IN_READING = frozenset({CaseState.IN_READING})
IN_ADJUDICATION = frozenset({CaseState.ADJUDICATION})


@transaction.atomic
def record_read(
    by: User,
    case: Case,
    *,
    label: str,
    confidence: str,
    comment: str = "",
    images: Mapping[UUID, str] | None = None,
    seconds: float | None = None,
) -> Read:
    """Store a reviewer's own answer to the case and to its photographs.

    ``images`` maps photographs to answers; those it leaves out have the case's. Under *blind first* the answer waits
    for ``conclude`` where the model has one; else it is the reader's last word at once. A reader who sees the model's
    answer has to say why their own differs. Raises NotAllowed, WrongState (not taken by the reader), Invalid.
    """
    require(by, Action.READ_CASE, case.laboratory)
    case = lock_case(case.pk)
    _check_not_answered(by, case)
    held = claims.held_by(by, case)
    require_state(case, IN_READING, _("This case cannot be read now."))
    answer = case_preclassification(case)
    model_label = answer.label if answer else ""
    blind = policy_for(case.laboratory).blindness == Blindness.BLIND
    check_answer(label, confidence)
    comment = clean_lines(comment, field="comment")
    if model_label and not blind:
        _check_reason(label, model_label, comment, field="comment")
    is_second = case.reads.filter(round=case.round, kind=ReadKind.FIRST).exists()
    read = Read.objects.create(
        case=case,
        reader=by,
        round=case.round,
        kind=ReadKind.SECOND if is_second else ReadKind.FIRST,
        label=label,
        confidence=confidence,
        comment=comment,
        model_label=model_label,
        model_seen=(bool(model_label) and not blind) or was_exposed(by, case),
        seconds=seconds,
    )
    _store_image_answers(read, images or {})
    if model_label and blind:
        claims.keep(by, case)
    else:
        _conclude(read, case, held, {"label": label, "confidence": confidence})
    return read


def _check_not_answered(by: User, case: Case) -> None:
    own = case.reads.filter(round=case.round, reader=by).select_related("conclusion").first()
    if own is not None and own.is_concluded:
        raise WrongState(_("You have already read this case; your answer is stored."))
    if own is not None:
        raise WrongState(
            _("Your answer is already stored. Compare it with the model's, then keep or change it.")
        )


@transaction.atomic
def conclude(
    by: User, case: Case, *, label: str, confidence: str, reason: str = "", seconds: float | None = None
) -> Conclusion:
    """Keep or change the reader's own answer, now that the model's is shown.

    A changed answer needs a reason, and so does one that differs from the model's where the read gave none. Raises
    NotAllowed, WrongState, Invalid.
    """
    require(by, Action.READ_CASE, case.laboratory)
    case = lock_case(case.pk)
    if case.reads.filter(round=case.round, reader=by, conclusion__isnull=False).exists():
        raise WrongState(_("Your read is already concluded."))
    held = _held(by, case, IN_READING, _("This case cannot be concluded now."))
    read = case.reads.filter(round=case.round, reader=by, conclusion=None).first()
    if read is None:
        raise WrongState(_("Answer first; then the model's answer is shown next to yours."))
    check_answer(label, confidence)
    reason = clean_lines(reason, field="reason")
    if label != read.label and not reason:
        raise Invalid(
            _("You are changing your answer from %(label)s. Give a reason.")
            % {"label": read.get_label_display()},
            code="reason_required",
            field="reason",
        )
    if label == read.label:
        _check_reason(label, read.model_label, read.comment + reason, field="reason")
    return _conclude(
        read,
        case,
        held,
        {"label": label, "confidence": confidence, "reason": reason, "seconds": seconds},
    )


def conclude_left() -> int:
    """Make answers final that their readers never came back to; returns how many.

    A reader who has answered keeps the case, since nobody else may conclude. After ``CONCLUDE_LEFT_HOURS`` the stored
    answer counts, unchanged, so that the case goes on. Called by the worker's schedule.
    """
    since = timezone.now() - timedelta(hours=settings.CONCLUDE_LEFT_HOURS)
    left = Read.objects.filter(conclusion=None, created_at__lt=since, case__claims__ended_at=None)
    return sum(_conclude_left(pk) for pk in left.values_list("pk", flat=True).distinct()[:200])


@transaction.atomic
def _conclude_left(read_id: int) -> bool:
    read = Read.objects.select_related("case").get(pk=read_id)
    case = lock_case(read.case_id)
    held = case.claims.filter(ended_at=None, reader=read.reader_id).first()
    if held is None or read.round != case.round or Conclusion.objects.filter(read=read).exists():
        return False
    _conclude(read, case, held, {"label": read.label, "confidence": read.confidence, "is_by_clock": True})
    return True


def _conclude(read: Read, case: Case, held: Claim, values: dict[str, Any]) -> Conclusion:
    """Store the conclusion of a read of a locked case and send the case on."""
    conclusion = Conclusion.objects.create(read=read, **values)
    claims.end(held, case, ClaimEnd.DONE)
    if read.kind == ReadKind.FIRST and wants_second_read(policy_for(case.laboratory), conclusion):
        case.assigned_to = None
        move(case, CaseState.AWAITING_SECOND_READ, also=("assigned_to",))
    elif read.kind == ReadKind.SECOND and _first_conclusion(case).label != conclusion.label:
        case.assigned_to = None
        move(case, CaseState.ADJUDICATION, also=("assigned_to",))
    else:
        move(case, CaseState.READY_TO_SIGN)
    return conclusion


def _first_conclusion(case: Case) -> Conclusion:
    return Conclusion.objects.get(read__case=case, read__round=case.round, read__kind=ReadKind.FIRST)


@transaction.atomic
def adjudicate(
    by: User, case: Case, *, label: str, confidence: str, reason: str, seconds: float | None = None
) -> Read:
    """Decide between two answers, both of which the adjudicator has seen; the reason is needed.

    Raises NotAllowed (read the case before), WrongState, Invalid.
    """
    require(by, Action.READ_CASE, case.laboratory)
    case = lock_case(case.pk)
    held = _held(by, case, IN_ADJUDICATION, _("This case has nothing to adjudicate."))
    check_answer(label, confidence)
    reason = clean_lines(reason, field="reason")
    if not reason:
        raise Invalid(
            _("Give a reason: the two readers will want to know."), code="reason_required", field="reason"
        )
    answer = case_preclassification(case)
    read = Read.objects.create(
        case=case,
        reader=by,
        round=case.round,
        kind=ReadKind.ADJUDICATION,
        label=label,
        confidence=confidence,
        comment=reason,
        model_label=answer.label if answer else "",
        model_seen=answer is not None or was_exposed(by, case),
        seconds=seconds,
    )
    _store_image_answers(read, {})
    _conclude(read, case, held, {"label": label, "confidence": confidence, "reason": reason})
    readers = {one.reader for one in case.reads.filter(round=case.round).select_related("reader")} - {by}
    notify(Kind.ADJUDICATED, case, to=sorted(readers, key=lambda user: user.pk), by=by)
    return read


@transaction.atomic
def return_to_submitter(by: User, case: Case, *, missing: str) -> Return:
    """Send a case back with what is missing; submitting it again begins a new round. Raises as ``record_read``."""
    require(by, Action.READ_CASE, case.laboratory)
    case = lock_case(case.pk)
    held = _held(by, case, IN_READING | IN_ADJUDICATION, _("This case cannot be returned now."))
    missing = clean_lines(missing, field="missing")
    if not missing:
        raise Invalid(_("State what is missing, so that the submitter can correct it."), field="missing")
    returned = Return.objects.create(case=case, round=case.round, returned_by=by, missing=missing[:2000])
    claims.end(held, case, ClaimEnd.RETURNED)
    case.assigned_to = None
    move(case, CaseState.RETURNED, also=("assigned_to",))
    notify(Kind.CASE_RETURNED, case, to=[case.created_by], by=by, words=returned.missing)
    return returned


def _held(by: User, case: Case, states: frozenset[CaseState], message: str) -> Claim:
    """The reader's claim on a locked case in one of the states; says first what keeps everybody from it."""
    require_state(case, states | CLAIMABLE, message)
    held = claims.held_by(by, case)
    require_state(case, states, message)
    return held


def _store_image_answers(read: Read, given: Mapping[UUID, str]) -> None:
    images = list(read.case.images.all())
    unknown = set(given) - {image.pk for image in images}
    if unknown:
        raise Invalid(_("An answer refers to a photograph that is not in this case."), field="images")
    for label in given.values():
        check_answer(label, read.confidence)
    ImageRead.objects.bulk_create(
        ImageRead(read=read, image=image, label=given.get(image.pk) or read.label) for image in images
    )


def _check_reason(label: str, model_label: str, reason: str, *, field: str) -> None:
    if model_label and label != model_label and not reason.strip():
        raise Invalid(
            _("Your answer differs from the model's (%(label)s). Give a reason.")
            % {"label": ReadLabel(model_label).label},
            code="reason_required",
            field=field,
        )
