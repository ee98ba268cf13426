"""Claims: who has a case in hand. A case is never given to two people, and never stays with one for ever.

Every function locks the case first. An expired claim is ended by the next caller, and by a task of the
worker's schedule.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Prefetch, Q, QuerySet
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from portal.accounts.choices import Action
from portal.accounts.models import User
from portal.accounts.permissions import can, require
from portal.accounts.selectors import laboratories_for
from portal.cases.choices import CLAIMABLE, CaseState
from portal.cases.models import Case, CaseQuerySet
from portal.cases.transitions import lock_case, move
from portal.errors import Invalid, NotAllowed, WrongState
from portal.notifications.choices import Kind
from portal.notifications.services import notify
from portal.reading.choices import ClaimEnd
from portal.reading.models import Claim, Read
from portal.reading.policy.services import policy_for


def holding() -> QuerySet[Claim]:
    """The claims that hold their cases now: those that have not run out, and those whose reader has answered and
    not yet concluded."""
    answered = Read.objects.filter(
        case=OuterRef("case"), round=OuterRef("case__round"), reader=OuterRef("reader"), conclusion=None
    )
    return Claim.objects.filter(Q(expires_at__gt=timezone.now()) | Exists(answered), ended_at=None)


def open_claim(case: Case) -> Claim | None:
    """The claim that holds a case now."""
    return holding().filter(case=case.pk).select_related("reader").first()


def with_open_claim() -> "Prefetch[Any]":
    """Who has each case in hand now, as ``open_claim`` on the case: a list of at most one.

    Made for every query: what holds a case depends on the time.
    """
    return Prefetch("claims", holding().select_related("reader"), to_attr="open_claim")


def claimable_by(user: User) -> CaseQuerySet:
    """The cases a person may take now: waiting, in nobody's hands, not read by the person, not meant for another."""
    mine = Read.objects.filter(case=OuterRef("pk"), round=OuterRef("round"), reader=user)
    held = holding().filter(case=OuterRef("pk"))
    # A case with an expired claim stays *in reading* until somebody comes.
    left = Claim.objects.filter(case=OuterRef("pk"), ended_at=None, expires_at__lte=timezone.now())
    return (
        Case.objects.filter(laboratory__in=laboratories_for(user, Action.READ_CASE))
        .filter(Q(state__in=CLAIMABLE) | Q(Exists(left), state=CaseState.IN_READING))
        .filter(Q(assigned_to=None) | Q(assigned_to=user))
        .exclude(Exists(mine))
        .exclude(Exists(held))
    )


def in_hand_unread(user: User) -> QuerySet[Claim]:
    """What a person has in hand, may still read and has not answered, the last taken first."""
    answered = Read.objects.filter(case=OuterRef("case"), round=OuterRef("case__round"), reader=user)
    mine = holding().filter(reader=user, case__laboratory__in=laboratories_for(user, Action.READ_CASE))
    return mine.exclude(Exists(answered)).order_by("-claimed_at", "-pk")


@transaction.atomic
def claim_next(by: User) -> Claim | None:
    """Take the most pressing case, those assigned to the person first; None where nothing waits.

    A reviewer who has a case and has not answered it gets that one: a second press takes no second case, and nobody
    keeps cases from the others by asking on.
    """
    # Two requests of one person come one after the other; the second finds what the first has taken.
    User.objects.select_for_update(no_key=True).get(pk=by.pk)
    for case_id in in_hand_unread(by).values_list("case", flat=True):
        in_hand = lock_case(case_id)
        held = _end_expired(in_hand)
        if held is not None and held.reader_id == by.pk:
            return _take(by, in_hand)
    while True:
        waiting = claimable_by(by).by_urgency(F("assigned_to").asc(nulls_last=True))
        # Two people who ask at once get two cases: a row that somebody is looking at is passed over.
        case = waiting.select_for_update(of=("self",), skip_locked=True).first()
        if case is None:
            return None
        # A claim that was stored between the look and the lock leaves a case in adjudication as it was: look again.
        if open_claim(case) is None:
            return _take(by, lock_case(case.pk))


@transaction.atomic
def claim(by: User, case: Case) -> Claim:
    """Take a case in hand, or hold on to it for longer. Raises NotAllowed, WrongState (who has it until when)."""
    require(by, Action.READ_CASE, case.laboratory)
    return _take(by, lock_case(case.pk))


def _take(by: User, case: Case) -> Claim:
    """The claim of a person on a locked case."""
    held = _end_expired(case)
    if held is not None and held.reader_id == by.pk:
        held.expires_at = _expiry(case)
        held.save(update_fields=["expires_at"])
        return held
    if held is not None:
        until = date_format(timezone.localtime(held.expires_at), "TIME_FORMAT")
        raise WrongState(
            _("%(reader)s has this case until %(until)s. You can take it over.")
            % {"reader": held.reader.full_name, "until": until},
            code="claimed",
        )
    _check_claimable(by, case)
    return _open(by, case)


def _check_claimable(by: User, case: Case) -> None:
    if case.state not in CLAIMABLE:
        raise WrongState(
            _("This case cannot be taken for reading. The case is %(state)s.")
            % {"state": case.get_state_display().lower()}
        )
    if case.reads.filter(round=case.round, reader=by).exists():
        raise NotAllowed(_("You have read this case. The next read has to be by another reviewer."))


