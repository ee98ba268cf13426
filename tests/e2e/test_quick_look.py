"""Quick look: an answer within seconds, nothing kept unless it becomes a case."""

import re

from playwright.sync_api import expect

from tests.e2e.browsing import People, violations
from tests.e2e.photographs import bad_files, photograph


def test_answer_then_case(people: People) -> None:
    page = people.page("submitter")
    page.goto("/quick-look/")
    page.get_by_label("Choose a photograph").set_input_files([photograph(21)])
    expect(page.locator("#quick-look-answer .bars")).to_be_visible(timeout=20_000)
    expect(page).to_have_url(re.compile("/quick-look/[0-9a-f-]{36}/$"))
    expect(page.get_by_text("Research use only. Pre-classification by a model")).to_be_visible()
    page.get_by_role("button", name="Heat map").click()
    expect(page.locator(".heat-layer")).to_have_js_property("naturalWidth", 448)

    page.get_by_role("heading", name="Make it a case").click()
    assert violations(page) == []
    page.get_by_label("Patient pseudonym").fill("P-4001")
    page.get_by_label("Specimen").select_option("bone_marrow")
    page.get_by_role("button", name="Create a draft").click()
    page.wait_for_url("**/edit/")
    expect(page.locator("[data-file]")).to_have_count(1)
    expect(page.get_by_label("Patient pseudonym")).to_have_value("P-4001")


def test_discarded_look_is_gone(people: People) -> None:
    page = people.page("reviewer")
    page.goto("/quick-look/")
    page.get_by_label("Choose a photograph").set_input_files([photograph(22)])
    expect(page.locator("#quick-look-answer .bars")).to_be_visible(timeout=20_000)
    address = page.url
    page.get_by_role("button", name="Discard").click()
    expect(page.get_by_text("The photograph and its answer are removed.")).to_be_visible()
    people.complaints.expect_status(410, "/quick-look/")
    page.goto(address)
    expect(page.get_by_text("photograph and answer are deleted")).to_be_visible()


def test_refused_file_says_why(people: People) -> None:
    people.complaints.expect_status(415, "/quick-look/$")
    page = people.page("submitter")
    page.goto("/quick-look/")
    page.get_by_label("Choose a photograph").set_input_files([bad_files()["svg"][0]])
    expect(page.locator("[data-error]")).to_contain_text("SVG")
    page.get_by_label("Choose a photograph").set_input_files([photograph(23)])
    expect(page.locator("#quick-look-answer .bars")).to_be_visible(timeout=20_000)
