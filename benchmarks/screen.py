"""How long a person waits in a real browser: from choosing the file to the bars on the screen."""

from __future__ import annotations

from shutil import which
from time import perf_counter
from typing import Any

from playwright.sync_api import FilePayload, Page, sync_playwright

from benchmarks.latency import ONE_PHOTOGRAPH
from benchmarks.report import spread
from tests.portal_client import draw_photograph

#: Background calls of Chromium would be refused on a closed network, many at a time.
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


def measure(url: str, email: str, password: str, repeat: int) -> list[dict[str, Any]]:
    """Rows for one photograph as a case and as a quick look. Raises FileNotFoundError without Chromium."""
    path = which("chromium")
    if path is None:
        raise FileNotFoundError("no Chromium on this machine: apt-get install chromium")
    files: list[FilePayload] = [
        {"name": "field.jpg", "mimeType": "image/jpeg", "buffer": draw_photograph(1000 + number)}
        for number in range(repeat + 1)
    ]
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=path, args=FLAGS) as browser,
    ):
        page = browser.new_page(base_url=url, viewport={"width": 1280, "height": 800})
        _sign_in(page, email, password)
        # The first of each warms the browser's cache.
        cases = [_case(page, file) for file in files][1:]
        looks = [_quick_look(page, file) for file in files][1:]
    return [
        spread("one photograph: file chosen, draft submitted, bars shown", cases, ONE_PHOTOGRAPH),
        spread("quick look: file chosen, bars shown", looks, ONE_PHOTOGRAPH),
    ]


def _sign_in(page: Page, email: str, password: str) -> None:
    page.goto("/account/login/")
    page.locator("input[name=login]").fill(email)
    page.locator("input[name=password]").fill(password)
    page.locator("input[name=password]").press("Enter")
    page.wait_for_url("**/cases/**")


def _case(page: Page, file: FilePayload) -> float:
    page.goto("/cases/new/")
    page.get_by_label("Patient pseudonym").fill("BENCH-0001")
    page.get_by_label("Specimen").select_option("peripheral_blood")
    began = perf_counter()
    page.get_by_label("Choose photographs").set_input_files([file])
    page.locator("[data-files] [data-state=done]").wait_for()
    page.get_by_role("button", name="Submit case").click()
    page.locator("#case-live .bars").first.wait_for()
    return perf_counter() - began


def _quick_look(page: Page, file: FilePayload) -> float:
    page.goto("/quick-look/")
    began = perf_counter()
    page.get_by_label("Choose a photograph").set_input_files([file])
    page.locator("#quick-look-answer .bars").wait_for()
    return perf_counter() - began
