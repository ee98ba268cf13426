"""The report on paper: what it says, its tags, and what it must not read."""

import io
import re
import time
from pathlib import Path

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from portal.accounts.models import Laboratory
from portal.annotations.services import add_marker
from portal.cases.models import Case
from portal.inference.models import ModelVersion
from portal.reports import pdf
from portal.reports.models import Diagnosis
from portal.reports.services import amend, sign
from portal.reports.versions import signed_version
from tests.confined.servers import running
from tests.documents import Document
from tests.factories import PASSWORD, analysed, read, signed
from tests.portal.kinds import People, present
from tests.portal.pdf_text import objects_of, page_count, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh_cache() -> None:
    cache.clear()


@pytest.fixture
def case(people: People, lab: Laboratory, model: ModelVersion) -> Case:
    waiting = analysed(people.submitter, lab, images=2, clinical_note="Pancytopenia.")
    return read(people.reviewer, waiting, "Early", end="Pre")


def test_it_says_what_was_signed_and_how_to_verify_it(case: Case, people: People, settings: Settings) -> None:
    settings.SITE_URL = "https://hemalens.example"
    diagnosis = sign(people.reviewer, case, secret=PASSWORD, comment="Refer to oncology.")
    words = text_of(pdf.render(signed_version(people.submitter, case.pk)))
    for expected in (
        case.accession,
        case.laboratory.name,
        "P-0815",
        "Pre-B ALL",
        "Refer to oncology.",
        "Pancytopenia.",
        "Early pre-B ALL",  # the reader's own answer, before the model's was shown
        "changed",
        "Looked again.",
        "leukemia_vgg16",
        "Research use only",
        people.reviewer.full_name,
        "I have reviewed this case",
        "1 / ",
    ):
        assert expected in words, expected
    unbroken = re.sub(r"\s", "", words)
    assert diagnosis.sha256 in unbroken
    assert f"https://hemalens.example/reports/verify/{diagnosis.sha256}/" in unbroken


def test_it_is_tagged_for_screen_readers(case: Case, people: People) -> None:
    sign(people.reviewer, case, secret=PASSWORD)
    objects = objects_of(pdf.render(signed_version(people.submitter, case.pk)))
    made = b"\n".join(objects.values())
    for expected in (
        b"/MarkInfo <</Marked true>>",
        b"/StructTreeRoot",
        b"/Lang (en)",
        b"/DisplayDocTitle true",
    ):
        assert expected in made, expected
    assert f"/Title (Report {case.accession}, version 1)".encode() in made
    # Both photographs and the QR code are figures with words for those who do not see them.
    assert made.count(b"/S /Figure") == 3 == made.count(b"/Alt (")


def test_an_amendment_shows_its_reason_and_what_changed(case: Case, people: People) -> None:
    first = sign(people.reviewer, case, secret=PASSWORD)
    amend(
        people.reviewer,
        case,
        label="Pro",
        confidence="high",
        comment="",
        reason="Flow cytometry came in.",
        secret=PASSWORD,
    )
    words = text_of(pdf.render(signed_version(people.submitter, case.pk)))
    assert "Changed since version 1" in words
    assert "Flow cytometry came in." in words
    assert "Pre-B ALL" in words
    assert "Pro-B ALL" in words
    assert first.sha256 in re.sub(r"\s", "", words)
    old = text_of(pdf.render(signed_version(people.submitter, case.pk, 1)))
    assert "Version 2 is the newest" in old
    assert "Pro-B ALL" not in old


def test_marked_places_and_the_scale_are_on_it(people: People, lab: Laboratory, model: ModelVersion) -> None:
    waiting = analysed(people.submitter, lab)
    waiting.microns_per_pixel = 0.065
    waiting.save(update_fields=["microns_per_pixel"])
    add_marker(people.submitter, waiting.images.get(), x=0.25, y=0.5, note="Nucleolus here.")
    signed(people.reviewer, waiting)
    words = text_of(pdf.render(signed_version(people.submitter, waiting.pk)))
    for expected in ("Marked places", "Nucleolus here.", "25.0 %", "50.0 %", "0.065"):
        assert expected in words, expected


