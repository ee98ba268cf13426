"""A report prints what was written, or its codes: never a box with other words behind it."""

import re
from collections import Counter

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from portal import fonts
from portal.accounts.models import Laboratory
from portal.cases.models import Case
from portal.inference.models import ModelVersion
from portal.reports import pdf
from portal.reports.services import sign
from portal.reports.versions import signed_version
from tests.factories import PASSWORD, analysed, read
from tests.portal.kinds import People
from tests.portal.pdf_text import text_of

pytestmark = pytest.mark.django_db

NAME = "李小龙"
SCRIPTS = {
    "Latin": "Tiếng Việt, Łódź, façade",
    "Greek": "αίμα και μυελός",
    "Cyrillic": "Кровь и костный мозг",
    "Chinese": "签署人李小龙形态一致",
    "Japanese": "骨髄塗抹標本の所見",
    "Korean": "급성 백혈병",
    "Hindi": "अस्थि मज्जा",
    "Thai": "ตรวจเลือด",
    "emoji": "seen 👍🏽 twice 🩸",
}


@pytest.fixture(autouse=True)
def _fresh_cache() -> None:
    cache.clear()


@pytest.fixture
def case(people: People, lab: Laboratory, model: ModelVersion) -> Case:
    return read(people.reviewer, analysed(people.submitter, lab))


@pytest.fixture
def latin(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine whose fonts have Latin letters alone."""
    monkeypatch.setattr(
        fonts, "covered", lambda: frozenset(range(0x20, 0x250)) | {0x2013, 0x2014, 0x2026, 0xB7}
    )


def test_every_script_is_printed_as_written_or_as_codes(case: Case, people: People) -> None:
    """Whichever fonts this machine has. Shaped letters may be drawn in another order than they are written in."""
    sign(people.reviewer, case, secret=PASSWORD, comment="\n".join(SCRIPTS.values()))
    made = pdf.render(signed_version(people.submitter, case.pk))
    said = text_of(made)
    assert not fonts.unprintable([said]), "text stands behind a box"
    for script, text in SCRIPTS.items():
        printed = fonts.printable(text)
        if script in ("Hindi", "Thai"):
            assert not Counter(printed.replace(" ", "")) - Counter(said), script
        else:
            assert printed in said, script
    for script in ("Latin", "Greek", "Cyrillic"):
        assert fonts.printable(SCRIPTS[script]) == SCRIPTS[script]


def test_what_no_font_has_is_a_code_in_page_and_text(case: Case, people: People, latin: None) -> None:
    people.reviewer.full_name = NAME
    people.reviewer.save()
    sign(people.reviewer, case, secret=PASSWORD, comment="形 and 👨‍👩‍👧 and façade")
    said = text_of(pdf.render(signed_version(people.submitter, case.pk)))
    assert "[U+674E][U+5C0F][U+9F99]" in said
    assert "[U+5F62] and [U+1F468][U+200D][U+1F469][U+200D][U+1F467] and façade" in re.sub(r"\s+", " ", said)
    assert "printed as their Unicode codes" in re.sub(r"\s+", " ", said)
    assert not set(said) & set(NAME)


def test_the_signer_is_told_before_signing_and_says_yes(case: Case, people: People, latin: None) -> None:
    people.reviewer.full_name = NAME
    people.reviewer.save()
    client = Client()
    client.force_login(people.reviewer)
    page = client.get(reverse("cases:detail", args=[case.pk])).content.decode()
    assert "no font for 李 (U+674E), 小 (U+5C0F), 龙 (U+9F99)" in page
    entered = {"comment": "अ found", "secret": PASSWORD}
    refused = client.post(reverse("reports:sign", args=[case.pk]), entered)
    assert refused.status_code == 422
    words = refused.content.decode()
    assert "अ (U+0905)" in words
    assert 'name="as_codes"' in words
    assert "अ found</textarea>" in words
    assert not case.diagnoses.exists()
    assert (
        client.post(reverse("reports:sign", args=[case.pk]), entered | {"as_codes": "on"}).status_code == 302
    )
    assert case.diagnoses.get().comment == "अ found"
    amending = client.get(reverse("reports:amend", args=[case.pk])).content.decode()
    assert "no font for 李 (U+674E)" in amending
    assert "अ (U+0905)" in amending


def test_words_that_can_be_printed_ask_nothing(case: Case, people: People) -> None:
    client = Client()
    client.force_login(people.reviewer)
    assert "no font for" not in client.get(reverse("cases:detail", args=[case.pk])).content.decode()
    entered = {"comment": "Blasts, 85 % – façade.", "secret": PASSWORD}
    assert client.post(reverse("reports:sign", args=[case.pk]), entered).status_code == 302


def test_a_machine_that_does_not_say_prints_latin_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    fonts.covered.cache_clear()
    try:
        assert fonts.printable("façade 李") == "façade [U+674E]"
    finally:
        fonts.covered.cache_clear()


def test_a_long_warning_names_the_first_characters(latin: None) -> None:
    words = fonts.warning(["一二三四五六七八九十"])
    assert "八 (U+516B) and 2 more" in words
    assert "九" not in words
