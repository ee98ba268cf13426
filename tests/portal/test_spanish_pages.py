"""A Spanish reader sees no English sentence: refusal, notice, quality, job error and missing pre-classification."""

import html
import io
import re
from functools import cache
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import translation
from PIL import ImageFilter
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from portal import words
from portal.accounts.models import Laboratory
from portal.cases.models import Case
from portal.inference import quick_looks, services
from portal.inference.models import ModelVersion
from portal.intake import services as cases
from portal.quick_look import services as quick_look
from portal.reports.services import sign
from smear.contract import Message
from tests.factories import PASSWORD, draft, photograph, read
from tests.portal.kinds import People, present
from tests.smear.stained import draw

pytestmark = pytest.mark.django_db

CATALOGUE = Path(words.__file__).parent / "locale" / "es" / "LC_MESSAGES" / "django.po"
GIF = b"GIF89a" + bytes(64)


@cache
def english() -> frozenset[str]:
    """What the catalogue has in English, in pieces between placeholders of at least four words."""
    catalogue = read_po(io.BytesIO(CATALOGUE.read_bytes()), locale="es")
    # Names, such as a stain's, are the same in both languages.
    other = [one for one in catalogue if one.id and one.id != one.string]
    texts = [text for one in other for text in ([one.id] if isinstance(one.id, str) else one.id)]
    pieces = [piece.strip() for text in texts for piece in re.split(r"%\(\w+\)\w|%[sd]", text)]
    return frozenset(piece for piece in pieces if len(re.findall(r"[A-Za-z]{2,}", piece)) >= 4)


def left_in_english(page: str) -> list[str]:
    shown = re.sub(r"\s+", " ", html.unescape(page))
    return [piece for piece in english() if piece in shown]


@pytest.fixture(autouse=True)
def _no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.inference.sending.app.send_task", lambda name, args, **options: None)


@pytest.fixture(params=["browser", "profile"])
def spanish(request: pytest.FixtureRequest, client: Client, people: People) -> Client:
    """The submitter, whose browser, or whose preferences, ask for Spanish."""
    client.force_login(people.submitter)
    if request.param == "browser":
        client.defaults["HTTP_ACCEPT_LANGUAGE"] = "es"
    else:
        client.post(reverse("preferences:edit"), {"language": "es", "mail": "digest"})
    return client


def page_of(client: Client, address: str) -> str:
    answer = client.get(address)
    assert (answer.status_code, answer.headers["Content-Language"]) == (200, "es")
    return html.unescape(answer.content.decode())


def field(*, blur: float = 0, name: str = "field.png") -> SimpleUploadedFile:
    buffer = io.BytesIO()
    draw(size=(448, 336)).image.filter(ImageFilter.GaussianBlur(blur)).save(buffer, "PNG")
    return SimpleUploadedFile(name, buffer.getvalue())


def failed(case: Case, error: str, settings: Settings) -> None:
    """The model's answer to every photograph of a submitted case fails with this error."""
    settings.JOB_MAX_ATTEMPTS = 1
    for job in case.jobs.all():
        services.fail(present(services.claim(job.pk, "a")), Message(error))


def test_the_check_finds_english() -> None:
    with translation.override("en"):
        assert left_in_english(f"<p>{words.in_words(Message('turned_upright'))}</p>")
        assert left_in_english(
            f"<p>{words.in_words(Message('too_small', {'width': 1, 'height': 1, 'least': 64}))}"
        )


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_a_refused_upload(spanish: Client, people: People, lab: Laboratory, accept: str) -> None:
    case = draft(people.submitter, lab, images=0)
    address = reverse("cases:add_image", args=[case.pk])
    upload = SimpleUploadedFile("field.gif", GIF)
    answer = spanish.post(address, {"file": upload}, headers={"Accept": accept})
    assert answer.status_code == 415
    said = answer.json()["message"] if accept == "application/json" else answer.content.decode()
    assert "Esto es una imagen GIF. Exporte la fotografía como JPEG," in said
    assert left_in_english(said) == []


