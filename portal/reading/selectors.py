"""Queries about reading: the valid conclusion, and who may sign it."""

from portal.accounts.choices import Action
from portal.accounts.models import User
from portal.accounts.permissions import can
from portal.cases.choices import CaseState
from portal.cases.models import Case
from portal.reading.choices import ReadKind
from portal.reading.models import Conclusion, Read

_WEIGHT = {ReadKind.ADJUDICATION: 2, ReadKind.FIRST: 1, ReadKind.SECOND: 0}


def round_reads(case: Case) -> list[Read]:
    """The reads of the case's present round with their conclusions and image answers, the oldest first."""
    reads = case.reads.filter(round=case.round)
    return list(reads.select_related("reader", "conclusion").prefetch_related("image_reads__image"))


def shown_reads(user: User, case: Case, *, sees_all: bool) -> list[Read]:
    """Those of them that a person is shown: their own, and the colleagues' where ``blind.sees_reads`` says so."""
    return [read for read in round_reads(case) if sees_all or read.reader_id == user.pk]


def standing_conclusion(reads: list[Read]) -> Conclusion | None:
    """What the reads come to: the adjudicator's word, else the first reader's, with whom a second one agreed."""
    done = [read for read in reads if read.is_concluded]
    best = max(done, key=lambda read: _WEIGHT[ReadKind(read.kind)], default=None)
    return best.conclusion if best is not None else None


def may_sign(user: User, case: Case) -> bool:
    """Whether a person may sign a case that is ready: one of its readers, or any reviewer once none is left."""
    if case.state != CaseState.READY_TO_SIGN or not can(user, Action.READ_CASE, case.laboratory):
        return False
    readers = {read.reader for read in case.reads.filter(round=case.round).select_related("reader")}
    return user in readers or not any(can(one, Action.READ_CASE, case.laboratory) for one in readers)
