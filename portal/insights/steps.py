"""The steps of a case from its last submission to the signature, and how long each took."""

from __future__ import annotations

from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.insights.selectors import SignedCase
from portal.numbers import decimal
from portal.reading.choices import ReadKind

#: Steps by key, in their order; the last is the whole way.
STEPS: dict[str, str | Promise] = {
    "ready": gettext_lazy("Submitted to ready to read"),
    "first": gettext_lazy("Ready to first read"),
    "second": gettext_lazy("First to second read"),
    "adjudication": gettext_lazy("Second read to adjudication"),
    "signature": gettext_lazy("Last read to signature"),
    "total": gettext_lazy("Submitted to signature"),
}


def durations(case: SignedCase) -> dict[str, float]:
    """Seconds of each step that the case took. Time spent with the submitter, before the last submission, is not in."""
    ended = {read.kind: read.at for read in case.reads}
    first, second = ended.get(ReadKind.FIRST), ended.get(ReadKind.SECOND)
    third = ended.get(ReadKind.ADJUDICATION)
    between: dict[str, tuple[datetime | None, datetime | None]] = {
        "ready": (case.submitted_at, case.ready_at),
        "first": (case.ready_at, first),
        "second": (first, second),
        "adjudication": (second, third),
        "signature": (max(ended.values(), default=None), case.signed_at),
        "total": (case.submitted_at, case.signed_at),
    }
    return {
        step: max((end - start).total_seconds(), 0.0)
        for step, (start, end) in between.items()
        if start is not None and end is not None
    }


def in_words(seconds: float) -> str:
    """A duration in the unit that suits it: 45 s, 12 min, 3.4 h, 2.1 d."""
    # Up to two days are said in hours: the eye compares them with a working day.
    for least, size, words in (
        (2 * 86400, 86400, _("%s d")),
        (3600, 3600, _("%s h")),
        (60, 60, _("%s min")),
    ):
        if seconds >= least:
            figure = seconds / size
            # 2 min, not 2.0 min; 2.5 h, but 12 h
            is_plain = figure >= 10 or round(figure, 1) == round(figure)
            return words % decimal(figure, 0 if is_plain else 1)
    return _("%s s") % decimal(seconds, 0)