def test_a_dozen_photographs_fit_two_pages(people: People, lab: Laboratory, model: ModelVersion) -> None:
    case = signed(people.reviewer, analysed(people.submitter, lab, images=12))
    assert page_count(pdf.render(signed_version(people.submitter, case.pk))) == 2


def test_long_words_are_laid_out_within_seconds(case: Case, people: People) -> None:
    """Breaking "anywhere" took WeasyPrint a minute for one long comment in a table."""
    note = "Blasts with scant cytoplasm. " * 130
    sign(people.reviewer, case, secret=PASSWORD)
    changed: Document = {"label": "Pro", "confidence": "high", "comment": note, "reason": note[:1900]}
    amend(people.reviewer, case, **changed, secret=PASSWORD)
    version = signed_version(people.submitter, case.pk)
    started = time.monotonic()
    assert page_count(pdf.render(version)) <= 6
    assert time.monotonic() - started < 30


def test_words_that_look_like_html_stay_words(people: People, lab: Laboratory, model: ModelVersion) -> None:
    note = '<img src="file:///etc/hostname"><b>bold</b>'
    case = signed(people.reviewer, analysed(people.submitter, lab, clinical_note=note))
    assert note in re.sub(r"\s+", " ", text_of(pdf.render(signed_version(people.submitter, case.pk))))


def test_a_lost_thumbnail_leaves_a_note(case: Case, people: People) -> None:
    sign(people.reviewer, case, secret=PASSWORD)
    image = present(case.images.first())
    image.thumbnail.storage.delete(present(image.thumbnail.name))
    assert "file is missing" in text_of(pdf.render(signed_version(people.submitter, case.pk)))


def test_the_page_says_in_words_when_no_pdf_can_be_made(
    case: Case, people: People, client: Client, settings: Settings, tmp_path: Path
) -> None:
    sign(people.reviewer, case, secret=PASSWORD)
    address = reverse("reports:pdf", args=[case.pk])

    (tmp_path / "weasyprint.py").write_text("raise OSError(\"cannot load library 'libpango-1.0-0'\")")
    settings.CONFINED_SOCKETS = tmp_path
    client.force_login(people.submitter)
    with running("paper", tmp_path, PYTHONPATH=str(tmp_path)):
        response = client.get(address)
    assert response.status_code == 503
    assert b"libpango-1.0-0" in response.content


def test_a_report_that_was_tampered_with_is_not_handed_out(
    case: Case, people: People, client: Client
) -> None:
    diagnosis = sign(people.reviewer, case, secret=PASSWORD)
    changed = Diagnosis(
        case=case,
        version=2,
        read=diagnosis.read,
        label="Benign",
        confidence="high",
        signed_by=people.reviewer,
        content=diagnosis.content | {"notice": "another"},
        sha256="0" * 64,
        model_record=diagnosis.model_record,
    )
    changed.save()
    client.force_login(people.submitter)
    for name in ("pdf", "fhir", "content"):
        response = client.get(reverse(f"reports:{name}", args=[case.pk]))
        assert response.status_code == 409, name
        assert b"no longer what was signed" in response.content
        assert client.get(reverse(f"reports:{name}", args=[case.pk]), {"version": 1}).status_code == 200


def test_it_opens_in_the_browser_under_its_own_name(case: Case, people: People, client: Client) -> None:
    sign(people.reviewer, case, secret=PASSWORD)
    client.force_login(people.submitter)
    response = client.get(reverse("reports:pdf", args=[case.pk]))
    assert response["Content-Type"] == "application/pdf"
    assert f'inline; filename="{case.accession}-v1.pdf"' in response["Content-Disposition"]
    assert io.BytesIO(response.content).read(5) == b"%PDF-"
