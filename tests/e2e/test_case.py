"""A case from its photographs to the stored diagnosis, by two people."""

import re

from playwright.sync_api import Page, expect

from tests.e2e.browsing import FileCase, People
from tests.e2e.photographs import photograph

NOTICE = "Research use only. Pre-classification by a model; a qualified reader decides."


def answered(page: Page) -> None:
    """Wait until the model has answered, on a page that nobody reloads."""
    expect(page.locator("#case-state")).to_contain_text("Awaiting read", timeout=30_000)
    expect(page.locator("#case-live .bars").first).to_be_visible()


def said_by_model(page: Page) -> str:
    """The title of the class that leads the case."""
    return page.locator("#case-live .bars .is-top .bar-label").first.inner_text().strip()


def test_case_is_filed_read_by_another_person_and_kept(people: People, file_case: FileCase) -> None:
    people.complaints.expect_status(422, "/read/$")
    submitter = people.page("submitter")
    address = file_case(submitter, [photograph(1), photograph(2)], "P-2001", note="Fever, pancytopenia.")
    expect(submitter.get_by_text(NOTICE)).to_be_visible()
    answered(submitter)
    expect(submitter.locator("[data-frame]")).to_have_count(2)
    expect(submitter.locator("#case-live")).to_contain_text(re.compile(r"leukemia_vgg16 v\d+"))
    expect(submitter.locator("[data-read-form]")).to_have_count(0)

    reviewer = people.page("reviewer")
    reviewer.goto("/cases/?stage=reading")
    reviewer.get_by_role("searchbox").fill("P-2001")
    expect(reviewer).to_have_url(re.compile("q=P-2001"))
    reviewer.locator("#worklist a.case-link").click()
    expect(reviewer).to_have_url(address)
    answer = said_by_model(reviewer)
    reviewer.get_by_role("radio", name=re.compile(rf"^{re.escape(answer)}")).check()
    reviewer.get_by_role("button", name=f"Confirm {answer} and sign").click()
    expect(reviewer.get_by_text("Say how sure you are")).to_be_visible()
    expect(reviewer.get_by_role("radio", name=re.compile(rf"^{re.escape(answer)}"))).to_be_checked()
    reviewer.get_by_text("High", exact=True).click()
    reviewer.get_by_role("button", name=f"Confirm {answer} and sign").click()

    reviewer.wait_for_url("**/diagnosis/")
    expect(reviewer.locator(".conclusion")).to_have_text(answer)
    expect(reviewer.get_by_text("Rosa Reviewer").first).to_be_visible()
    expect(reviewer.get_by_text("The reader confirmed the model's answer")).to_be_visible()
    expect(reviewer.locator(".hash")).to_have_text(re.compile("^[0-9a-f]{64}$"))
    expect(reviewer.get_by_text(NOTICE)).to_be_visible()

    # On paper the text is dark whatever the theme on the screen.
    reviewer.evaluate("document.documentElement.dataset.bsTheme = 'dark'")
    reviewer.emulate_media(media="print")
    expect(reviewer.locator(".list-table td").last).to_have_css("color", "rgb(0, 0, 0)")

    # The submitter's page has been open all the while and learns of it without reloading.
    expect(submitter.locator("#case-state")).to_contain_text("Reported", timeout=20_000)
    submitter.get_by_role("link", name="Open the diagnosis").click()
    expect(submitter.locator(".conclusion")).to_have_text(answer)


def test_differing_from_the_model_needs_a_reason(people: People, file_case: FileCase) -> None:
    people.complaints.expect_status(400, "/read/")
    page = people.page("reviewer2")
    file_case(page, [photograph(3)], "P-2002")
    answered(page)
    answer = said_by_model(page)
    other = "Pro-B ALL" if answer != "Pro-B ALL" else "Pre-B ALL"

    page.get_by_role("radio", name=re.compile(f"^{other}")).check()
    page.get_by_text("Medium", exact=True).click()
    page.get_by_role("button", name=f"Sign {other}, against the model").click()
    expect(page.locator("#comment-error")).to_contain_text("differs from the model's")
    expect(page.get_by_role("radio", name=re.compile(f"^{other}"))).to_be_checked()

    page.get_by_label(re.compile("^Comment")).fill("Fine chromatin, scant cytoplasm.")
    page.get_by_role("button", name=f"Sign {other}, against the model").click()
    page.wait_for_url("**/diagnosis/")
    expect(page.locator(".conclusion")).to_have_text(other)
    expect(page.get_by_text("The reader decided otherwise")).to_be_visible()
    expect(page.get_by_text("Fine chromatin, scant cytoplasm.")).to_be_visible()


def test_what_a_second_reader_has_written_survives_the_first_ones_signature(
    people: People, file_case: FileCase
) -> None:
    people.complaints.expect_status(409, "/read/$")
    first, second = people.page("reviewer"), people.page("reviewer2")
    address = file_case(first, [photograph(4)], "P-2004")
    answered(first)
    second.goto(address)
    second.get_by_label(re.compile("^Comment")).fill("Half a thought")
    second.locator("[name=label]").last.check()
    second.get_by_text("Low", exact=True).click()

    first.locator("[name=label] >> nth=4").check()
    first.get_by_text("High", exact=True).click()
    first.get_by_label(re.compile("^Comment")).fill("Artefacts only.")
    first.locator("[data-read-form] button").click()
    first.wait_for_url("**/diagnosis/")

    expect(second.locator("#case-state")).to_contain_text("Reported", timeout=20_000)
    expect(second.get_by_label(re.compile("^Comment"))).to_have_value("Half a thought")
    second.locator("[data-read-form] button").click()
    expect(second.get_by_text("This case cannot be read now.")).to_be_visible()
    expect(second.get_by_label("Your comment was not stored:")).to_have_value("Half a thought")


def test_viewer_heat_map_and_keys(people: People, file_case: FileCase) -> None:
    page = people.page("reviewer")
    file_case(page, [photograph(5), photograph(6)], "P-2003")
    answered(page)
    expect(page.locator(".openseadragon-canvas canvas").first).to_be_visible()
    frames = page.locator("[data-frame]")
    expect(frames.first).to_have_attribute("aria-current", "true")

    page.locator("h1").click()
    page.keyboard.press("j")
    expect(frames.nth(1)).to_have_attribute("aria-current", "true")
    expect(page.locator("[data-image-panel]:visible h3")).to_have_text("Photograph 2")
    page.keyboard.press("k")
    expect(frames.first).to_have_attribute("aria-current", "true")

    expect(page.locator(".heat-layer")).to_have_count(0)
    page.keyboard.press("h")
    layer = page.locator(".heat-layer")
    expect(layer).to_have_js_property("naturalWidth", 448)
    photograph_box = page.locator("[data-viewer-stage]").bounding_box()
    layer_box = layer.bounding_box()
    assert photograph_box is not None
    assert layer_box is not None
    assert abs(layer_box["width"] / layer_box["height"] - 640 / 480) < 0.02, "stretched over the whole field"
    page.get_by_label("Opacity").fill("30")
    expect(layer).to_have_css("opacity", "0.3")
    page.keyboard.press("h")
    expect(layer).to_have_count(0)

    page.keyboard.press("3")
    expect(page.get_by_role("radio", name=re.compile("^Pre-B ALL"))).to_be_checked()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Rotate").click()
    page.get_by_role("button", name="Zoom in").click()
