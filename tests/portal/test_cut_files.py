"""A cut photograph is refused, whatever was made in the same web process before."""

import io
import sys

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image, ImageFile

from portal.accounts.models import Laboratory
from portal.cases.photographs import read_photograph
from portal.errors import FileRefused
from portal.inference.models import ModelVersion
from portal.reports import pdf
from portal.reports.versions import signed_version
from smear.decode import ImageRejected, decode
from tests.factories import analysed, photograph, signed
from tests.portal.kinds import People

pytestmark = pytest.mark.django_db
FORMATS = ("JPEG", "PNG", "TIFF", "BMP")


def cut_files() -> list[tuple[str, bytes]]:
    """Ten photographs that end early: in each format, at half and at nine tenths, and two JPEGs near their end."""
    with Image.open(photograph(size=(320, 240))) as drawn:
        pixels = drawn.convert("RGB")
    made = []
    for form, *shares in (*((form, 0.5, 0.9) for form in FORMATS), ("JPEG", 0.7, 0.8)):
        buffer = io.BytesIO()
        pixels.save(buffer, form)
        content = buffer.getvalue()
        made += [(form, content[: int(len(content) * share)]) for share in shares]
    return made


def refused(files: list[tuple[str, bytes]]) -> int:
    count = 0
    for form, content in files:
        with pytest.raises(FileRefused) as caught:
            read_photograph(SimpleUploadedFile(f"field.{form.lower()}", content))
        count += caught.value.code == "damaged"
    return count


def test_a_pdf_changes_nothing_about_what_is_refused(
    people: People, lab: Laboratory, model: ModelVersion
) -> None:
    files = cut_files()
    assert refused(files) == len(files) == 10
    case = signed(people.reviewer, analysed(people.submitter, lab))
    assert pdf.render(signed_version(people.submitter, case.pk)).startswith(b"%PDF-")
    assert "weasyprint" not in sys.modules
    assert not ImageFile.LOAD_TRUNCATED_IMAGES
    assert refused(files) == 10


@pytest.mark.parametrize(("form", "content"), cut_files())
def test_what_others_set_for_the_process_does_not_count(
    form: str, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    with pytest.raises(ImageRejected) as caught:
        decode(io.BytesIO(content))
    assert caught.value.code == "damaged"


@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF", "WEBP", "BMP"])
def test_what_others_set_for_the_process_refuses_no_whole_file(
    form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = io.BytesIO()
    with Image.open(photograph(size=(320, 240))) as drawn:
        drawn.convert("RGB").save(whole, form)
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    assert decode(whole).image.size == (320, 240)
