"""A case from filing to diagnosis through the API. Only the hand-over to the broker is staged."""

import io

import pytest
from PIL import Image
from rest_framework.test import APIClient

from portal.accounts.models import Laboratory
from portal.inference import services as inference
from portal.inference.models import Job, ModelVersion
from tests.documents import Document
from tests.factories import PASSWORD, analysed, answer, draft, photograph
from tests.portal.kinds import Clients, IsProblem, OnCommit, People, PersonClient, Sent, present

CASES = "/api/v1/cases/"


@pytest.fixture
def address(clients: Clients, lab: Laboratory) -> str:
    """A draft with two photographs."""
    entry = {"patient_pseudonym": "P-0815", "specimen": "peripheral_blood", "priority": "stat"}
    address = f"{CASES}{clients.submitter.post(CASES, entry).json()['id']}/"
    for seed in (1, 2):
        response = clients.submitter.post(f"{address}images/", {"file": photograph(seed)}, format="multipart")
        assert (response.status_code, response.json()["position"]) == (201, seed)
    return address


def submit(
    client: APIClient, address: str, model: ModelVersion, sent: Sent, on_commit: OnCommit
) -> list[Job]:
    """Submits the case; one job for each photograph is handed to the broker."""
    with on_commit(execute=True):
        submitted = client.post(f"{address}submit/")
    assert (submitted.status_code, submitted.json()["state"]) == (200, "submitted")
    jobs = list(Job.objects.order_by("image__position"))
    assert [(job.state, job.model_version) for job in jobs] == [("queued", model)] * 2
    assert sent == [("worker.classify", [job.pk]) for job in jobs]
    waiting = client.get(address).json()["images"]
    assert [(image["job"]["state"], image["prediction"]) for image in waiting] == [("queued", None)] * 2
    return jobs


def classify(jobs: list[Job]) -> None:
    outputs = [answer(0.05, 0.1, 0.8, 0.05), answer(0.1, 0.2, 0.6, 0.1, outlier_score=9.0)]
    for job, output in zip(jobs, outputs, strict=True):
        attempt = present(inference.claim(job.pk, "test"))
        inference.record(attempt, output)


def shows_the_answer(case: Document, model: ModelVersion) -> None:
    assert case["state"] == "awaiting_read"
    first, second = (image["prediction"] for image in case["images"])
    assert (first["label"], first["refer"], second["refer"]) == ("Pre", False, True)
    assert first["probabilities"] == pytest.approx({"Benign": 0.05, "Early": 0.1, "Pre": 0.8, "Pro": 0.05})
    assert first["model"] == {"name": model.name, "version": model.version, "sha256": model.sha256}
    assert (first["outlier_score"], first["seconds"]) == (0.5, 0.2)
    overall = case["preclassification"]
    assert (overall["label"], overall["images"], overall["refer"]) == ("Pre", 2, True)
    assert overall["counts"] == {"Benign": 0, "Early": 0, "Pre": 2, "Pro": 0}
    assert (case["reads"], case["diagnosis"]) == ([], None)


def read_blind(reviewer: PersonClient, address: str, case: Document) -> Document:
    """Takes the case, answers, sees the model's answer and changes the own one; returns the other photographs'."""
    blind = reviewer.post(f"{CASES}next/").json()
    assert (blind["id"], blind["state"], blind["blinded"]) == (case["id"], "in_reading", True)
    assert blind["claim"]["reader"] == reviewer.user.full_name
    hidden = (blind["preclassification"], [image["prediction"] for image in blind["images"]])
    assert hidden == (None, [None] * 2)
    images = {blind["images"][1]["id"]: "Early"}
    answered = {"label": "Early", "confidence": "low", "comment": "Clear.", "images": images, "seconds": 30.5}
    read = reviewer.post(f"{address}reads/", answered)
    assert read.status_code == 201
    stored = read.json()
    assert stored["reveal"] == case["preclassification"]
    assert (stored["model_label"], stored["model_seen"], stored["conclusion"]) == ("Pre", False, None)
    return images


