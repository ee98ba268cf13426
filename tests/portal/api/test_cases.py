"""Filing, finding and changing cases through the API."""

from typing import NoReturn

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from portal.accounts.models import Laboratory, User
from portal.cases.models import Case
from portal.inference.models import ModelVersion
from tests.documents import Document
from tests.factories import LaboratoryFactory, MembershipFactory, analysed, draft
from tests.portal.kinds import Clients, IsProblem, People

CASES = "/api/v1/cases/"
ENTRY: Document = {"patient_pseudonym": "P-0815", "specimen": "peripheral_blood"}


def test_filing_answers_with_the_whole_draft(clients: Clients, lab: Laboratory) -> None:
    full = ENTRY | {
        "stain": "wright_giemsa",
        "magnification": "100x",
        "microns_per_pixel": 0.065,
        "clinical_note": "Fever. Grüße.",
        "priority": "urgent",
        "laboratory": lab.slug,
    }
    response = clients.submitter.post(CASES, full)
    body = response.json()
    assert response.status_code == 201
    assert body | full == body
    assert (body["state"], body["images"], body["diagnosis"], body["image_count"]) == ("draft", [], None, 0)
    assert body["accession"].startswith("HL-")
    assert clients.submitter.get(response["Location"]).json() == body


def test_the_laboratory_is_the_persons_first_unless_named(clients: Clients, people: People) -> None:
    second = LaboratoryFactory.create(name="Zeta laboratory")
    MembershipFactory.create(user=people.submitter, laboratory=second)
    assert clients.submitter.post(CASES, ENTRY).json()["laboratory"] != second.slug
    for name in (second.slug, second.pk, str(second.pk)):
        assert clients.submitter.post(CASES, ENTRY | {"laboratory": name}).json()["laboratory"] == second.slug


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"patient_pseudonym": None}, "patient_pseudonym"),
        ({"patient_pseudonym": "  "}, "patient_pseudonym"),
        ({"patient_pseudonym": "x" * 65}, "patient_pseudonym"),
        ({"patient_pseudonym": "a\x00b"}, "patient_pseudonym"),
        ({"patient_pseudonym": ["P"]}, "patient_pseudonym"),
        ({"specimen": ...}, "specimen"),
        ({"specimen": "blood"}, "specimen"),
        ({"specimen": {}}, "specimen"),
        ({"stain": "ink"}, "stain"),
        ({"priority": "yesterday"}, "priority"),
        ({"microns_per_pixel": 0.009}, "microns_per_pixel"),
        ({"microns_per_pixel": 10.1}, "microns_per_pixel"),
        ({"microns_per_pixel": "nan"}, "microns_per_pixel"),
        ({"clinical_note": "x" * 4001}, "clinical_note"),
        ({"laboratory": "somewhere-else"}, "laboratory"),
        ({"laboratory": {"slug": "x"}}, "laboratory"),
        ({"state": "reported"}, "state"),
        ({"clincal_note": "a typing error is not lost silently"}, "clincal_note"),
    ],
)
def test_what_cannot_be_filed_names_its_field(
    change: Document, field: str, clients: Clients, is_problem: IsProblem
) -> None:
    body = {name: value for name, value in (ENTRY | change).items() if value is not ...}
    problem = is_problem(clients.submitter.post(CASES, body), 400, "invalid")
    assert list(problem["errors"]) == [field]
    assert problem["detail"] == problem["errors"][field][0]
    assert not Case.objects.exists()


def test_an_unknown_choice_is_answered_with_the_choices(clients: Clients, is_problem: IsProblem) -> None:
    problem = is_problem(clients.submitter.post(CASES, ENTRY | {"specimen": "blood"}), 400)
    assert "peripheral_blood, bone_marrow, csf, other" in problem["detail"]


def test_every_wrong_field_is_named_at_once(clients: Clients, is_problem: IsProblem) -> None:
    problem = is_problem(
        clients.submitter.post(CASES, {"specimen": "blood", "colour": "red"}), 400, "invalid"
    )
    assert set(problem["errors"]) == {"patient_pseudonym", "specimen", "colour"}


@pytest.mark.parametrize(
    "body", [b"{", b"", b"[]", b'"text"', b"1e400", b"[" * 100_000, b"\xff\xfe", b"null"]
)
def test_bad_json(body: bytes, clients: Clients, is_problem: IsProblem) -> None:
    is_problem(clients.submitter.post(CASES, body, content_type="application/json"), 400)


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/xml", "multipart/form-data; boundary=b", ""]
)
def test_another_type_of_body(content_type: str, clients: Clients, is_problem: IsProblem) -> None:
    response = clients.submitter.generic("POST", CASES, "specimen=csf", content_type=content_type)
    is_problem(response, 415, "unsupported_media_type")


def test_a_giant_json_body_is_not_read(clients: Clients, is_problem: IsProblem, settings: Settings) -> None:
    body = b'{"clinical_note": "' + b"x" * settings.DATA_UPLOAD_MAX_MEMORY_SIZE + b'"}'
    response = clients.submitter.post(CASES, body, content_type="application/json")
    assert response.status_code == 413
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["code"] == "request_too_large"


def test_a_wrong_method(clients: Clients, is_problem: IsProblem) -> None:
    response = clients.submitter.put(CASES, ENTRY)
    is_problem(response, 405, "method_not_allowed")
    assert response["Allow"]


