"""What texts may hold: in every column, form, serializer and service, and how the rest is shown."""

import inspect
import unicodedata
from importlib import import_module
from pkgutil import walk_packages

import pytest
from django import forms
from django.apps import apps
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import models
from django.test import Client
from rest_framework import serializers

import portal
from portal import text
from portal.accounts.models import Laboratory
from portal.api.fields import LineField as ApiLine
from portal.api.fields import StrictFields
from portal.cases.models import Case
from portal.errors import Invalid
from portal.inference.models import ModelVersion
from portal.intake.services import create_case, update_case
from portal.reading import services as reading
from portal.text_fields import LineField, LineInput, LinesField, LinesInput
from tests.factories import analysed, claimed, draft
from tests.portal.kinds import People, present

OVERRIDE = "not \u202eerp"
REFUSED = [
    *(
        "a\x00b",
        "a\x1bb",
        "a\x85b",
        "a\xadb",
        "\u200b",
        "a\u200fb",
        OVERRIDE,
        "a\u2066b\u2069",
        "\u061ca",
        "a\u2060b",
    ),
    *(
        "a\ufeffb",
        "a\u3164b",
        "a\u115fb",
        "a\u034fb",
        "\u2800",
        "a\ufffcb",
        "a\ufffdb",
        "a\ud800b",
        "a\ue000b",
    ),
    *("a\ufdd0b", "a\U000e0041b", "a\u200db", "a\u200cb", "\u0301", "\u0378", "a\u180eb", "a\U0001d173b"),
]
WELCOME = [
    *("P-0815", "Größe 5 µm × 3", "李小龙", "क्\u200dष", "می\u200cخواهم", "Ward 3 · “seen” → ok", "ﷺ", "Łódź"),
    *("👩\u200d⚕\ufe0f", "👩🏽\u200d🔬", "1\ufe0f\u20e3", "葛\U000e0100城", "\U0001fae8", "\u0661\u0662"),
    "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
]
#: Columns that no person fills in: codes, hashes, choices, what the system itself says, and what is escaped.
OWN_WORDS = {
    "SmearImage.extension",
    "SmearImage.content_type",
    "SmearImage.pixel_sha256",
    "SavedFilter.query",
    "ModelVersion.sha256",
    "Attempt.worker",
    "Prediction.label",
    "QuickLook.extension",
    "QuickLook.content_type",
    "QuickLook.pixel_sha256",
    "Exposure.pixel_sha256",
    "Notification.words",
    "Diagnosis.meaning",
    "Diagnosis.sha256",
    "QuickLookAnswer.label",
    "ReviewedExport.exported_by",
    "ReviewedExport.manifest_sha256",
    "ApiToken.digest",
    "ApiToken.token_key",
    "Invitation.token_sha256",
    "Laboratory.slug",
    "User.password",
    "Read.model_label",
    "Tally.key",
}
#: Form fields that are secrets, hashes or searches: whatever stands in them is compared, not shown.
NOT_STORED = {"password", "password_again", "secret", "code", "hash", "q"}


@pytest.mark.parametrize("entered", REFUSED, ids=ascii)
def test_what_nobody_sees_is_refused_by_its_place_and_shown_by_its_code(entered: str) -> None:
    assert text.refusal(text.normalised(entered))
    first = next(text.unwanted(entered), None)
    if first is not None:
        assert first.code in present(text.refusal(entered, lines=True))
        assert f"[{first.code}]" in text.visible(entered)
        assert not list(text.unwanted(text.visible(entered)))


@pytest.mark.parametrize("entered", WELCOME, ids=ascii)
def test_what_people_write_is_welcome(entered: str) -> None:
    assert text.refusal(text.normalised(entered)) is None
    assert text.visible(entered) == entered


def test_the_place_is_quoted() -> None:
    assert "(U+202E)" in present(text.refusal(OVERRIDE))
    assert "“not”" in present(text.refusal(OVERRIDE))


def test_lines() -> None:
    assert text.refusal("a\nb\tc", lines=True) is None
    assert "line break" in present(text.refusal("a\nb"))
    assert "tab" in present(text.refusal("a\tb"))
    assert text.normalised(" a\r\nb\u2028c\u00a0d ", lines=True) == "a\nb\nc d"
    assert text.normalised("E\u0301") == "É"


def test_no_character_slips_by_the_quick_look() -> None:
    for code in range(0x110000):
        character = chr(code)
        if (
            unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
            and character not in "\n\t"
        ):
            assert list(text.unwanted(character)) or character in text._SEEN_FORMAT, hex(code)


