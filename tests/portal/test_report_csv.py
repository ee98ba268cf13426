"""The worklist as CSV: which cases, what of them, at what cost, and nothing a spreadsheet would compute."""

import csv
import io
from typing import Protocol

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from portal.accounts.models import Laboratory, User
from portal.cases.models import Case
from portal.inference.models import ModelVersion
from portal.reports.exports.csv_export import COLUMNS, defused
from portal.reports.services import amend
from portal.text import visible
from tests.documents import Document
from tests.factories import PASSWORD, analysed, draft, read, signed
from tests.portal.kinds import People

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh_cache() -> None:
    cache.clear()


class Export(Protocol):
    """Person, filters -> (the rows by accession, how many queries they took)."""

    def __call__(self, person: User, **filters: str) -> tuple[dict[str, dict[str, str]], int]: ...


@pytest.fixture
def export(client: Client) -> Export:
    """Return a function: person, filters -> (the rows by accession, how many queries they took)."""

    def get(person: User, **filters: str) -> tuple[dict[str, dict[str, str]], int]:
        client.force_login(person)
        with CaptureQueriesContext(connection) as queries:
            response = client.get(reverse("reports:csv"), filters)
            assert response.status_code == 200
            text = b"".join(response).decode("utf-8-sig")
        rows = list(csv.DictReader(io.StringIO(text)))
        assert text.splitlines()[0] == ",".join(COLUMNS)
        return {row["accession"]: row for row in rows}, len(queries)

    return get


def test_a_signed_case_has_its_newest_report(
    export: Export, people: People, lab: Laboratory, model: ModelVersion
) -> None:
    case = signed(people.reviewer, analysed(people.submitter, lab, images=2), "Early")
    changed: Document = {"label": "Pro", "confidence": "medium", "comment": "", "reason": "Flow cytometry."}
    newest = amend(people.reviewer, case, **changed, secret=PASSWORD)
    rows, _queries = export(people.submitter)
    row = rows[case.accession]
    expected = {
        "state": "amended",
        "images": "2",
        "conclusion": "Pro",
        "confidence": "medium",
        "signed_by": people.reviewer.full_name,
        "version": "2",
        "sha256": newest.sha256,
        "model_answer": "Pre",
        "model_name": model.name,
        "model_version": "1",
    }
    assert {name: row[name] for name in expected} == expected
    assert row["signed_at"] == newest.signed_at.isoformat(timespec="seconds")


def test_an_unsigned_case_tells_nobody_s_answer(
    export: Export, people: People, lab: Laboratory, model: ModelVersion
) -> None:
    waiting = analysed(people.submitter, lab)
    done = read(people.reviewer, analysed(people.submitter, lab), "Early")
    for person in (people.submitter, people.reviewer, people.lab_admin):
        rows, _queries = export(person)
        for case in (waiting, done):
            row = rows[case.accession]
            assert not any(value for name, value in row.items() if name in COLUMNS[8:])
            assert not {"Pre", "Early", "leukemia_vgg16"} & set(row.values())


def test_it_holds_what_the_worklist_shows(
    export: Export, people: People, lab: Laboratory, client: Client
) -> None:
    urgent = draft(people.submitter, lab, priority="urgent")
    draft(people.reviewer, lab, priority="routine")
    rows, _queries = export(people.submitter, priority="urgent")
    assert list(rows) == [urgent.accession]
    assert export(people.stranger)[0] == {}
    response = client.get(reverse("reports:csv"), {"priority": "whatever"})
    assert response.status_code == 400
    assert b"filter could not be read" in response.content


def test_two_and_two_hundred_rows_ask_as_many_queries(
    export: Export, people: People, lab: Laboratory, model: ModelVersion
) -> None:
    signed(people.reviewer, analysed(people.submitter, lab))
    draft(people.submitter, lab)
    export(people.reviewer)  # the first one notes who has seen the model's answers
    rows, few = export(people.reviewer)
    assert len(rows) == 2
    Case.objects.bulk_create(
        Case(
            laboratory=lab,
            accession=f"X-{number}",
            patient_pseudonym="P",
            specimen="csf",
            created_by=people.submitter,
        )
        for number in range(198)
    )
    rows, many = export(people.reviewer)
    assert len(rows) == 200
    assert few == many


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_no_cell_is_a_formula(start: str) -> None:
    assert defused(f"{start}cmd|'/c calc'!A1").startswith("'")
    assert defused(f"a{start}") == visible(f"a{start}")
    assert defused(-1) == -1


def test_what_people_entered_is_defused(export: Export, people: People, lab: Laboratory) -> None:
    case = draft(people.submitter, lab, patient_pseudonym='=HYPERLINK("http://evil.example","x")')
    rows, _queries = export(people.submitter)
    assert rows[case.accession]["patient_pseudonym"].startswith("'=HYPERLINK")
