"""Image quality: measured when a photograph is stored, shown to submitter and reviewer, never in the way."""

import io
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from PIL import ImageFilter

from portal.accounts.models import Laboratory
from portal.cases.models import Case, SmearImage
from portal.inference.models import ModelVersion
from portal.intake import services
from portal.quick_look import services as quick_look
from portal.words import QUALITY
from smear.contract import Message
from smear.quality import Reason
from tests.factories import draft
from tests.portal.kinds import PageResponse, People, present
from tests.smear.stained import draw

BLURRED = str(QUALITY[Reason.OUT_OF_FOCUS])


def upload(*, blur: float = 0) -> SimpleUploadedFile:
    """A drawn field with nucleated cells, sharp or out of focus."""
    buffer = io.BytesIO()
    draw(size=(448, 336)).image.filter(ImageFilter.GaussianBlur(blur)).save(buffer, "PNG")
    return SimpleUploadedFile("field.png", buffer.getvalue(), "image/png")


@pytest.fixture
def case(people: People, lab: Laboratory, model: ModelVersion) -> Case:
    """A draft with a sharp photograph and one that is out of focus."""
    case = draft(people.submitter, lab, images=0)
    services.add_image(people.submitter, case, upload())
    services.add_image(people.submitter, case, upload(blur=6))
    return case


def text(response: PageResponse) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def test_quality_is_stored_with_the_photograph(case: Case) -> None:
    sharp, blurred = case.images.all()
    assert present(sharp.quality)["reasons"] == sharp.quality_warnings == []
    assert present(sharp.quality)["measures"]["nucleated_cells"] == 8
    assert present(blurred.quality)["reasons"] == ["out_of_focus"]
    assert blurred.quality_warnings == [BLURRED]
    assert present(blurred.quality)["measures"]["focus"] < present(sharp.quality)["measures"]["focus"]


def test_the_submitter_is_warned_at_once_and_may_submit_all_the_same(
    client: Client, people: People, lab: Laboratory
) -> None:
    case = draft(people.submitter, lab, images=0)
    client.force_login(people.submitter)
    address = reverse("cases:add_image", args=[case.pk])
    sharp = client.post(address, {"file": upload()}, headers={"Accept": "application/json"})
    blurred = client.post(address, {"file": upload(blur=6)}, headers={"Accept": "application/json"})
    assert (sharp.status_code, sharp.json()["warnings"]) == (201, [])
    assert (blurred.status_code, blurred.json()["warnings"]) == (201, [BLURRED])
    page = text(client.get(reverse("cases:edit", args=[case.pk])))
    assert page.count(BLURRED) == 1
    assert client.post(reverse("cases:edit", args=[case.pk]), {"then": "submit", "patient_pseudonym": "P-1",
        "specimen": "csf", "priority": "routine"}).status_code == 302  # fmt: skip
    case.refresh_from_db()
    assert case.submitted_at


def test_the_reviewer_sees_which_photograph_is_in_doubt(client: Client, case: Case, people: People) -> None:
    services.submit(people.submitter, case)
    client.force_login(people.reviewer)
    page = text(client.get(reverse("cases:detail", args=[case.pk])))
    doubtful = present(case.images.last())
    assert f'data-image-panel="{doubtful.pk}" hidden> <div class="note' in page
    assert re.search(rf"<strong\s*>Photograph 2\.</strong>\s*{re.escape(BLURRED)}", page)
    assert page.count("quality of the photograph in doubt") == 1


def test_a_photograph_from_before_quality_was_measured_has_no_warnings(
    client: Client, case: Case, people: People
) -> None:
    SmearImage.objects.update(quality=None)
    assert [image.quality_warnings for image in case.images.all()] == [[], []]
    client.force_login(people.submitter)
    assert BLURRED not in text(client.get(reverse("cases:detail", args=[case.pk])))


def test_a_quick_look_says_so_too(
    people: People, lab: Laboratory, model: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.inference.sending.app.send_task", lambda *args, **options: None)
    assert quick_look.start(people.submitter, lab, upload()).notices == []
    looked = quick_look.start(people.submitter, lab, upload(blur=6))
    looked.refresh_from_db()
    assert looked.notices == [Message(Reason.OUT_OF_FOCUS).to_json()]
