"""Reading through the API: claims, the own answer, the conclusion, second reads, adjudication, signing, amending."""

import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from portal.accounts.choices import Role
from portal.accounts.models import Laboratory
from portal.api.framework import SignThrottle
from portal.cases.models import Case
from portal.inference.models import ModelVersion
from portal.reading.models import Claim
from portal.reading.policy.services import set_policy
from tests.documents import Document
from tests.factories import PASSWORD, analysed, claimed, draft, member, read, signed
from tests.portal.kinds import ClientFor, Clients, IsProblem, People, PersonClient, present

CASES = "/api/v1/cases/"
OWN: Document = {"label": "Pre", "confidence": "high"}


@pytest.fixture
def case(people: People, lab: Laboratory, model: ModelVersion) -> Case:
    return analysed(people.submitter, lab, images=2)


@pytest.fixture
def second(lab: Laboratory, client_for: ClientFor) -> PersonClient:
    return client_for(member(lab, Role.REVIEWER))


@pytest.fixture
def third(lab: Laboratory, client_for: ClientFor) -> PersonClient:
    return client_for(member(lab, Role.REVIEWER))


def at(case: Case, action: str = "") -> str:
    return f"{CASES}{case.pk}/{action}"


def stand(client: APIClient, case: Case) -> tuple[str, str | None]:
    """The case's state, and who has it in hand."""
    shown = client.get(at(case)).json()
    return shown["state"], shown["claim"] and shown["claim"]["reader"]


def test_a_case_is_in_one_pair_of_hands(
    clients: Clients, second: PersonClient, case: Case, is_problem: IsProblem
) -> None:
    name = clients.reviewer.user.full_name
    assert clients.reviewer.post(at(case, "claim/")).json()["claim"]["reader"] == name
    longer = clients.reviewer.post(at(case, "claim/")).json()["claim"]
    assert longer["expires_at"] > longer["claimed_at"]
    assert name in is_problem(second.post(at(case, "claim/")), 409, "claimed")["detail"]
    is_problem(second.post(at(case, "release/")), 409, "claimed")
    assert second.post(f"{CASES}next/").status_code == 204
    assert second.post(at(case, "take-over/")).json()["claim"]["reader"] == second.user.full_name
    is_problem(clients.reviewer.post(at(case, "reads/"), OWN), 409, "claimed")
    assert second.post(at(case, "release/")).json()["state"] == "awaiting_read"
    assert stand(clients.submitter, case) == ("awaiting_read", None)
    is_problem(second.post(at(case, "release/")), 409, "not_claimed")


def test_the_list_says_who_has_a_case_and_whose_it_is(clients: Clients, case: Case) -> None:
    clients.reviewer.post(at(case, "claim/"))
    (entry,) = clients.submitter.get(CASES).json()["results"]
    assert (entry["claim"]["reader"], entry["assigned_to"], entry["round"]) == (
        clients.reviewer.user.full_name,
        None,
        1,
    )


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({"label": "Leukaemia"}, "invalid", "label"),
        ({"label": "pre"}, "invalid", "label"),
        ({"label": ...}, "invalid", "label"),
        ({"confidence": "certain"}, "invalid", "confidence"),
        ({"comment": "x" * 4001}, "invalid", "comment"),
        ({"reader": "me"}, "invalid", "reader"),
        ({"seconds": -1}, "invalid", "seconds"),
        ({"seconds": 1e12}, "invalid", "seconds"),
        ({"images": {"first": "Pre"}}, "invalid", "images"),
        ({"images": {str(uuid.uuid4()): "Pre"}}, "invalid", "images"),
        ({"images": ["Pre"]}, "invalid", "images"),
    ],
)
def test_a_read_that_cannot_be_taken(
    body: Document, code: str, field: str, clients: Clients, case: Case, is_problem: IsProblem
) -> None:
    claimed(clients.reviewer.user, case)
    entered = {name: value for name, value in (OWN | body).items() if value is not ...}
    problem = is_problem(clients.reviewer.post(at(case, "reads/"), entered), 400, code)
    assert list(problem["errors"]) == [field]
    shown = clients.reviewer.get(at(case)).json()
    assert (shown["state"], shown["reads"], shown["diagnosis"]) == ("in_reading", [], None)


