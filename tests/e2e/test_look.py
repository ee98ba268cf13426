"""Every page in both themes and sizes: no accessibility violation, nothing wider than the screen."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from playwright.sync_api import expect

from tests.e2e.browsing import TABLET, FileCase, People, answer, conclude, sign, take, violations
from tests.e2e.photographs import photograph


@dataclass
class Addresses:
    """Addresses of a case in each shape, made once."""

    draft: str = ""
    awaiting: str = ""
    reading: str = ""
    revealed: str = ""
    signing: str = ""
    reported: str = ""


@pytest.fixture(scope="module")
def addresses() -> Addresses:
    return Addresses()


@pytest.fixture
def ready(people: People, addresses: Addresses, file_case: FileCase) -> Addresses:
    """A draft, and a case at each step of its read."""
    if addresses.reported:
        return addresses
    page = people.page("submitter")
    page.goto("/cases/new/")
    page.get_by_label("Patient pseudonym").fill("P-5000")
    page.get_by_label("Specimen").select_option("csf")
    page.get_by_label("Choose photographs").set_input_files([photograph(50)])
    page.locator("[data-files] [data-state=done]").wait_for()
    addresses.draft = page.url
    for place, seed in (
        ("awaiting", 51),
        ("reading", 53),
        ("revealed", 55),
        ("signing", 57),
        ("reported", 59),
    ):
        address = file_case(page, [photograph(seed), photograph(seed + 1)], f"P-50{seed}")
        expect(page.locator("#case-state")).to_contain_text("Awaiting read")
        setattr(addresses, place, address)
    reviewer = people.page("reviewer")
    for place in ("reading", "revealed", "signing", "reported"):
        reviewer.goto(getattr(addresses, place))
        take(reviewer)
        if place != "reading":
            answer(reviewer, "Pre", confidence="Low", comment="A comment.")
        if place in ("signing", "reported"):
            conclude(reviewer)
        if place == "reported":
            sign(reviewer, people.password("reviewer"))
    return addresses


#: Name of the page, who looks, and where it is.
PAGES: list[tuple[str, str, Callable[[Addresses], str]]] = [
    ("sign-in", "", lambda _: "/account/login/"),
    ("password reset", "", lambda _: "/account/password/reset/"),
    ("worklist", "reviewer", lambda _: "/cases/"),
    ("worklist, administrator", "labadmin", lambda _: "/cases/?stage=reading"),
    ("my cases, filters open", "reviewer", lambda _: "/cases/?stage=mine&mine=on"),
    ("no match", "reviewer", lambda _: "/cases/?q=there-is-no-such-case"),
    ("new case", "submitter", lambda _: "/cases/new/"),
    ("draft", "submitter", lambda found: found.draft),
    ("case that waits", "reviewer", lambda found: found.awaiting),
    ("case in a colleague's hands", "reviewer2", lambda found: found.reading),
    ("case to read", "reviewer", lambda found: found.reading),
    ("case to conclude", "reviewer", lambda found: found.revealed),
    ("case to sign", "reviewer", lambda found: found.signing),
    ("amendment", "reviewer", lambda found: f"{found.reported}amend/"),
    ("insights", "reviewer", lambda _: "/insights/"),
    ("preferences", "reviewer", lambda _: "/account/preferences/"),
    ("verify a hash", "submitter", lambda _: "/reports/verify/"),
    ("insights' cases", "labadmin", lambda _: "/insights/cases/"),
    ("reading policy", "labadmin", lambda _: "/laboratory/reading/"),
    ("reported case", "submitter", lambda found: found.reported),
    ("diagnosis", "submitter", lambda found: f"{found.reported}diagnosis/"),
    ("quick look", "submitter", lambda _: "/quick-look/"),
    ("users", "labadmin", lambda _: "/users/"),
    ("model", "reviewer", lambda _: "/models/"),
    ("password change", "submitter", lambda _: "/account/password/change/"),
    ("notifications", "submitter", lambda _: "/notifications/"),
    ("urgent findings", "submitter", lambda _: "/alerts/"),
    ("urgent findings, administrator", "labadmin", lambda _: "/alerts/"),
    ("two-factor", "submitter", lambda _: "/account/2fa/"),
]


@pytest.mark.parametrize(("name", "person", "address"), PAGES, ids=[name for name, _, _ in PAGES])
def test_page(
    people: People, ready: Addresses, name: str, person: str, address: Callable[[Addresses], str]
) -> None:
    page = people.page(person) if person else people.visitor()
    page.goto(address(ready))
    found = {}
    for theme, size in (("light", None), ("dark", TABLET)):
        if size:
            page.set_viewport_size(size)
        page.evaluate("theme => localStorage.setItem('hemalens-theme', theme)", theme)
        page.reload()
        expect(page.locator("html")).to_have_attribute("data-bs-theme", theme)
        found[theme] = violations(page)
    assert not any(found.values()), f"{name}: {found}"


def test_theme_is_kept_and_follows_the_system_until_chosen(people: People) -> None:
    page = people.page("submitter", color_scheme="dark")
    page.goto("/cases/")
    html = page.locator("html")
    expect(html).to_have_attribute("data-bs-theme", "dark")
    page.get_by_role("button", name="Sam Submitter").click()
    page.get_by_role("button", name="Light").click()
    expect(html).to_have_attribute("data-bs-theme", "light")
    page.reload()
    expect(html).to_have_attribute("data-bs-theme", "light")


def test_worklist_by_keyboard_with_everything_in_the_address(people: People, ready: Addresses) -> None:
    page = people.page("reviewer")
    page.goto("/cases/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()

    page.get_by_role("searchbox").focus()
    page.keyboard.type("P-5000")
    expect(page).to_have_url(re.compile("q=P-5000"))
    rows = page.locator("#worklist tbody tr")
    expect(rows.filter(has_not_text="P-5000")).to_have_count(0)
    expect(rows).not_to_have_count(0)
    page.get_by_role("link", name="Clear", exact=True).focus()
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Priority").focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("sort=priority"))
    expect(page.locator("th[aria-sort=ascending]")).to_have_text("Priority")
    page.get_by_role("link", name=re.compile("^Drafts")).click()
    expect(page).to_have_url(re.compile("stage=draft"))
    page.go_back()
    expect(page).to_have_url(re.compile("sort=priority"))


def test_pages_that_are_not_there_say_so(people: People) -> None:
    people.complaints.expect_status(404, "/cases/0000")
    people.complaints.expect_status(403, "/users/$")
    page = people.page("submitter")
    page.goto("/cases/00000000-0000-0000-0000-000000000000/")
    expect(page.get_by_role("heading", name="There is nothing here")).to_be_visible()
    assert violations(page) == []
    page.goto("/users/")
    expect(page.get_by_role("heading", name="You are not allowed to do that")).to_be_visible()