def _is_column(field: "models.Field[object, object]") -> bool:
    is_text = isinstance(field, models.CharField | models.TextField) and not field.choices
    return is_text and not isinstance(field, models.FilePathField)


def test_every_column_that_a_person_fills_in_refuses() -> None:
    seen = 0
    for model in apps.get_models():
        if not model.__module__.startswith("portal.") or hasattr(model, "pgh_tracked_model"):
            continue
        for field in filter(_is_column, model._meta.fields):
            name = f"{model.__name__}.{field.name}"
            if name in OWN_WORDS:
                continue
            seen += 1
            with pytest.raises(ValidationError) as refused:
                field.clean("ab@x\u202e.example" if isinstance(field, models.EmailField) else OVERRIDE, None)
            assert "U+202E" in str(refused.value), name
    assert seen >= 14


def _classes(base: type) -> set[type]:
    found = set()
    for module in walk_packages(portal.__path__, "portal."):
        if ".migrations" not in module.name and ".settings" not in module.name and "wsgi" not in module.name:
            found |= {
                one
                for _name, one in inspect.getmembers(import_module(module.name), inspect.isclass)
                if issubclass(one, base) and one.__module__.startswith("portal.")
            }
    return found


def test_every_text_field_of_a_form_refuses() -> None:
    seen = 0
    for form in _classes(forms.BaseForm):
        for name, field in getattr(form, "base_fields", {}).items():
            if type(field) in (forms.CharField, LineInput, LinesInput) and name not in NOT_STORED:
                seen += 1
                assert isinstance(field, LineInput | LinesInput), f"{form.__name__}.{name}"
    assert seen >= 8


def test_every_text_field_of_the_api_refuses() -> None:
    seen = 0
    for serializer in _classes(StrictFields):
        if not issubclass(serializer, serializers.BaseSerializer):
            continue
        assert issubclass(serializer, serializers.Serializer)
        for name, field in serializer(context={"laboratory": None}).fields.items():
            if isinstance(field, serializers.CharField) and not field.read_only and name not in NOT_STORED:
                seen += 1
                assert isinstance(field, ApiLine), f"{serializer.__name__}.{name}"
    assert seen >= 8


def test_columns_stay_plain_for_migrations(db: None) -> None:
    call_command("makemigrations", "--check", "--dry-run")
    for plain, ours in ((models.CharField, LineField(max_length=3)), (models.TextField, LinesField())):
        assert ours.deconstruct()[1] == f"django.db.models.{plain.__name__}"


def test_services_refuse_whoever_calls_them(people: People, lab: Laboratory, model: ModelVersion) -> None:
    with pytest.raises(Invalid) as refused:
        create_case(people.submitter, laboratory=lab, patient_pseudonym="\u200b", specimen="csf")
    assert refused.value.field == "patient_pseudonym"
    case = draft(people.submitter, lab)
    with pytest.raises(Invalid):
        update_case(people.submitter, case, clinical_note=OVERRIDE)
    held = claimed(people.reviewer, analysed(people.submitter, lab))
    with pytest.raises(Invalid) as refused:
        reading.record_read(people.reviewer, held, label="Pre", confidence="high", comment=OVERRIDE)
    assert refused.value.field == "comment"
    with pytest.raises(Invalid):
        reading.return_to_submitter(people.reviewer, held, missing=OVERRIDE)
    with pytest.raises(Invalid):  # a row made past every service
        Case.objects.create(
            laboratory=lab, created_by=people.submitter, accession="X", patient_pseudonym="a\nb"
        )


def test_what_was_stored_before_is_shown_and_does_not_stop_a_case(
    client: Client, people: People, lab: Laboratory, model: ModelVersion
) -> None:
    case = analysed(people.submitter, lab)
    Case.objects.filter(pk=case.pk).update(clinical_note=OVERRIDE)
    client.force_login(people.reviewer)
    page = client.get(f"/cases/{case.pk}/").content.decode()
    assert "not [U+202E]erp" in page
    assert "\u202e" not in page
    claimed(people.reviewer, case)


def test_a_form_says_what_to_delete_and_shows_where(client: Client, people: People, lab: Laboratory) -> None:
    client.force_login(people.submitter)
    entered = {"patient_pseudonym": "P-1\u200b2", "specimen": "csf", "priority": "stat"}
    page = client.post("/cases/new/", entered)
    assert page.status_code == 422
    assert "(U+200B) after “P-1”: delete it." in page.content.decode()
    assert 'value="P-1[U+200B]2"' in page.content.decode()