def test_an_answer_of_an_image_is_one_of_the_answers(
    clients: Clients, case: Case, is_problem: IsProblem
) -> None:
    claimed(clients.reviewer.user, case)
    images = {str(present(case.images.first()).pk): "Leukaemia"}
    problem = is_problem(clients.reviewer.post(at(case, "reads/"), OWN | {"images": images}), 400)
    assert "Leukaemia" in problem["detail"]


def test_nothing_is_stored_twice(clients: Clients, case: Case, is_problem: IsProblem) -> None:
    client = clients.reviewer
    is_problem(client.post(at(case, "reads/"), OWN), 409, "not_claimed")
    client.post(at(case, "claim/"))
    is_problem(client.post(at(case, "conclusion/"), OWN), 409, "wrong_state")
    is_problem(client.post(at(case, "sign/"), {"secret": PASSWORD}), 409, "wrong_state")
    assert client.post(at(case, "reads/"), OWN).status_code == 201
    again = is_problem(client.post(at(case, "reads/"), OWN), 409, "wrong_state")
    assert "already stored" in again["detail"]
    assert client.post(at(case, "conclusion/"), OWN).status_code == 201
    assert "stored" in is_problem(client.post(at(case, "reads/"), OWN), 409, "wrong_state")["detail"]
    again = is_problem(client.post(at(case, "conclusion/"), OWN), 409, "wrong_state")
    assert "already concluded" in again["detail"]
    assert client.post(at(case, "sign/"), {"secret": PASSWORD}).status_code == 201
    is_problem(client.post(at(case, "sign/"), {"secret": PASSWORD}), 409, "wrong_state")
    shown = client.get(at(case)).json()
    assert (len(shown["reads"]), shown["diagnosis"]["version"]) == (1, 1)


@pytest.mark.parametrize("label", ["none_of_these", "unsuitable_image", "Early"])
def test_standing_against_the_model_needs_a_reason(
    label: str, clients: Clients, case: Case, is_problem: IsProblem
) -> None:
    own = {"label": label, "confidence": "low"}
    clients.reviewer.post(at(case, "claim/"))
    clients.reviewer.post(at(case, "reads/"), own)
    problem = is_problem(clients.reviewer.post(at(case, "conclusion/"), own), 400, "reason_required")
    assert list(problem["errors"]) == ["reason"]
    kept = clients.reviewer.post(at(case, "conclusion/"), own | {"reason": "Smudge cells only."}).json()
    assert (kept["label"], kept["conclusion"]["label"], kept["model_label"]) == (label, label, "Pre")
    assert stand(clients.reviewer, case) == ("ready_to_sign", None)


def test_concurrent_reading_is_concluded_at_once(
    clients: Clients, people: People, lab: Laboratory, case: Case, is_problem: IsProblem
) -> None:
    set_policy(people.lab_admin, lab, blindness="concurrent")
    taken = clients.reviewer.post(at(case, "claim/")).json()
    assert (taken["blinded"], taken["preclassification"]["label"]) == (False, "Pre")
    other = {"label": "Early", "confidence": "high"}
    is_problem(clients.reviewer.post(at(case, "reads/"), other), 400, "reason_required")
    stored = clients.reviewer.post(at(case, "reads/"), other | {"comment": "Fine chromatin."}).json()
    assert (stored["reveal"], stored["model_seen"], stored["conclusion"]["label"]) == (None, True, "Early")


def test_without_a_model_there_is_nothing_to_reveal(
    clients: Clients, people: People, lab: Laboratory
) -> None:
    case = draft(people.submitter, lab)
    clients.submitter.post(at(case, "submit/"))
    clients.reviewer.post(at(case, "claim/"))
    stored = clients.reviewer.post(at(case, "reads/"), OWN).json()
    assert (stored["reveal"], stored["model_label"], stored["conclusion"]["label"]) == (None, "", "Pre")


