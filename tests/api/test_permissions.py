"""Who may do what through the API: each person, each request, the expected status.

``stranger`` is a reviewer of another laboratory: for them the case is not there at all.
"""

import json

import pytest
from django.db import transaction

from tests.factories import analysed, draft, photograph

NEW_CASE = {"patient_pseudonym": "P-1", "specimen": "peripheral_blood"}
READ = {"label": "Pre", "confidence": "high"}

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
    ("POST", "/api/v1/cases/{draft}/images/", "photograph", (401, 201, 201, 201, 404)),
    ("GET", "/api/v1/cases/{draft}/images/{image}/", None, (401, 200, 200, 200, 404)),
    ("GET", "/api/v1/cases/{draft}/images/{image}/file/", None, (401, 200, 200, 200, 404)),
    ("GET", "/api/v1/cases/{draft}/images/{image}/thumbnail/", None, (401, 200, 200, 200, 404)),
    ("DELETE", "/api/v1/cases/{draft}/images/{image}/", None, (401, 204, 204, 204, 404)),
    ("POST", "/api/v1/cases/{draft}/submit/", None, (401, 200, 200, 200, 404)),
    ("GET", "/api/v1/cases/{read}/images/{read_image}/activation-map/", None, (401, 200, 200, 200, 404)),
    ("POST", "/api/v1/cases/{read}/reads/", READ, (401, 403, 201, 403, 404)),
    ("POST", "/api/v1/cases/{read}/reads/", {"label": "?"}, (401, 403, 400, 403, 404)),
]


@pytest.mark.parametrize(("method", "path", "body", "statuses"), TABLE)
def test_permission_table(method, path, body, statuses, clients, people, lab, model, is_problem):
    first, second = draft(people.submitter, lab), analysed(people.submitter, lab)
    places = {
        "lab": lab.slug,
        "draft": first.pk,
        "image": first.images.get().pk,
        "read": second.pk,
        "read_image": second.images.get().pk,
    }
    address = path.format(**places)
    for name, expected in zip(PEOPLE, statuses, strict=True):
        client = getattr(clients, name)
        # Each request finds things as they were for the one before it.
        with transaction.atomic():
            if body == "photograph":
                response = client.post(address, {"file": photograph(7)}, format="multipart")
            else:
                response = client.generic(method, address, **_json(body, places))
            transaction.set_rollback(True)
        assert response.status_code == expected, (name, response)
        if expected >= 400:
            is_problem(response, expected)


def _json(body: dict | None, places: dict) -> dict[str, str]:
    filled = {key: value.format(**places) for key, value in body.items()} if body else None
    return {"data": json.dumps(filled), "content_type": "application/json"} if filled else {}


def test_lists_hold_ones_own_laboratory_only(clients, draft_case):
    assert [case["id"] for case in clients.submitter.get("/api/v1/cases/").json()["results"]] == [
        str(draft_case.pk)
    ]
    assert clients.stranger.get("/api/v1/cases/").json()["results"] == []


def test_an_image_is_not_reached_through_another_case(clients, people, lab, draft_case, is_problem):
    other = draft(people.submitter, lab)
    image = other.images.get()
    is_problem(clients.submitter.get(f"/api/v1/cases/{draft_case.pk}/images/{image.pk}/"), 404, "not_found")


def test_a_person_without_a_laboratory_files_nothing(client_for, people, is_problem):
    people.submitter.memberships.update(is_active=False)
    client = client_for(people.submitter)
    is_problem(client.post("/api/v1/cases/", NEW_CASE), 403, "not_allowed")
    assert client.get("/api/v1/me/").json()["memberships"] == []