def test_an_address_that_leads_nowhere(clients: Clients, is_problem: IsProblem) -> None:
    for client in (clients.anonymous, clients.submitter):
        is_problem(client.post("/api/v1/cses/", ENTRY), 404, "no_such_address")
    for place in ("cases/not-an-id/", "", "cases/%0A/", "cases%0A", "//elsewhere.example"):
        is_problem(clients.submitter.get(f"/api/v1/{place}"), 404, "no_such_address")


def test_a_missing_last_slash_costs_nothing(clients: Clients) -> None:
    response = clients.submitter.post("/api/v1/cases?x=1", ENTRY)
    assert (response.status_code, response["Location"]) == (308, "/api/v1/cases/?x=1")


def test_json_comes_whatever_is_accepted(clients: Clients) -> None:
    response = clients.submitter.get(CASES, HTTP_ACCEPT="text/html")
    assert (response.status_code, response["Content-Type"]) == (200, "application/json")


def test_a_mistake_of_ours_is_a_problem_without_details(
    clients: Clients, is_problem: IsProblem, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(user: User) -> NoReturn:
        raise RuntimeError("the secret inside")

    monkeypatch.setattr("portal.api.views.cases.selectors.worklist", fail)
    problem = is_problem(clients.submitter.get(CASES), 500, "server_error")
    assert "secret" not in str(problem)


def test_changing_a_draft(clients: Clients, draft_case: Case, is_problem: IsProblem) -> None:
    address = f"{CASES}{draft_case.pk}/"
    changed = clients.submitter.patch(address, {"priority": "stat", "clinical_note": "New."}).json()
    assert (changed["priority"], changed["clinical_note"]) == ("stat", "New.")
    assert changed["patient_pseudonym"] == draft_case.patient_pseudonym
    is_problem(clients.submitter.patch(address, {"priority": "soon"}), 400)
    is_problem(clients.submitter.patch(address, {"laboratory": "x"}), 400)
    assert clients.submitter.get(address).json()["priority"] == "stat"


def test_a_submitted_case_is_not_changed(
    clients: Clients, people: People, lab: Laboratory, model: ModelVersion, is_problem: IsProblem
) -> None:
    case = analysed(people.submitter, lab)
    address = f"{CASES}{case.pk}/"
    before = clients.submitter.get(address).json()
    is_problem(clients.submitter.patch(address, {"priority": "stat"}), 409, "wrong_state")
    is_problem(clients.submitter.delete(f"{address}images/{case.images.get().pk}/"), 409, "wrong_state")
    is_problem(clients.submitter.post(f"{address}submit/"), 409, "wrong_state")
    assert clients.submitter.get(address).json() == before


def found(client: APIClient, query: str) -> list[str]:
    response = client.get(f"{CASES}?{query}")
    assert response.status_code == 200, response.content
    return [case["patient_pseudonym"] for case in response.json()["results"]]


def test_finding_cases(clients: Clients, people: People, lab: Laboratory, model: ModelVersion) -> None:
    draft(people.submitter, lab, patient_pseudonym="A", priority="stat")
    analysed(people.submitter, lab, patient_pseudonym="B")
    last = draft(people.reviewer, lab, patient_pseudonym="C", specimen="csf")
    client = clients.submitter
    assert found(client, "") == ["C", "B", "A"]
    assert found(client, "state=awaiting_read") == ["B"]
    assert found(client, "state=awaiting_read&state=draft") == ["C", "B", "A"]
    assert found(client, "priority=stat") == ["A"]
    assert found(client, "specimen=csf&state=draft") == ["C"]
    assert found(client, f"q={last.accession.lower()}") == ["C"]
    assert found(client, f"laboratory={lab.slug}&ordering=accession") == ["A", "B", "C"]
    assert found(client, "page_size=2&ordering=created_at&page=2") == ["C"]


@pytest.mark.parametrize("query", ["state=sleeping", "priority=x", "filed_from=yesterday"])
def test_an_unknown_filter_value(query: str, clients: Clients, is_problem: IsProblem) -> None:
    problem = is_problem(clients.submitter.get(f"{CASES}?{query}"), 400, "invalid")
    assert list(problem["errors"]) == [query.partition("=")[0]]


@pytest.mark.parametrize("page", ["99", "999999999"])
def test_a_page_that_is_not_there(page: str, clients: Clients, is_problem: IsProblem) -> None:
    is_problem(clients.submitter.get(f"{CASES}?page={page}"), 404)


@pytest.mark.parametrize("page", ["0", "x", "%00", "9" * 400])
def test_a_page_that_is_no_page(page: str, clients: Clients, is_problem: IsProblem) -> None:
    is_problem(clients.submitter.get(f"{CASES}?page={page}"), 400)


def test_queries_do_not_grow_with_what_is_shown(
    clients: Clients, people: People, lab: Laboratory, model: ModelVersion
) -> None:
    def queries(address: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert clients.submitter.get(address).status_code == 200
        return len(captured)

    small = analysed(people.submitter, lab)
    queries(CASES)  # the first one notes the token's use, and who has seen the model's answer
    one_case, one_image = queries(CASES), queries(f"{CASES}{small.pk}/")
    images_one = queries(f"{CASES}{small.pk}/images/")
    large = analysed(people.submitter, lab, images=4)
    analysed(people.submitter, lab)
    assert queries(CASES) == one_case
    assert queries(f"{CASES}{large.pk}/") == one_image
    assert queries(f"{CASES}{large.pk}/images/") == images_one