def test_two_answers_go_to_a_third_who_sees_both(
    clients: Clients,
    people: People,
    lab: Laboratory,
    case: Case,
    second: PersonClient,
    third: PersonClient,
    is_problem: IsProblem,
) -> None:
    set_policy(people.lab_admin, lab, second_read="always")
    read(people.reviewer, case, "Pre")
    assert second.post(f"{CASES}next/").json()["reads"] == []
    second.post(at(case, "reads/"), {"label": "Benign", "confidence": "high"})
    assert [one["kind"] for one in second.get(at(case)).json()["reads"]] == ["second"]
    second.post(at(case, "conclusion/"), {"label": "Benign", "confidence": "high", "reason": "Mature."})
    assert [one["kind"] for one in second.get(at(case)).json()["reads"]] == ["first", "second"]
    decision = {"label": "Pre", "confidence": "high", "reason": "Blasts in every field."}
    is_problem(third.post(at(case, "adjudication/"), decision), 409, "not_claimed")
    is_problem(second.post(at(case, "claim/")), 403, "not_allowed")
    before, after = third.get(at(case)).json(), third.post(at(case, "claim/")).json()
    assert (before["reads"], before["blinded"], before["preclassification"]) == ([], True, None)
    assert [one["label"] for one in after["reads"]] == ["Pre", "Benign"]
    assert after["preclassification"]["label"] == "Pre"
    problem = is_problem(third.post(at(case, "adjudication/"), decision | {"reason": ""}), 400)
    assert list(problem["errors"]) == ["reason"]
    decided = third.post(at(case, "adjudication/"), decision).json()
    assert (decided["kind"], decided["comment"], decided["model_seen"]) == (
        "adjudication",
        decision["reason"],
        True,
    )
    is_problem(third.post(at(case, "adjudication/"), decision), 409, "wrong_state")
    assert stand(clients.submitter, case) == ("ready_to_sign", None)


def test_a_returned_case_comes_back_in_a_new_round(
    clients: Clients, case: Case, is_problem: IsProblem
) -> None:
    clients.reviewer.post(at(case, "claim/"))
    is_problem(clients.reviewer.post(at(case, "return/"), {"missing": " "}), 400, "invalid")
    returned = clients.reviewer.post(at(case, "return/"), {"missing": "The feathered edge."}).json()
    assert (returned["state"], returned["returned"]["missing"]) == ("returned", "The feathered edge.")
    shown = clients.submitter.get(at(case)).json()["returned"]
    assert shown["returned_by"] == clients.reviewer.user.full_name
    clients.submitter.patch(at(case), {"clinical_note": "Feathered edge is in field 2."})
    again = clients.submitter.post(at(case, "submit/")).json()
    assert (again["round"], again["returned"]) == (2, None)


def test_signing_asks_for_the_secret(
    clients: Clients, people: People, case: Case, is_problem: IsProblem, settings: Settings
) -> None:
    read(people.reviewer, case)
    address = at(case, "sign/")
    is_problem(clients.reviewer.post(address, {}), 400, "invalid")
    for _ in range(settings.SIGN_ATTEMPTS):
        problem = is_problem(clients.reviewer.post(address, {"secret": "guess"}), 400, "wrong_secret")
        assert "guess" not in str(problem)
    response = clients.reviewer.post(address, {"secret": PASSWORD})
    is_problem(response, 429, "too_many_attempts")
    assert 0 < int(response["Retry-After"]) <= settings.SIGN_LOCK_SECONDS
    assert stand(clients.reviewer, case) == ("ready_to_sign", None)


def test_signatures_are_slowed_down(
    clients: Clients, people: People, case: Case, is_problem: IsProblem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SignThrottle, "rate", "1/min")
    read(people.reviewer, case)
    is_problem(clients.reviewer.post(at(case, "sign/"), {"secret": "guess"}), 400)
    response = clients.reviewer.post(at(case, "sign/"), {"secret": PASSWORD})
    is_problem(response, 429, "throttled")
    assert clients.reviewer.get(at(case, "reports/")).json() == []


