"""The viewer's tools by mouse and by key: what they show, what they store, and what blind reading keeps from them."""

import re

import pytest
from playwright.sync_api import FloatRect, Locator, Page, expect

from tests.e2e.browsing import FileCase, People, violations
from tests.e2e.photographs import photograph

#: Micrometres per pixel of the case, whose photographs are 640 pixels wide.
SCALE = 0.1
WIDTH = 640


@pytest.fixture(scope="module")
def filed() -> list[str]:
    """Address of the one case of this module, once it is filed."""
    return []


@pytest.fixture
def address(people: People, filed: list[str], file_case: FileCase) -> str:
    if not filed:
        submitter = people.page("submitter")
        photographs = [photograph(seed) for seed in (71, 72, 73)]
        filed.append(file_case(submitter, photographs, "P-7001", scale=str(SCALE)))
        expect(submitter.locator("#case-state")).to_contain_text("Awaiting read")
    return filed[0]


def opened(page: Page, address: str) -> Locator:
    """The canvas of the photograph on an opened case page."""
    page.goto(address)
    canvas = page.locator("[data-viewer-stage] .openseadragon-canvas > canvas").first
    expect(canvas).to_be_visible()
    expect(page.locator(".viewer-overlay")).not_to_have_attribute("hidden", "")
    return canvas


def pressed(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True, pressed=True)


def stage_box(page: Page) -> FloatRect:
    """The stage, in CSS pixels."""
    box = page.locator("[data-viewer-stage]").bounding_box()
    assert box is not None
    return box


def test_photograph_is_adjusted_magnified_and_put_beside_another(people: People, address: str) -> None:
    page = people.page("submitter")
    canvas = opened(page, address)
    page.keyboard.press("]")
    page.keyboard.press("]")
    expect(canvas).to_have_css("filter", "brightness(1.2) contrast(1)")
    page.get_by_role("button", name="Brightness and contrast").click()
    page.get_by_role("slider", name="Contrast").fill("150")
    expect(canvas).to_have_css("filter", "brightness(1.2) contrast(1.5)")
    page.get_by_role("button", name="Reset", exact=True).click()
    expect(canvas).to_have_css("filter", "none")
    page.get_by_role("button", name="Brightness and contrast").click()

    page.keyboard.press("m")
    expect(pressed(page, "Magnifier")).to_be_visible()
    lens = page.locator(".viewer-lens")
    box = stage_box(page)
    page.mouse.move(box["x"] + 300, box["y"] + 200)
    expect(lens).to_have_css("transform", "matrix(1, 0, 0, 1, 190, 90)")
    page.keyboard.press("m")
    expect(lens).to_be_hidden()

    page.keyboard.press("s")
    expect(page.locator("[data-caption-second]")).to_have_text("Photograph 2")
    page.locator("[data-frame]").nth(2).click(modifiers=["Shift"])
    expect(page.locator("[data-caption-second]")).to_have_text("Photograph 3")
    expect(page.locator("[data-frame]").first).to_have_attribute("aria-current", "true")
    assert violations(page) == []
    page.locator("h1").click()
    page.keyboard.press("s")
    expect(page.locator("[data-viewer-second]")).to_be_hidden()


def test_distances_are_in_micrometres(people: People, address: str) -> None:
    page = people.page("submitter")
    opened(page, address)
    page.keyboard.press("d")
    expect(pressed(page, "Measure")).to_be_visible()
    # The whole photograph stands in the stage, limited by its height (480 of 640 x 480 pixels).
    box = stage_box(page)
    pixel = min(box["height"] / 480, box["width"] / WIDTH)
    page.mouse.click(box["x"] + box["width"] / 2 - 100, box["y"] + box["height"] / 2 + 60)
    page.mouse.click(box["x"] + box["width"] / 2 + 100, box["y"] + box["height"] / 2 + 60)
    result = page.locator("[data-measure-result]")
    expect(result).to_have_text(re.compile(r"^[\d.]+ µm$"))
    assert float(result.inner_text().split()[0]) == pytest.approx(200 / pixel * SCALE, abs=0.3)
    page.keyboard.press("Delete")
    expect(result).to_be_empty()

    # By keys alone: the photograph moves under the cross in the middle.
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".measure-lines text")).to_have_text(re.compile("µm$"))
    page.keyboard.press("Enter")
    expect(result).to_have_text(re.compile("µm$"))
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Measure", exact=True)).to_have_attribute("aria-pressed", "false")
    expect(page.locator(".measure-lines line")).to_have_count(0)


