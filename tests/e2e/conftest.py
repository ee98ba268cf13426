"""A real browser against a real running system; anything the browser complains about fails the test."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, FilePayload, Page, Playwright, expect, sync_playwright

from tests.browser import chromium
from tests.e2e.browsing import Complaints, FileCase, People
from tests.live import LiveSystem

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


expect.set_options(timeout=30_000)  # other tests run beside these


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def signed_in_states() -> dict[str, Any]:
    return {}


@pytest.fixture
def complaints() -> Iterator[Complaints]:
    complaints = Complaints()
    yield complaints
    assert not complaints.found, "\n".join(complaints.found)


@pytest.fixture
def people(
    browser: Browser, live_system: LiveSystem, complaints: Complaints, signed_in_states: dict[str, Any]
) -> Iterator[People]:
    people = People(browser, live_system, complaints, signed_in_states)
    yield people
    for context in people.contexts:
        context.close()


@pytest.fixture
def file_case() -> FileCase:
    """Files a case through the form; returns its address."""

    def file(
        page: Page,
        photographs: list[FilePayload],
        pseudonym: str = "P-4711",
        note: str = "",
        scale: str = "",
        priority: str = "routine",
    ) -> str:
        page.goto("/cases/new/")
        page.get_by_label("Patient pseudonym").fill(pseudonym)
        page.get_by_label("Specimen").select_option("bone_marrow")
        page.get_by_label("Clinical note").fill(note)
        page.locator(f"input[name=priority][value={priority}]").check(force=True)
        page.get_by_label("Micrometres per pixel").fill(scale)
        page.get_by_label("Choose photographs").set_input_files(photographs)
        page.locator(f"[data-files] [data-state=done] >> nth={len(photographs) - 1}").wait_for()
        page.get_by_role("button", name="Submit case").click()
        page.wait_for_url(re.compile(r"/cases/[0-9a-f-]{36}/$"))
        return page.url

    return file
