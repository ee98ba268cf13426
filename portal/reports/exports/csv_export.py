"""The worklist as CSV, written line by line while it is sent.

Columns and values are those of the API, whatever the language of the pages. A case without a signed report shows
nobody's and nothing's answer.
"""

import csv
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from django.db.models import F, OuterRef, QuerySet, Subquery
from django.db.models.functions import JSONObject

from portal.cases.models import Case
from portal.reports.models import Diagnosis
from portal.text import visible

CHUNK = 500
CASE_COLUMNS = (
    "accession",
    "patient_pseudonym",
    "specimen",
    "state",
    "priority",
    "filed",
    "submitted",
    "images",
)
REPORT_COLUMNS = (
    "conclusion",
    "confidence",
    "signed_by",
    "signed_at",
    "version",
    "sha256",
    "model_answer",
    "model_name",
    "model_version",
)
COLUMNS = CASE_COLUMNS + REPORT_COLUMNS
#: A spreadsheet takes a cell that begins with one of these for a formula.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
#: By it a spreadsheet knows that the file is UTF-8.
BYTE_ORDER_MARK = "\ufeff"

_REPORT = {
    "conclusion": F("label"),
    "confidence": F("confidence"),
    "signed_by": F("signed_by__full_name"),
    "signed_at": F("signed_at"),
    "version": F("version"),
    "sha256": F("sha256"),
    "model_answer": F("model_record__answer__label"),
    "model_name": F("model_record__model__name"),
    "model_version": F("model_record__model__version"),
}


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, line: str) -> str:
        return line


def lines(cases: QuerySet[Case]) -> Iterator[str]:
    """The header, then a line for each case of ``portal.desk.selectors.worklist``; one query whatever their number."""
    writer = csv.writer(_Echo())
    yield writer.writerow(COLUMNS)
    newest = Diagnosis.objects.filter(case=OuterRef("pk")).order_by("-version")
    report = Subquery(newest.values(found=JSONObject(**_REPORT))[:1])
    rows = cases.prefetch_related(None).select_related(None).annotate(report=report)
    for case in rows.iterator(chunk_size=CHUNK):
        yield writer.writerow([defused(cell) for cell in _cells(case)])


def defused(cell: Any) -> Any:
    """The cell, so that no spreadsheet computes it: text that looks like a formula gets an apostrophe in front.

    What nobody would see is written out.
    """
    if not isinstance(cell, str):
        return cell
    return f"'{visible(cell)}" if cell.startswith(FORMULA_STARTS) else visible(cell)


def _cells(case: Any) -> list[Any]:
    report = case.report or {}
    signed_at = report.get("signed_at")
    return [
        case.accession,
        case.patient_pseudonym,
        case.specimen,
        case.state,
        case.priority,
        _time(case.created_at),
        _time(case.submitted_at),
        case.image_count,
        *(
            _time(datetime.fromisoformat(signed_at))
            if name == "signed_at" and signed_at
            else report.get(name)
            for name in REPORT_COLUMNS
        ),
    ]


def _time(moment: datetime | None) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds") if moment else ""
