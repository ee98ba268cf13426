"""The FHIR bundle: valid, complete, the same each time, and without a guessed code."""

import json
from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import translation
from fhir.resources.R4B.bundle import Bundle
from pytest_django.fixtures import Settings

from portal.accounts.choices import Role
from portal.accounts.models import Laboratory, User
from portal.cases.choices import Specimen
from portal.cases.models import Case
from portal.inference import services as inference
from portal.inference.models import ModelVersion
from portal.intake import services as cases
from portal.reading.policy.services import set_policy
from portal.reports import codes
from portal.reports.fhir import bundle_json
from portal.reports.services import amend, sign
from portal.reports.versions import signed_version
from smear.contract import Message
from tests.documents import Document
from tests.factories import PASSWORD, analysed, draft, member, read, signed
from tests.portal.kinds import People, present

pytestmark = pytest.mark.django_db

SITE = "https://hemalens.example"


@pytest.fixture(autouse=True)
def _fresh_cache(settings: Settings) -> None:
    settings.SITE_URL = SITE
    cache.clear()


@pytest.fixture
def twice_read(people: People, lab: Laboratory, model: ModelVersion) -> Case:
    """Ready to sign: two photographs, a first reader who changed the answer, and a second one."""
    set_policy(people.lab_admin, lab, second_read="always")
    waiting = analysed(people.submitter, lab, images=2, stain="giemsa", magnification="100x")
    case = read(people.reviewer, waiting, "Early", end="Pre")
    return read(member(lab, Role.REVIEWER, full_name="Omar Other"), case, "Pre", confidence="low")


def bundle_of(user: User, case: Case, wanted: int | None = None) -> Document:
    bundle: Document = json.loads(bundle_json(signed_version(user, case.pk, wanted)))
    return bundle


def resources(bundle: Document, kind: str) -> list[Document]:
    return [one["resource"] for one in bundle["entry"] if one["resource"]["resourceType"] == kind]


def components(observation: Document, code: str) -> list[Document]:
    return [
        part
        for part in observation["component"]
        if any(coding["code"] == code for coding in part["code"]["coding"])
    ]


def test_it_is_valid_and_every_reference_leads_somewhere(twice_read: Case, people: People) -> None:
    sign(people.reviewer, twice_read, secret=PASSWORD)
    made = bundle_of(people.submitter, twice_read)
    again = Bundle.model_validate_json(json.dumps(made))
    assert json.loads(again.model_dump_json()) == made
    assert made["type"] == "collection"
    addresses = [one["fullUrl"] for one in made["entry"]]
    assert len(addresses) == len(set(addresses))
    wanted = {found for found in _references(made) if found.startswith("urn:uuid:")}
    assert wanted <= set(addresses)
    # All but the signature is reached from the report.
    unreached = set(addresses) - wanted
    assert {one["resource"]["resourceType"] for one in made["entry"] if one["fullUrl"] in unreached} == {
        "Provenance"
    }


