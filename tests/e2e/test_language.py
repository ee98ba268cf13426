"""The pages in a person's own language."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.browsing import FileCase, People, violations
from tests.e2e.photographs import photograph

PREFERENCES = "/account/preferences/"


@pytest.fixture
def reader(people: People) -> Iterator[Page]:
    """A reviewer, whose pages are the browser's language's again afterwards."""
    page = people.page("reviewer2")
    yield page
    _choose(page, "")


def _choose(page: Page, language: str) -> None:
    page.goto(PREFERENCES)
    page.locator("select[name=language]").select_option(language)
    page.locator("form[action] button[type=submit].btn-primary, main button[type=submit].btn-primary").click()
    page.locator("[role=status], .alert").first.wait_for()


def test_a_person_chooses_spanish_and_goes_back(people: People, file_case: FileCase, reader: Page) -> None:
    address = file_case(people.page("submitter"), [photograph(90)], "P-6001")
    lang = reader.locator("html")

    _choose(reader, "es")
    expect(lang).to_have_attribute("lang", "es")
    expect(reader.get_by_text("Sus preferencias se han guardado.")).to_be_visible()
    assert violations(reader) == []

    reader.goto("/cases/")
    expect(lang).to_have_attribute("lang", "es")
    expect(reader.get_by_role("heading", level=1)).to_have_text("Lista de trabajo")
    expect(reader.get_by_role("columnheader", name="Seudónimo")).to_be_visible()
    assert violations(reader) == []

    reader.goto(address)
    expect(lang).to_have_attribute("lang", "es")
    for words in ("Aspirado de médula ósea", "Historial"):
        expect(reader.locator("#main").get_by_text(words).first).to_be_visible()
    assert violations(reader) == []

    _choose(reader, "en")
    expect(reader.get_by_text("Your preferences are saved.")).to_be_visible()
    reader.goto("/cases/")
    expect(lang).to_have_attribute("lang", "en")
    expect(reader.get_by_role("heading", level=1)).to_have_text("Worklist")


def test_the_longest_top_bar_fits_in_spanish(people: People) -> None:
    page = people.page("labadmin", locale="es-ES")
    page.goto("/laboratory/reading/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Cómo lee este laboratorio")
    assert violations(page) == []
