"""Signed reports through the API: every form, every version, for the laboratory's members alone."""

import csv
import hashlib

import pytest
from django.core.cache import cache

from portal.accounts.models import Laboratory
from portal.cases.models import Case
from portal.inference.models import ModelVersion
from portal.reports.services import amend
from tests.documents import Document
from tests.factories import PASSWORD, analysed, draft, signed
from tests.portal.kinds import Clients, IsProblem, People

pytestmark = pytest.mark.django_db

FORMS = {
    "pdf": ("application/pdf", b"%PDF-1.7"),
    "fhir": ("application/fhir+json", b'{"resourceType":"Bundle"'),
    "content": ("application/json", b'{"case":{'),
}


@pytest.fixture(autouse=True)
def _fresh_cache() -> None:
    cache.clear()


@pytest.fixture
def case(people: People, lab: Laboratory, model: ModelVersion) -> Case:
    return signed(people.reviewer, analysed(people.submitter, lab))


@pytest.mark.parametrize("form", FORMS)
def test_each_form_in_each_version(
    clients: Clients, case: Case, people: People, form: str, is_problem: IsProblem
) -> None:
    changed: Document = {"label": "Pro", "confidence": "high", "comment": "", "reason": "Flow cytometry."}
    amend(people.reviewer, case, **changed, secret=PASSWORD)
    address = f"/api/v1/cases/{case.pk}/report/{form}/"
    content_type, start = FORMS[form]
    newest, first = (clients.submitter.get(address, query) for query in ({}, {"version": 1}))
    for response, version in ((newest, 2), (first, 1)):
        assert (response.status_code, response["Content-Type"]) == (200, content_type)
        assert response.content.startswith(start)
        assert f"{case.accession}-v{version}" in response["Content-Disposition"]
    assert newest.content != first.content
    for client, query, status in (
        (clients.submitter, {"version": 3}, 404),
        (clients.submitter, {"version": "9" * 5000}, 400),
        (clients.submitter, {"version": "x"}, 400),
        (clients.stranger, {}, 404),
        (clients.anonymous, {}, 401),
    ):
        is_problem(client.get(address, query), status)


def test_a_hash_is_verified(clients: Clients, case: Case, is_problem: IsProblem) -> None:
    content = clients.submitter.get(f"/api/v1/cases/{case.pk}/report/content/").content
    address = f"/api/v1/reports/verify/{hashlib.sha256(content).hexdigest()}/"
    found = clients.lab_admin.get(address).json()
    assert (found["intact"], found["accession"], found["newest_version"]) == (True, case.accession, 1)
    assert found["report"]["label"] == "Pre"
    is_problem(clients.stranger.get(address), 404)
    is_problem(clients.submitter.get("/api/v1/reports/verify/nonsense/"), 404)


def test_the_list_as_csv(
    clients: Clients, case: Case, people: People, lab: Laboratory, is_problem: IsProblem
) -> None:
    draft(people.submitter, lab)
    response = clients.reviewer.get("/api/v1/cases/csv/", {"state": "reported"})
    rows = list(csv.DictReader(b"".join(response).decode().splitlines()))
    assert [(row["accession"], row["conclusion"]) for row in rows] == [(case.accession, "Pre")]
    everything = b"".join(clients.reviewer.get("/api/v1/cases/csv/")).decode().splitlines()
    assert len(everything) == 3
    assert len(b"".join(clients.stranger.get("/api/v1/cases/csv/")).splitlines()) == 1
    is_problem(clients.reviewer.get("/api/v1/cases/csv/", {"state": "whatever"}), 400)
    is_problem(clients.anonymous.get("/api/v1/cases/csv/"), 401)