def _references(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        for key, value in part.items():
            yield from [value] if key == "reference" else _references(value)
    elif isinstance(part, list):
        for one in part:
            yield from _references(one)


def test_the_report_and_its_signature(twice_read: Case, people: People, lab: Laboratory) -> None:
    diagnosis = sign(people.reviewer, twice_read, secret=PASSWORD, comment="Refer to oncology.")
    made = bundle_of(people.submitter, twice_read)
    (report,) = resources(made, "DiagnosticReport")
    assert report["status"] == "final"
    assert report["conclusion"].splitlines()[:2] == ["Pre-B ALL", "Refer to oncology."]
    assert report["conclusionCode"][0]["coding"][0]["code"] == "Pre"
    assert [one["value"] for one in report["identifier"]] == [twice_read.accession, diagnosis.sha256]
    assert (
        report["presentedForm"][0]["url"] == f"{SITE}{reverse('reports:pdf', args=[twice_read.pk])}?version=1"
    )
    (signature,) = resources(made, "Provenance")
    assert signature["target"][0]["reference"] == f"urn:uuid:{report['id']}"
    assert signature["entity"][0]["what"]["identifier"]["value"] == diagnosis.sha256
    assert signature["signature"][0]["who"]["display"] == people.reviewer.full_name
    assert {one.get("valueString") for one in signature["signature"][0]["extension"]} >= {diagnosis.meaning}
    # Names and a pseudonym: nothing more is known of anybody.
    (patient,) = resources(made, "Patient")
    assert set(patient) == {"resourceType", "id", "identifier"}
    assert [one["value"] for one in patient["identifier"]] == ["P-0815"]
    assert {frozenset(one) for one in resources(made, "Practitioner")} == {
        frozenset({"resourceType", "id", "name"})
    }


def test_people_and_model_speak_in_observations_of_their_own(
    twice_read: Case, people: People, model: ModelVersion
) -> None:
    sign(people.reviewer, twice_read, secret=PASSWORD)
    made = bundle_of(people.submitter, twice_read)
    said: dict[str, list[Document]] = {}
    for one in resources(made, "Observation"):
        said.setdefault(one["code"]["coding"][-1]["code"], []).append(one)
    first, second = said["read"]
    assert first["performer"][0]["display"] == people.reviewer.full_name
    assert first["valueCodeableConcept"]["text"] == "Pre-B ALL"
    assert components(first, "own-answer")[0]["valueCodeableConcept"]["text"] == "Early pre-B ALL"
    assert components(first, "model-seen")[0]["valueBoolean"] is False
    assert second["performer"][0]["display"] == "Omar Other"
    assert components(second, "confidence")[0]["valueCodeableConcept"]["coding"][0]["code"] == "low"
    assert [part["extension"][0]["valuePositiveInt"] for part in components(first, "image-answer")] == [1, 2]
    (of_case,) = said["preclassification"]
    (device,) = resources(made, "Device")
    assert of_case["device"]["reference"] == f"urn:uuid:{device['id']}"
    assert device["version"] == [{"value": "1"}]
    assert device["identifier"][0]["value"] == model.sha256
    probabilities = components(of_case, "probability")
    assert [part["code"]["coding"][1]["code"] for part in probabilities] == ["Benign", "Early", "Pre", "Pro"]
    assert sum(part["valueQuantity"]["value"] for part in probabilities) == pytest.approx(1)
    assert len(said["image-preclassification"]) == len(of_case["derivedFrom"]) == 2
    (specimen,) = resources(made, "Specimen")
    assert [one["code"] for one in specimen["type"]["coding"]] == ["119297000", "peripheral_blood"]


def test_an_amendment_carries_the_signatures_of_both_versions(twice_read: Case, people: People) -> None:
    first = sign(people.reviewer, twice_read, secret=PASSWORD)
    changed: Document = {
        "label": "Pro",
        "confidence": "high",
        "comment": "",
        "reason": "Flow cytometry came in.",
    }
    second = amend(people.reviewer, twice_read, **changed, secret=PASSWORD)
    made = bundle_of(people.submitter, twice_read)
    (report,) = resources(made, "DiagnosticReport")
    assert (report["status"], report["conclusionCode"][0]["coding"][0]["code"]) == ("amended", "Pro")
    newer, older = resources(made, "Provenance")
    assert newer["reason"][0]["text"] == "Flow cytometry came in."
    assert [(one["role"], one["what"]["identifier"]["value"]) for one in newer["entity"]] == [
        ("source", second.sha256),
        ("revision", first.sha256),
    ]
    assert older["target"][0]["identifier"]["value"] == first.sha256
    assert resources(bundle_of(people.submitter, twice_read, 1), "DiagnosticReport")[0]["status"] == "final"


def test_the_same_version_gives_the_same_bundle_in_any_language(twice_read: Case, people: People) -> None:
    sign(people.reviewer, twice_read, secret=PASSWORD)
    made = bundle_json(signed_version(people.submitter, twice_read.pk))
    with translation.override("es"):
        assert bundle_json(signed_version(people.reviewer, twice_read.pk)) == made


def test_things_that_last_keep_their_ids_from_report_to_report(
    people: People, lab: Laboratory, model: ModelVersion
) -> None:
    one, other = (signed(people.reviewer, analysed(people.submitter, lab)) for _turn in range(2))
    mine, theirs = (bundle_of(people.submitter, case) for case in (one, other))
    for kind in ("Patient", "Organization", "Device"):
        assert resources(mine, kind)[0]["id"] == resources(theirs, kind)[0]["id"]
    for kind in ("DiagnosticReport", "Specimen", "Practitioner", "Provenance"):
        assert resources(mine, kind)[0]["id"] != resources(theirs, kind)[0]["id"]


def test_without_the_model_s_answer_there_is_no_device(
    people: People, lab: Laboratory, model: ModelVersion
) -> None:
    case = cases.submit(people.submitter, draft(people.submitter, lab, specimen="other"))
    for job in case.jobs.all():
        inference.fail(present(inference.claim(job.pk, "test")), Message("model_away"), final=True)
    case.refresh_from_db()
    made = bundle_of(people.submitter, signed(people.reviewer, case))
    assert resources(made, "Device") == []
    (told,) = [one for one in resources(made, "Observation") if "dataAbsentReason" in one]
    assert told["status"] == "cancelled"
    assert [one["code"] for one in resources(made, "Specimen")[0]["type"]["coding"]] == ["other"]


def test_every_code_has_a_system_with_version_and_source() -> None:
    table = codes.table()
    for entry in (*table["codes"].values(), *table["specimens"].values()):
        assert table["systems"][entry["system"]].keys() == {"url", "version", "source"}
        assert all(table["systems"][entry["system"]].values())
        assert entry["code"]
        assert entry["display"]
    assert set(table["specimens"]) <= set(Specimen.values)


def test_it_is_downloaded_as_fhir(twice_read: Case, people: People, client: Client) -> None:
    sign(people.reviewer, twice_read, secret=PASSWORD)
    client.force_login(people.submitter)
    response = client.get(reverse("reports:fhir", args=[twice_read.pk]))
    assert response["Content-Type"] == "application/fhir+json"
    assert f'filename="{twice_read.accession}-v1.fhir.json"' in response["Content-Disposition"]
    assert json.loads(response.content)["resourceType"] == "Bundle"
