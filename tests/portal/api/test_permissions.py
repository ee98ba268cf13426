"""Who may do what through the API: each person, each request, the expected status.

``stranger`` is a reviewer of another laboratory: for them the case is not there at all.
"""

import json
from collections.abc import Callable

import pytest
from django.core.cache import cache
from django.db import transaction

from portal.accounts.models import Laboratory
from portal.cases.models import Case
from portal.inference.models import ModelVersion
from portal.reports.models import Alert
from tests.documents import Document
from tests.factories import PASSWORD, analysed, claimed, draft, photograph, read, signed
from tests.portal.kinds import ClientFor, Clients, IsProblem, People

JSON, PHOTOGRAPH = "application/json", "photograph"
NEW_CASE = {"patient_pseudonym": "P-1", "specimen": "peripheral_blood"}
READ = {"label": "Pre", "confidence": "high"}
AMENDMENT = {"label": "Early", "confidence": "low", "comment": "", "reason": "Flow.", "secret": PASSWORD}
POLICY = {
    "blindness": "concurrent",
    "second_read": "always",
    "second_read_share": 10,
    "claim_minutes": 30,
    "alert_contact": None,
}

PEOPLE = ("anonymous", "submitter", "reviewer", "lab_admin", "stranger")
# request: (method, path, body), then the status for each of PEOPLE
TABLE = [
    ("GET", "/api/v1/me/", None, (401, 200, 200, 200, 200)),
    ("GET", "/api/v1/models/", None, (401, 200, 200, 200, 200)),
    ("GET", "/api/v1/schema/", None, (200, 200, 200, 200, 200)),
    ("GET", "/api/v1/cases/", None, (401, 200, 200, 200, 200)),
    ("POST", "/api/v1/cases/", NEW_CASE, (401, 201, 201, 201, 201)),
    ("POST", "/api/v1/cases/", NEW_CASE | {"laboratory": "{lab}"}, (401, 201, 201, 201, 400)),
    ("GET", "/api/v1/cases/{draft}/", None, (401, 200, 200, 200, 404)),
    ("PATCH", "/api/v1/cases/{draft}/", {"priority": "stat"}, (401, 200, 200, 200, 404)),
    ("GET", "/api/v1/cases/{draft}/images/", None, (401, 200, 200, 200, 404)),
    ("POST", "/api/v1/cases/{draft}/images/", PHOTOGRAPH, (401, 201, 201, 201, 404)),
    ("GET", "/api/v1/cases/{draft}/images/{image}/", None, (401, 200, 200, 200, 404)),
    ("GET", "/api/v1/cases/{draft}/images/{image}/file/", None, (401, 200, 200, 200, 404)),
    ("GET", "/api/v1/cases/{draft}/images/{image}/thumbnail/", None, (401, 200, 200, 200, 404)),
    ("DELETE", "/api/v1/cases/{draft}/images/{image}/", None, (401, 204, 204, 204, 404)),
    ("POST", "/api/v1/cases/{draft}/submit/", None, (401, 200, 200, 200, 404)),
    ("GET", "/api/v1/cases/{held}/images/{held_image}/activation-map/", None, (401, 200, 403, 200, 404)),
    ("POST", "/api/v1/cases/next/", None, (401, 204, 200, 204, 204)),
    ("POST", "/api/v1/cases/{read}/claim/", None, (401, 403, 200, 403, 404)),
    ("POST", "/api/v1/cases/{read}/take-over/", None, (401, 403, 200, 403, 404)),
    ("POST", "/api/v1/cases/{read}/release/", None, (401, 403, 409, 403, 404)),
    ("POST", "/api/v1/cases/{held}/release/", None, (401, 403, 200, 403, 404)),
    ("POST", "/api/v1/cases/{read}/reads/", READ, (401, 403, 409, 403, 404)),
    ("POST", "/api/v1/cases/{held}/reads/", READ, (401, 403, 201, 403, 404)),
    ("POST", "/api/v1/cases/{held}/reads/", {"label": "?"}, (401, 403, 400, 403, 404)),
    ("POST", "/api/v1/cases/{held}/conclusion/", READ, (401, 403, 409, 403, 404)),
    ("POST", "/api/v1/cases/{held}/conclusion/", {"label": "?"}, (401, 403, 400, 403, 404)),
    ("POST", "/api/v1/cases/{held}/adjudication/", READ | {"reason": "So."}, (401, 403, 409, 403, 404)),
    ("POST", "/api/v1/cases/{held}/return/", {"missing": "The edge."}, (401, 403, 200, 403, 404)),
    ("POST", "/api/v1/cases/{done}/sign/", {"secret": PASSWORD}, (401, 403, 201, 403, 404)),
    ("POST", "/api/v1/cases/{done}/sign/", {"secret": "guess"}, (401, 403, 400, 403, 404)),
    ("POST", "/api/v1/cases/{done}/amend/", AMENDMENT, (401, 403, 409, 403, 404)),
    ("POST", "/api/v1/cases/{signed}/amend/", AMENDMENT, (401, 403, 201, 403, 404)),
    ("GET", "/api/v1/cases/{signed}/reports/", None, (401, 200, 200, 200, 404)),
    ("GET", "/api/v1/alerts/", None, (401, 200, 200, 200, 200)),
    ("POST", "/api/v1/alerts/{alert}/acknowledge/", {"note": "Told."}, (401, 200, 403, 403, 404)),
    ("GET", "/api/v1/laboratories/{lab}/reading-policy/", None, (401, 200, 200, 200, 404)),
    ("PUT", "/api/v1/laboratories/{lab}/reading-policy/", POLICY, (401, 403, 403, 200, 404)),
    ("PUT", "/api/v1/laboratories/{lab}/reading-policy/", {"blindness": "?"}, (401, 403, 403, 400, 404)),
]


