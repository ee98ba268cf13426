"""What a page looks like on paper and on a phone, and what must never lie over something else."""

import re

import pytest
from playwright.sync_api import FilePayload, Page, ViewportSize, expect

from tests.e2e.browsing import FileCase, People, answer, conclude, sign, take
from tests.e2e.photographs import photograph

PHONE: ViewportSize = {"width": 390, "height": 844}
#: Width over height of the canvas as it is shown, and of its own pixels.
SHAPES = """() => {
  const canvas = document.querySelector("[data-viewer-stage] .openseadragon-canvas > canvas");
  const box = canvas.getBoundingClientRect();
  return [box.width / box.height, canvas.width / canvas.height, box.width];
}"""
LAID_OUT = "stage => [stage.offsetWidth, stage.offsetHeight]"
#: The smallest letters of the charts that are shown, in pixels of the screen.
SMALLEST_LETTERS = """() => Math.min(...[...document.querySelectorAll("svg.chart")]
  .filter((chart) => chart.clientWidth)
  .flatMap((chart) => [...chart.querySelectorAll("text")].map((text) =>
    parseFloat(getComputedStyle(text).fontSize) * chart.clientWidth / chart.viewBox.baseVal.width)))"""


@pytest.fixture(scope="module")
def signed() -> dict[str, str]:
    return {}


@pytest.fixture
def report(people: People, file_case: FileCase, signed: dict[str, str]) -> str:
    """The address of a signed report with an urgent finding, made once; the reader changed the answer."""
    if "report" not in signed:
        address = file_case(people.page("submitter"), [photograph(401)], "P-4010")
        reviewer = people.page("reviewer")
        reviewer.goto(address)
        expect(reviewer.locator("#case-state")).to_contain_text("Awaiting read")
        take(reviewer)
        answer(reviewer, "Pro", comment="Blasts.")
        conclude(reviewer)
        sign(reviewer, people.password("reviewer"))
        signed |= {"case": address, "report": reviewer.url}
    return signed["report"]


def open_case(people: People, address: str) -> Page:
    page = people.page("reviewer")
    page.goto(address)
    page.locator("[data-viewer-stage]:not(.is-loading) canvas").first.wait_for()
    page.wait_for_load_state("networkidle")
    return page


def test_a_printed_case_shows_its_photograph_as_it_is(
    people: People, report: str, signed: dict[str, str]
) -> None:
    page = open_case(people, signed["case"])
    stage = page.locator("[data-viewer-stage]")
    on_screen = stage.evaluate(LAID_OUT)
    # the printer's page is narrower than the screen
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 718, "height": 1000})
    # laid out as before and scaled as a whole, or the printer would stretch the canvas that was drawn for the screen
    assert stage.evaluate(LAID_OUT) == on_screen
    shown, own, width = page.evaluate(SHAPES)
    assert shown == pytest.approx(own, rel=0.01)
    assert 300 < width <= 718
    for button in page.locator("button, .btn, input").all():
        assert not button.is_visible(), button.evaluate("element => element.outerHTML")


def test_insights_begin_on_the_first_printed_page(people: People, report: str) -> None:
    page = people.page("labadmin")
    page.goto("/insights/")
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 718, "height": 1000})
    first = page.locator(".insights-card").first
    expect(first).to_be_visible()
    # A card that may not be divided and is longer than what is left of the page leaves the page empty.
    assert first.evaluate("card => getComputedStyle(card).breakInside") == "auto"
    box = first.bounding_box()
    assert box is not None
    assert box["y"] < 300
    assert not page.locator(".insights-filters, .insights-nav").first.is_visible()


def test_charts_can_be_read_on_a_phone(people: People, report: str) -> None:
    page = people.page(
        "labadmin",
    )
    sizes: list[tuple[ViewportSize, int]] = [
        ({"width": 1280, "height": 800}, 10),
        (PHONE, 10),
        ({"width": 720, "height": 900}, 10),
    ]
    for size, least in sizes:
        page.set_viewport_size(size)
        page.goto("/insights/")
        assert page.evaluate(SMALLEST_LETTERS) >= least, size


def test_the_urgent_banner_is_one_line_on_a_phone(people: People, report: str) -> None:
    page = people.page("submitter")
    page.set_viewport_size(PHONE)
    page.goto("/cases/")
    banner = page.locator("a.alert-banner")
    expect(banner).to_contain_text(re.compile("urgent findings? (is|are) waiting for you"))
    box = banner.bounding_box()
    assert box is not None
    assert box["height"] <= 44
    expect(page.get_by_role("link", name=re.compile("See and acknowledge"))).to_be_visible()


def test_a_report_keeps_its_words_apart(people: People, report: str) -> None:
    page = people.page("reviewer")
    page.goto(report)
    assert page.locator(".reads > li").first.inner_text().splitlines()[1:3] == [
        "Pro-B ALL",
        "Confidence: High · answered before seeing the model's answer",
    ]


def test_nothing_lies_over_the_files_of_a_new_case(people: People) -> None:
    page = people.page("submitter")
    page.set_viewport_size({"width": 1280, "height": 600})
    page.goto("/cases/new/")
    files: list[FilePayload] = [
        {"name": f"{number}.png", "mimeType": "image/png", "buffer": b"no picture"} for number in range(9)
    ]
    page.get_by_label("Choose photographs").set_input_files(files)
    rows = page.locator("[data-files] > li")
    expect(rows).to_have_count(len(files))
    for width in (1280, 820):
        page.set_viewport_size({"width": width, "height": 600})
        for row in rows.all():
            row.evaluate("row => row.scrollIntoView({block: 'end'})")
            is_on_top = """row => {
              const { left, right, bottom } = row.getBoundingClientRect();
              return row.contains(document.elementFromPoint((left + right) / 2, bottom - 6));
            }"""
            assert row.evaluate(is_on_top), width
