"""What the image library says in English, a Spanish reader is told in Spanish."""

from datetime import date

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import translation
from django.utils.formats import date_format

from portal.cases.photographs import read_photograph
from portal.cases.templatetags.hemalens import class_title
from portal.errors import FileRefused
from portal.words import in_words
from smear.contract import Message


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "El archivo está vacío."),
        (b"GIF89a" + bytes(64), "Esto es una imagen GIF. Exporte la fotografía como JPEG,"),
        (b"\xff\xd8\xff" + bytes(64), "El archivo empieza como una imagen JPEG,"),
    ],
)
def test_a_refused_file_is_explained_in_the_language_of_the_page(content: bytes, words: str) -> None:
    with translation.override("es"), pytest.raises(FileRefused, match=words):
        read_photograph(SimpleUploadedFile("field.jpg", content))


def test_a_stored_notice_is_shown_in_the_language_of_the_page() -> None:
    stored = {"code": "extension_mismatch", "values": {"extension": ".png", "kind": "jpeg"}}
    with translation.override("es"):
        assert (
            in_words(stored)
            == "El nombre del archivo termina en .png, pero es una imagen JPEG; se leyó como tal."
        )
        assert in_words(Message("turned_upright")).startswith("La fotografía se enderezó")
    assert in_words(stored) == "The file is named .png, but it is a JPEG image; it was read as that."


def test_the_classes_have_their_spanish_names() -> None:
    with translation.override("es"):
        assert [class_title("Early"), class_title("none_of_these")] == ["LLA pre-B temprana", "none_of_these"]


def test_months_are_written_small_in_spanish_and_as_before_in_english() -> None:
    day = date(2026, 11, 23)
    with translation.override("es"):
        assert date_format(day, "DATE_FORMAT") == "23 nov 2026"
    with translation.override("en"):
        assert date_format(day, "DATE_FORMAT") == "23 Nov 2026"