def conclude(reviewer: PersonClient, address: str) -> Document:
    change = {"label": "Pre", "confidence": "high", "reason": "Coarser than I thought.", "seconds": 4.0}
    concluded = reviewer.post(f"{address}conclusion/", change)
    assert concluded.status_code == 201
    assert concluded.json()["conclusion"] | change == concluded.json()["conclusion"]
    document: Document = concluded.json()
    return document


def test_from_filing_to_diagnosis(
    clients: Clients,
    model: ModelVersion,
    sent: Sent,
    address: str,
    django_capture_on_commit_callbacks: OnCommit,
) -> None:
    submitter, reviewer = clients.submitter, clients.reviewer
    classify(submit(submitter, address, model, sent, django_capture_on_commit_callbacks))
    case = submitter.get(address).json()
    shows_the_answer(case, model)
    images = read_blind(reviewer, address, case)
    concluded = conclude(reviewer, address)
    assert submitter.get(address).json()["reads"] == []
    signed = reviewer.post(f"{address}sign/", {"secret": PASSWORD, "comment": "Blasts throughout."})
    assert signed.status_code == 201, signed.json()
    for client in (reviewer, submitter):
        case = client.get(address).json()
        assert (case["state"], case["blinded"], case["claim"]) == ("reported", False, None)
        assert case["reads"] == [concluded]
        assert case["reads"][0]["images"] == {case["images"][0]["id"]: "Early"} | images
        assert case["diagnosis"] == signed.json()
        assert client.get(f"{address}reports/").json() == [signed.json()]
    said = case["diagnosis"]
    assert (said["label"], said["confidence"], said["comment"]) == ("Pre", "high", "Blasts throughout.")
    assert (said["version"], said["signed_by"], said["method"]) == (1, reviewer.user.full_name, "password")
    assert len(said["sha256"]) == 64


def test_an_empty_case_is_not_submitted(
    clients: Clients, people: People, lab: Laboratory, is_problem: IsProblem
) -> None:
    case = draft(people.submitter, lab, images=0)
    problem = is_problem(clients.submitter.post(f"{CASES}{case.pk}/submit/"), 400, "no_images")
    assert "at least one photograph" in problem["detail"]
    assert clients.submitter.get(f"{CASES}{case.pk}/").json()["state"] == "draft"


def test_without_a_model_the_case_says_why_it_has_no_answer(
    clients: Clients, people: People, lab: Laboratory
) -> None:
    case = draft(people.submitter, lab)
    body = clients.submitter.post(f"{CASES}{case.pk}/submit/").json()
    assert (body["state"], body["preclassification"]) == ("awaiting_read", None)
    assert body["no_preclassification_reason"] == "Pre-classification is switched off."
    assert (body["images"][0]["job"], body["images"][0]["prediction"]) == (None, None)


def test_activation_maps_are_pictures_by_class(
    clients: Clients, people: People, lab: Laboratory, model: ModelVersion, is_problem: IsProblem
) -> None:
    case = analysed(people.submitter, lab)
    address = f"{CASES}{case.pk}/images/{case.images.get().pk}/activation-map/"
    own = clients.submitter.get(address)
    assert own["Content-Type"] == "image/png"
    with Image.open(io.BytesIO(own.content)) as picture:
        assert picture.mode == "RGBA"
    assert clients.submitter.get(f"{address}?label=Pre").content == own.content
    assert clients.submitter.get(f"{address}?label=Pro").content != own.content
    is_problem(clients.submitter.get(f"{address}?label=none_of_these"), 400, "invalid")
    waiting = draft(people.submitter, lab)
    image = waiting.images.get().pk
    is_problem(clients.submitter.get(f"{CASES}{waiting.pk}/images/{image}/activation-map/"), 404, "not_found")


def test_model_versions_come_with_their_cards(clients: Clients, model: ModelVersion) -> None:
    listed = clients.submitter.get("/api/v1/models/").json()["results"]
    assert [(entry["name"], entry["is_active"], entry["card"]) for entry in listed] == [
        (model.name, True, model.card)
    ]