def test_notices_and_quality(spanish: Client, people: People, lab: Laboratory, model: ModelVersion) -> None:
    case = draft(people.submitter, lab, images=0)
    cases.add_image(people.submitter, case, field(blur=6, name="field.jpg"))
    assert case.images.get().notices[0]["code"] == "extension_mismatch"
    edited = page_of(spanish, reverse("cases:edit", args=[case.pk]))
    cases.submit(people.submitter, case)
    for page in (edited, page_of(spanish, reverse("cases:detail", args=[case.pk]))):
        assert "El nombre del archivo termina en .jpg, pero es una imagen PNG" in page
        assert "desenfocada" in page
        assert left_in_english(page) == []


def test_a_failed_job(
    spanish: Client, people: People, lab: Laboratory, model: ModelVersion, settings: Settings
) -> None:
    case = cases.submit(people.submitter, draft(people.submitter, lab))
    failed(case, "stored_unreadable", settings)
    page = page_of(spanish, reverse("cases:detail", args=[case.pk]))
    assert page.count("No se pudo leer la fotografía almacenada.") == 2, "of the photograph and of the case"
    assert "1 de 1 fotografías no tienen preclasificación" in page
    assert left_in_english(page) == []


def test_a_case_without_pre_classification(
    spanish: Client, people: People, lab: Laboratory, model: ModelVersion
) -> None:
    ModelVersion.objects.update(is_active=False)
    with translation.override("en"):
        case = cases.submit(people.submitter, draft(people.submitter, lab))
    page = page_of(spanish, reverse("cases:detail", args=[case.pk]))
    assert "La preclasificación está desactivada." in page
    assert left_in_english(page) == []


def test_a_quick_look_without_answer(
    spanish: Client, people: People, lab: Laboratory, model: ModelVersion
) -> None:
    look = quick_look.start(people.submitter, lab, field(blur=6))
    quick_looks.fail(look.pk, Message("model_away"))
    page = page_of(spanish, reverse("inference:quick_look_result", args=[look.pk]))
    assert "No se pudo conectar con el servidor del modelo." in page
    assert "desenfocada" in page
    assert left_in_english(page) == []


@pytest.mark.parametrize(
    ("language", "said"),
    [("es", "La preclasificación está desactivada."), ("en", "Pre-classification is switched off.")],
)
def test_a_signed_report_keeps_the_words_of_the_language_it_was_signed_in(
    language: str, said: str, people: People, lab: Laboratory, model: ModelVersion
) -> None:
    ModelVersion.objects.update(is_active=False)
    case = cases.submit(people.submitter, draft(people.submitter, lab))
    with translation.override(language):
        report = sign(people.reviewer, read(people.reviewer, case), secret=PASSWORD)
    assert report.model_record["reason"] == said


@pytest.mark.parametrize(
    ("language", "refusal", "notice", "error"),
    [
        (
            "es",
            "Esto es una imagen GIF.",
            "El nombre del archivo termina en .jpg,",
            "No se pudo leer la fotografía",
        ),
        ("en", "This is a GIF image.", "The file is named .jpg,", "The stored photograph could not be read."),
    ],
)
def test_the_api_answers_in_the_language_of_the_request(
    language: str,
    refusal: str,
    notice: str,
    error: str,
    people: People,
    lab: Laboratory,
    model: ModelVersion,
    settings: Settings,
) -> None:
    client = APIClient(HTTP_ACCEPT_LANGUAGE=language)
    client.force_authenticate(people.submitter)
    case = draft(people.submitter, lab, images=0)
    images = f"/api/v1/cases/{case.pk}/images/"
    refused = client.post(images, {"file": SimpleUploadedFile("field.gif", GIF)}, format="multipart")
    assert (refused.status_code, refused.json()["code"]) == (415, "unsupported_type")
    assert refused.json()["detail"].startswith(refusal)
    stored = client.post(images, {"file": photograph(name="field.jpg")}, format="multipart").json()
    assert stored["notices"][0].startswith(notice)
    failed(cases.submit(people.submitter, case), "stored_unreadable", settings)
    shown = client.get(f"/api/v1/cases/{case.pk}/").json()
    assert shown["images"][0]["job"]["error"].startswith(error)
    assert error in shown["no_preclassification_reason"]