def test_marker_is_set_noted_and_removed(people: People, address: str) -> None:
    page = people.page("submitter")
    opened(page, address)
    page.keyboard.press("a")
    page.keyboard.type("Blast with a nucleolus?")
    page.keyboard.press("Control+Enter")
    marker = page.locator("[data-marker]").filter(has_text="Blast with a nucleolus?")
    expect(marker).to_contain_text("Sam Submitter")
    assert violations(page) == []

    opened(page, address)
    expect(page.locator(".marker-pins .pin")).to_have_count(1)
    marker.get_by_role("button", name="Change the note").click()
    page.get_by_label("Note on this place").fill("Smudge cell.")
    page.get_by_role("button", name="Save the marker").click()
    changed = page.locator("[data-marker]").filter(has_text="Smudge cell.")
    changed.get_by_role("button", name="Remove the marker").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove the marker").click()
    expect(page.locator("[data-marker]")).to_have_count(0)
    expect(page.locator(".marker-pins .pin")).to_have_count(0)


def test_note_that_was_begun_outlives_its_page_and_is_saved_once(people: People, address: str) -> None:
    page = people.page("submitter")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method) if "/markers/" in request.url else None)
    kept = "Object.keys(localStorage).filter(key => key.startsWith('kept:')).length"
    opened(page, address)
    page.keyboard.press("a")
    note = page.get_by_label("Note on this place")
    note.fill("Vacuoles.")
    page.wait_for_function(f"() => {kept} === 1")
    opened(page, address)
    expect(note).to_have_value("Vacuoles.")
    page.get_by_role("button", name="Save the marker").dblclick()
    row = page.locator("[data-marker]").filter(has_text="Vacuoles.")
    expect(row).to_have_count(1)
    page.wait_for_function(f"() => {kept} === 0")
    row.get_by_role("button", name="Remove the marker").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove the marker").dblclick()
    expect(row).to_have_count(0)
    page.wait_for_load_state("networkidle")
    assert [method for method in sent if method != "GET"] == ["POST", "DELETE"]


def test_heat_map_is_off_until_asked_for_and_kept_from_who_reads_blind(people: People, address: str) -> None:
    page = people.page("submitter")
    opened(page, address)
    layer = page.locator(".heat-layer")
    expect(layer).to_have_count(0)
    page.keyboard.press("h")
    expect(layer).to_have_js_property("naturalWidth", 448)
    page.get_by_label("Class shown by the heat map").select_option("Benign")
    expect(layer).to_have_attribute("src", re.compile("Benign"))
    page.keyboard.press("h")
    expect(layer).to_have_count(0)

    reader = people.page("reviewer2")
    opened(reader, address)
    reader.keyboard.press("h")
    expect(reader.locator("[data-heat-why]")).to_have_text(
        "The heat map is shown once your own answer is saved."
    )
    expect(reader.locator(".heat-layer")).to_have_count(0)


def test_keys_are_listed_as_they_were_chosen(people: People, address: str) -> None:
    page = people.page("labadmin")
    page.goto("/account/preferences/")
    field = page.get_by_role("textbox", name="Magnifier", exact=True)
    field.press("x")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Your preferences are saved.")).to_be_visible()
    try:
        opened(page, address)
        page.keyboard.press("m")
        expect(page.locator(".viewer-lens")).to_have_count(0)
        page.keyboard.press("x")
        expect(page.locator(".viewer-lens")).to_be_visible()
        page.keyboard.press("?")
        dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
        expect(dialog.locator("dt[data-key-action=magnifier]")).to_have_text("X")
        expect(dialog.locator("dt[data-key-action=next-image]")).to_have_text("J →")
        assert violations(page) == []
    finally:
        page.goto("/account/preferences/")
        page.get_by_role("button", name="Reset all keys").click()
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_text("Your preferences are saved.")).to_be_visible()
