"""The page that says whether a hash belongs to a signed report; and who may fetch a report's other forms."""

import hashlib
import json

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from portal.accounts.models import Laboratory, User
from portal.cases.models import Case
from portal.inference.models import ModelVersion
from portal.reports.services import amend
from tests.documents import Document
from tests.factories import PASSWORD, analysed, signed
from tests.portal.kinds import PageResponse, People

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh_cache() -> None:
    cache.clear()


@pytest.fixture
def case(people: People, lab: Laboratory, model: ModelVersion) -> Case:
    return signed(people.reviewer, analysed(people.submitter, lab))


def page_of(client: Client, person: User, sha256: str) -> PageResponse:
    client.force_login(person)
    return client.get(reverse("verify:hash", args=[sha256]))


def test_a_genuine_report(client: Client, case: Case, people: People) -> None:
    response = page_of(client, people.submitter, case.diagnoses.get().sha256)
    assert response.status_code == 200
    words = response.content.decode()
    for expected in ("This report is genuine.", case.accession, people.reviewer.full_name, "Pre-B ALL"):
        assert expected in words
    assert "is the newest" not in words


def test_an_amended_version_points_to_the_newest(client: Client, case: Case, people: People) -> None:
    first = case.diagnoses.get()
    changed: Document = {"label": "Pro", "confidence": "high", "comment": "", "reason": "Flow cytometry."}
    amend(people.reviewer, case, **changed, secret=PASSWORD)
    words = page_of(client, people.submitter, first.sha256).content.decode()
    assert "This report is genuine." in words
    assert "version 2 is the newest" in words


def test_another_laboratory_s_report_looks_like_none(client: Client, case: Case, people: People) -> None:
    foreign = page_of(client, people.stranger, case.diagnoses.get().sha256)
    unknown = page_of(client, people.stranger, "0" * 64)
    assert foreign.status_code == unknown.status_code == 404
    shown = foreign.content.decode().replace(case.diagnoses.get().sha256, "0" * 64)
    assert _without_token(shown) == _without_token(unknown.content.decode())
    assert case.accession not in shown
    assert "the paper was not signed in a laboratory of yours" in shown


def _without_token(words: str) -> list[str]:
    return [line for line in words.splitlines() if "csrf" not in line]


def test_a_changed_content_is_found_out(client: Client, case: Case, people: People) -> None:
    signed_one = case.diagnoses.get()
    signed_one.pk, signed_one.version = None, 2
    signed_one.content["conclusion"]["label"] = "Benign"
    signed_one.sha256 = "f" * 64
    signed_one.save(force_insert=True)
    response = page_of(client, people.submitter, "f" * 64)
    assert b"no longer what was signed" in response.content
    assert b"genuine" not in response.content


def test_a_visitor_signs_in_first_and_comes_back(client: Client, case: Case) -> None:
    address = reverse("verify:hash", args=[case.diagnoses.get().sha256])
    response = client.get(address)
    assert response.status_code == 302
    assert response["Location"].endswith(f"next={address}")


@pytest.mark.parametrize("form", ["{}", " {} ", "https://x.example/reports/verify/{}/", "spaced", "UPPER"])
def test_a_hash_is_taken_as_people_paste_it(client: Client, case: Case, people: People, form: str) -> None:
    sha256 = case.diagnoses.get().sha256
    client.force_login(people.submitter)
    blocks = " ".join(sha256[place : place + 8] for place in range(0, 64, 8))
    entered = {"spaced": blocks, "UPPER": sha256.upper()}.get(form, form.format(sha256))
    response = client.get(reverse("verify:form"), {"hash": entered})
    assert response["Location"] == reverse("verify:hash", args=[sha256])


@pytest.mark.parametrize("entered", ["", "abc", "g" * 64, "a" * 65])
def test_what_is_no_hash_is_refused_in_words(client: Client, people: People, entered: str) -> None:
    client.force_login(people.submitter)
    response = client.get(reverse("verify:form"), {"hash": entered})
    assert response.status_code == 422
    assert b"Paste the hash" in response.content or b"not a SHA-256" in response.content


@pytest.mark.parametrize("name", ["pdf", "fhir", "content"])
def test_who_may_have_a_report(client: Client, case: Case, people: People, name: str) -> None:
    address = reverse(f"reports:{name}", args=[case.pk])
    assert client.get(address).status_code == 302
    for person, status in (("submitter", 200), ("lab_admin", 200), ("stranger", 404)):
        client.force_login(getattr(people, person))
        assert client.get(address).status_code == status
    for wanted in ("2", "0", "x", "²"):
        client.force_login(people.submitter)
        assert client.get(address, {"version": wanted}).status_code == 404


@pytest.mark.parametrize("name", ["pdf", "fhir", "content"])
def test_an_unsigned_case_has_no_report(
    client: Client, people: People, lab: Laboratory, model: ModelVersion, name: str
) -> None:
    case = analysed(people.submitter, lab)
    client.force_login(people.reviewer)
    assert client.get(reverse(f"reports:{name}", args=[case.pk])).status_code == 404


def test_the_signed_content_is_what_was_hashed(client: Client, case: Case, people: People) -> None:
    client.force_login(people.submitter)
    content = client.get(reverse("reports:content", args=[case.pk])).content
    assert hashlib.sha256(content).hexdigest() == case.diagnoses.get().sha256
    assert json.loads(content)["report"]["accession"] == case.accession