@pytest.mark.parametrize(("method", "path", "body", "statuses"), TABLE)
def test_permission_table(
    method: str,
    path: str,
    body: Document | str | None,
    statuses: tuple[int, ...],
    clients: Clients,
    people: People,
    lab: Laboratory,
    model: ModelVersion,
    is_problem: IsProblem,
) -> None:
    cache.clear()  # wrong secrets are counted there
    places = _places(people, lab, path)
    address = path.format(**places)
    for name, expected in zip(PEOPLE, statuses, strict=True):
        client = getattr(clients, name)
        # Each request finds things as they were for the one before it.
        with transaction.atomic():
            if isinstance(body, str):
                response = client.post(address, {"file": photograph(7)}, format="multipart")
            elif body is None:
                response = client.generic(method, address)
            else:
                response = client.generic(method, address, _json(body, places), content_type=JSON)
            transaction.set_rollback(True)
        assert response.status_code == expected, (name, response)
        if expected >= 400:
            is_problem(response, expected)


def _places(people: People, lab: Laboratory, path: str) -> dict[str, object]:
    """What the path names: a draft, a case to read, one in the reviewer's hands, one that is read, a signed one."""
    make: dict[str, Callable[[], Case]] = {
        "draft": lambda: draft(people.submitter, lab),
        "read": lambda: analysed(people.submitter, lab),
        "held": lambda: claimed(people.reviewer, analysed(people.submitter, lab)),
        "done": lambda: read(people.reviewer, analysed(people.submitter, lab)),
        "signed": lambda: signed(people.reviewer, analysed(people.submitter, lab)),
    }
    wanted = {name for name in make if f"{{{name}}}" in path}
    wanted |= {"signed"} if "{alert}" in path else set()
    cases = {name: make[name]() for name in wanted or {"draft", "read"}}
    places: dict[str, object] = {name: case.pk for name, case in cases.items()} | {"lab": lab.slug}
    for name, case in cases.items():
        places["image" if name == "draft" else f"{name}_image"] = case.images.get().pk
    if "signed" in cases:
        places["alert"] = Alert.objects.get(diagnosis__case=cases["signed"]).pk
    return places


def _json(body: Document, places: Document) -> str:
    return json.dumps({key: _filled(value, places) for key, value in body.items()})


def _filled(value: object, places: Document) -> object:
    return value.format(**places) if isinstance(value, str) else value


def test_lists_hold_ones_own_laboratory_only(clients: Clients, draft_case: Case) -> None:
    assert [case["id"] for case in clients.submitter.get("/api/v1/cases/").json()["results"]] == [
        str(draft_case.pk)
    ]
    assert clients.stranger.get("/api/v1/cases/").json()["results"] == []


def test_an_image_is_not_reached_through_another_case(
    clients: Clients, people: People, lab: Laboratory, draft_case: Case, is_problem: IsProblem
) -> None:
    other = draft(people.submitter, lab)
    image = other.images.get()
    is_problem(clients.submitter.get(f"/api/v1/cases/{draft_case.pk}/images/{image.pk}/"), 404, "not_found")


def test_a_person_without_a_laboratory_files_nothing(
    client_for: ClientFor, people: People, is_problem: IsProblem
) -> None:
    people.submitter.memberships.update(is_active=False)
    client = client_for(people.submitter)
    is_problem(client.post("/api/v1/cases/", NEW_CASE), 403, "not_allowed")
    assert client.get("/api/v1/me/").json()["memberships"] == []