def test_amending_makes_a_version(
    clients: Clients, people: People, case: Case, is_problem: IsProblem
) -> None:
    signed(people.reviewer, case)
    amendment = {"label": "Early", "confidence": "high", "comment": "", "secret": PASSWORD}
    is_problem(clients.reviewer.post(at(case, "amend/"), amendment), 400, "invalid")
    reason = {"reason": "Immunophenotype arrived."}
    second = clients.reviewer.post(at(case, "amend/"), amendment | reason)
    assert (second.status_code, second.json()["version"], second.json()["reason"]) == (
        201,
        2,
        reason["reason"],
    )
    versions = clients.submitter.get(at(case, "reports/")).json()
    assert [(one["version"], one["label"]) for one in versions] == [(2, "Early"), (1, "Pre")]
    assert len({one["sha256"] for one in versions}) == 2
    assert clients.submitter.get(at(case)).json()["diagnosis"] == second.json()
    is_problem(clients.reviewer.post(at(case, "amend/"), amendment | reason), 400, "invalid")


def test_an_urgent_finding_is_acknowledged_by_whom_it_names(
    clients: Clients, people: People, case: Case, is_problem: IsProblem
) -> None:
    signed(people.reviewer, case)
    (alert,) = clients.reviewer.get("/api/v1/alerts/?open=true").json()["results"]
    assert (alert["case"], alert["label"], alert["person"]) == (
        str(case.pk),
        "Pre",
        people.submitter.full_name,
    )
    assert clients.reviewer.get("/api/v1/alerts/?mine=true").json()["results"] == []
    assert clients.stranger.get("/api/v1/alerts/").json()["results"] == []
    address = f"/api/v1/alerts/{alert['id']}/acknowledge/"
    is_problem(clients.reviewer.post(address, {}), 403, "not_allowed")
    done = clients.submitter.post(address, {"note": "Ward 3 informed."}).json()
    assert (done["note"], done["acknowledged_at"] is not None) == ("Ward 3 informed.", True)
    is_problem(clients.submitter.post(address, {}), 409, "wrong_state")
    assert clients.reviewer.get("/api/v1/alerts/?open=true").json()["results"] == []
    assert len(clients.reviewer.get("/api/v1/alerts/?open=false").json()["results"]) == 1


def test_the_policy_of_a_laboratory(
    clients: Clients, people: People, lab: Laboratory, is_problem: IsProblem
) -> None:
    address = f"/api/v1/laboratories/{lab.slug}/reading-policy/"
    policy = clients.reviewer.get(address).json()
    assert policy == {
        "blindness": "blind",
        "second_read": "never",
        "second_read_share": 10,
        "claim_minutes": 30,
        "alert_contact": None,
    }
    changed = policy | {"second_read": "share", "alert_contact": people.reviewer.email}
    assert clients.lab_admin.put(address, changed).json() == changed
    assert clients.submitter.get(address).json() == changed
    for wrong in (
        {"blindness": "open"},
        {"second_read_share": 0},
        {"claim_minutes": "soon"},
        {"alert_contact": people.stranger.email},
        {"colour": "red"},
    ):
        problem = is_problem(clients.lab_admin.put(address, policy | wrong), 400, "invalid")
        assert list(problem["errors"]) == list(wrong)
    assert set(is_problem(clients.lab_admin.put(address, {}), 400)["errors"]) == set(policy)
    assert clients.submitter.get(address).json() == changed


def test_a_readers_queries_do_not_grow_with_what_is_shown(
    clients: Clients, people: People, lab: Laboratory, model: ModelVersion, second: PersonClient
) -> None:
    def queries(client: APIClient, address: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(address).status_code == 200
        return len(captured)

    set_policy(people.lab_admin, lab, second_read="always")
    small = read(people.reviewer, analysed(people.submitter, lab))
    large = read(people.reviewer, analysed(people.submitter, lab, images=4))
    for client in (clients.reviewer, second):
        # Who is shown an answer for the first time is recorded.
        for case in (large, small):
            client.get(at(case))
        for action in ("", "images/"):
            assert queries(client, at(large, action)) == queries(client, at(small, action))


def test_a_claim_that_ran_out_is_no_longer_shown(
    clients: Clients, people: People, lab: Laboratory, model: ModelVersion
) -> None:
    case = claimed(people.reviewer, analysed(people.submitter, lab))
    url = f"/api/v1/cases/{case.pk}/"
    assert clients.submitter.get(url).json()["claim"]["reader"] == people.reviewer.full_name
    Claim.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert clients.submitter.get(url).json()["claim"] is None
