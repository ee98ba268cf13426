"""A case from its photographs to the stored diagnosis, by two people."""

import re

from playwright.sync_api import Page, expect

from tests.e2e.browsing import FileCase, People, answer, conclude, sign, take
from tests.e2e.photographs import photograph

NOTICE = "Research use only. Pre-classification by a model; a qualified reader decides."


def answered(page: Page) -> None:
    """Wait until the model has answered, on a page that nobody reloads."""
    expect(page.locator("#case-state")).to_contain_text("Awaiting read")
    expect(page.locator("#case-live .bars").first).to_be_visible()


def said_by_model(page: Page) -> str:
    """The title of the class that leads the case."""
    return page.locator("#case-live .bars .is-top .bar-label").first.inner_text().strip()


def test_case_is_filed_read_blind_by_another_person_and_kept(people: People, file_case: FileCase) -> None:
    people.complaints.expect_status(422, "/read/$")
    submitter = people.page("submitter")
    address = file_case(submitter, [photograph(1), photograph(2)], "P-2001", note="Fever, pancytopenia.")
    expect(submitter.get_by_text(NOTICE)).to_be_visible()
    answered(submitter)
    expect(submitter.locator("[data-frame]")).to_have_count(2)
    expect(submitter.locator("#case-live")).to_contain_text(re.compile(r"leukemia_vgg16\s+v\d+"))
    expect(submitter.locator("#case-action form")).to_have_count(0)
    said = said_by_model(submitter)

    reviewer = people.page("reviewer")
    reviewer.goto("/cases/?stage=reading")
    reviewer.get_by_role("searchbox").fill("P-2001")
    expect(reviewer).to_have_url(re.compile("q=P-2001"))
    reviewer.locator("#worklist a.case-link").click()
    expect(reviewer).to_have_url(address)
    hidden = reviewer.get_by_text("Hidden until you have stored your own answer.")
    expect(hidden).to_be_visible()
    expect(reviewer.locator(".bars")).to_have_count(0)
    take(reviewer)

    # Something is forgotten: what was entered stays.
    other = "Pro" if said != "Pro-B ALL" else "Pre"
    reviewer.locator(f"#case-action input[name=label][value={other}]").check()
    reviewer.locator("#case-action [data-save]").click()
    expect(reviewer.get_by_text("State your confidence")).to_be_visible()
    expect(reviewer.locator(f"#case-action input[name=label][value={other}]")).to_be_checked()
    expect(hidden).to_be_visible()
    answer(reviewer, other, confidence="Medium")

    # Revealed: the own answer stands against the model's, so a reason is asked for.
    people.complaints.expect_status(400, "/conclude/$")
    expect(reviewer.locator(".side-by-side")).to_contain_text(said)
    expect(reviewer.get_by_text("You differ")).to_be_visible()
    expect(reviewer.locator("#case-live .bars").first).to_be_visible()
    conclude(reviewer)
    expect(reviewer.locator("#reason-error")).to_contain_text("differs from the model's")
    conclude(reviewer, "Fine chromatin, scant cytoplasm.")

    people.complaints.expect_status(400, "/sign/$")
    reviewer.get_by_label("Password or authenticator code").fill("not the password")
    reviewer.get_by_role("button", name="Sign report").click()
    expect(reviewer.get_by_text("Nothing is signed yet.")).to_be_visible()
    sign(reviewer, people.password("reviewer"))
    expect(reviewer.get_by_text("The reader decided differently")).to_be_visible()
    expect(reviewer.get_by_text("Fine chromatin, scant cytoplasm.")).to_be_visible()
    expect(reviewer.get_by_text("answered before seeing the model's answer")).to_be_visible()
    expect(reviewer.locator(".hash").first).to_have_text(re.compile("^[0-9a-f]{64}$"))
    expect(reviewer.get_by_text(NOTICE)).to_be_visible()

    # On paper the text is dark whatever the theme on the screen.
    reviewer.evaluate("document.documentElement.dataset.bsTheme = 'dark'")
    reviewer.emulate_media(media="print")
    expect(reviewer.locator(".list-table td").last).to_have_css("color", "rgb(0, 0, 0)")

    # The submitter's page has been open all the while and learns of it without reloading.
    expect(submitter.locator("#case-state")).to_contain_text("Reported")
    submitter.get_by_role("link", name="Open the report").click()
    expect(submitter.locator(".conclusion")).to_have_class(re.compile(f"class-{other.lower()}"))


def test_what_was_entered_survives_a_reload_and_a_take_over(people: People, file_case: FileCase) -> None:
    people.complaints.expect_status(409, "/(read|keep)/$")
    first, second = people.page("reviewer"), people.page("reviewer2")
    address = file_case(people.page("submitter"), [photograph(4)], "P-2004")
    first.goto(address)
    expect(first.locator("#case-state")).to_contain_text("Awaiting read")
    expect(first.get_by_role("button", name="Take this case")).to_be_visible()
    take(first)
    first.get_by_label(re.compile("^Comment")).fill("Half a thought")
    first.locator("#case-action input[name=label]").last.check()
    first.reload()
    expect(first.get_by_label(re.compile("^Comment"))).to_have_value("Half a thought")
    expect(first.locator("#case-action input[name=label]").last).to_be_checked()

    second.goto(address)
    expect(second.get_by_text("Rosa Reviewer has this case until")).to_be_visible()
    second.get_by_role("button", name="Take over").click()
    second.get_by_role("dialog").get_by_role("button", name="Take over").click()
    second.locator("#case-action .in-hand").wait_for()

    first.get_by_text("High", exact=False).first.click()
    first.locator("#case-action [data-save]").click()
    expect(first.get_by_text("Ravi Reviewer has taken this case over.")).to_be_visible()
    expect(first.get_by_label("What you typed was not stored:")).to_have_value("Half a thought")


def test_viewer_heat_map_and_keys(people: People, file_case: FileCase) -> None:
    page = people.page("submitter")
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

    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Rotate right").click()
    page.get_by_role("button", name="Zoom in").click()
