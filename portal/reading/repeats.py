"""Whether what a page sends is stored already: the same form of the same person sent twice.

A double press, or a form sent again because the first answer never arrived, is no mistake of the person: the pages go
on as after the first time. Services and API refuse the second one with its status, so that a program notices.
"""

from collections.abc import Mapping
from typing import Any

from portal.accounts.models import User
from portal.cases.models import Case
from portal.reading.choices import ClaimEnd, ReadKind


def is_read(user: User, case: Case, entered: Mapping[str, Any]) -> bool:
    """Whether this answer is the person's read of the case's present round."""
    own = case.reads.filter(round=case.round, reader=user).exclude(kind=ReadKind.ADJUDICATION).first()
    return own is not None and _same(own, entered, label="label", confidence="confidence", comment="comment")


def is_concluded(user: User, case: Case, entered: Mapping[str, Any]) -> bool:
    """Whether this is what the person's read was concluded with."""
    own = case.reads.filter(round=case.round, reader=user, conclusion__isnull=False).first()
    return own is not None and _same(
        own.conclusion, entered, label="label", confidence="confidence", reason="reason"
    )


def is_adjudicated(user: User, case: Case, entered: Mapping[str, Any]) -> bool:
    """Whether this decision of the person is stored."""
    own = case.reads.filter(round=case.round, reader=user, kind=ReadKind.ADJUDICATION).first()
    return own is not None and _same(own, entered, label="label", confidence="confidence", comment="reason")


def is_returned(user: User, case: Case, entered: Mapping[str, Any]) -> bool:
    """Whether the person has returned the case in its present round with these words."""
    last = case.returns.filter(round=case.round).first()
    return last is not None and last.returned_by_id == user.pk and _same(last, entered, missing="missing")


def is_released(user: User, case: Case) -> bool:
    """Whether the last who had the case in hand was this person, and gave it back."""
    last = case.claims.order_by("claimed_at", "pk").last()
    return last is not None and last.reader_id == user.pk and last.ended_why == ClaimEnd.RELEASED


def _same(stored: object, entered: Mapping[str, Any], **names: str) -> bool:
    """Whether fields of a stored row say what was entered; ``names`` maps each field to its name in the form."""
    return all(getattr(stored, field) == entered[name].strip() for field, name in names.items())