def _open(by: User, case: Case) -> Claim:
    if case.state != CaseState.ADJUDICATION:
        move(case, CaseState.IN_READING)
    return Claim.objects.create(case=case, reader=by, expires_at=_expiry(case))


def _expiry(case: Case) -> datetime:
    return timezone.now() + timedelta(minutes=policy_for(case.laboratory).claim_minutes)


@transaction.atomic
def keep(by: User, case: Case) -> Claim:
    """Say that the reader is still at work. Raises WrongState where the claim is gone."""
    held = held_by(by, lock_case(case.pk))
    held.expires_at = _expiry(case)
    held.save(update_fields=["expires_at"])
    return held


@transaction.atomic
def release(by: User, case: Case) -> None:
    """Give a case back. Raises WrongState where somebody else has it or nobody."""
    case = lock_case(case.pk)
    end(held_by(by, case), case, ClaimEnd.RELEASED)


@transaction.atomic
def take_over(by: User, case: Case) -> Claim:
    """Take a case over from another reviewer, who is notified. Raises NotAllowed, WrongState.

    What the other one had entered and not stored stays on that person's page.
    """
    require(by, Action.READ_CASE, case.laboratory)
    case = lock_case(case.pk)
    held = _end_expired(case)
    if held is not None and held.reader_id != by.pk:
        if case.reads.filter(round=case.round, reader=held.reader, conclusion=None).exists():
            raise WrongState(
                _(
                    "%(reader)s has answered and is looking at the model's answer; the read cannot be taken over."
                )
                % {"reader": held.reader.full_name}
            )
        end(held, case, ClaimEnd.TAKEN_OVER)
        notify(Kind.CLAIM_TAKEN_OVER, case, to=[held.reader], by=by)
    return _take(by, case)


def held_by(user: User, case: Case) -> Claim:
    """The person's own claim on a locked case. Raises WrongState where the case is not in the person's hands."""
    held = _end_expired(case)
    if held is None:
        raise WrongState(
            _(
                "You have not taken this case, or your time limit for it was reached. Take it again, then "
                "continue."
            ),
            code="not_claimed",
        )
    if held.reader_id != user.pk:
        raise WrongState(
            _("%(reader)s has taken this case over.") % {"reader": held.reader.full_name}, code="claimed"
        )
    return held


def end(held: Claim, case: Case, why: ClaimEnd) -> None:
    """End a claim on a locked case; one that ends without a read puts the case back where it waited."""
    held.ended_at, held.ended_why = timezone.now(), why
    held.save(update_fields=["ended_at", "ended_why"])
    unread = why in (ClaimEnd.RELEASED, ClaimEnd.EXPIRED, ClaimEnd.TAKEN_OVER)
    if unread and case.state == CaseState.IN_READING:
        read_once = case.reads.filter(round=case.round, conclusion__isnull=False).exists()
        move(case, CaseState.AWAITING_SECOND_READ if read_once else CaseState.AWAITING_READ)


def _end_expired(case: Case) -> Claim | None:
    """The open claim of a locked case, after ending it where it ran out.

    A reader who has answered and not yet concluded keeps the case: the read is stored, and nobody else may finish it.
    """
    held = case.claims.filter(ended_at=None).select_related("reader").first()
    if held is None or held.is_open:
        return held
    if case.reads.filter(round=case.round, reader=held.reader, conclusion=None).exists():
        return held
    end(held, case, ClaimEnd.EXPIRED)
    return None


def expire_claims() -> int:
    """Put back the cases whose claims ran out; returns how many. Called by the worker's schedule."""
    late = Claim.objects.filter(ended_at=None, expires_at__lte=timezone.now())
    return sum(_expire(case_id) for case_id in late.values_list("case_id", flat=True)[:500])


@transaction.atomic
def _expire(case_id: object) -> bool:
    case = lock_case(case_id)  # type: ignore[arg-type]
    before = case.claims.filter(ended_at=None).exists()
    return before and _end_expired(case) is None


@transaction.atomic
def assign(by: User, cases: QuerySet[Case], to: User | None) -> int:
    """Mean cases for one reviewer, or for everybody again; returns how many changed. Raises NotAllowed, Invalid.

    A case that somebody has taken stays with them. The assignee is notified once.
    """
    changed = []
    for pk in cases.order_by("pk").values_list("pk", flat=True):
        case = lock_case(pk)
        require(by, Action.ASSIGN_CASES, case.laboratory)
        if to is not None and not can(to, Action.READ_CASE, case.laboratory):
            raise Invalid(
                _("%(person)s is not a reviewer of %(laboratory)s.")
                % {"person": to.full_name, "laboratory": case.laboratory.name},
                field="to",
            )
        if case.assigned_to != to:
            case.assigned_to = to
            case.save(update_fields=["assigned_to"])
            changed.append(case)
    if to is not None and changed:
        notify(Kind.CASES_ASSIGNED, changed[0], to=[to], by=by, count=len(changed))
    return len(changed)
