"""Signed-in browsers and what they complain about."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Response, ViewportSize

from tests.live import LiveSystem

STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
DESKTOP: ViewportSize = {"width": 1280, "height": 800}
TABLET: ViewportSize = {"width": 820, "height": 1180}
ENTRANCE = re.compile("/account/login/")
#: The browser's and htmx's own lines for an answer of 400 and above; whether it was meant is judged by the answer.
NETWORK_LINES = ("Failed to load resource", "Response Status Error Code")


@dataclass
class Complaints:
    """What went wrong in a browser. Refusals that a test provokes are announced with ``expect_status``."""

    found: list[str] = field(default_factory=list)
    expected: list[tuple[int, str]] = field(default_factory=list)

    def expect_status(self, status: int, path: str) -> None:
        """Answers with this status from addresses that match ``path`` (a regular expression) are meant."""
        self.expected.append((status, path))

    def watch(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.found.append(f"page error: {error}"))
        page.on("response", self._response)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(NETWORK_LINES):
            self.found.append(f"console {message.type}: {message.text} ({message.location})")

    def _response(self, response: Response) -> None:
        meant = any(
            status == response.status and re.search(path, response.url) for status, path in self.expected
        )
        if response.status >= 400 and not meant:
            self.found.append(f"{response.status} from {response.request.method} {response.url}")


@dataclass
class People:
    """Signed-in browsers, one context a person; the sign-in itself happens once a session."""

    browser: Browser
    system: LiveSystem
    complaints: Complaints
    states: dict[str, Any]
    contexts: list[BrowserContext] = field(default_factory=list)

    def password(self, name: str) -> str:
        """The password of a demo account."""
        return self.system.accounts[f"{name}@demo.example"]

    def visitor(self, **options: Any) -> Page:
        """A page of somebody who is not signed in."""
        return self._page({}, **options)

    def page(self, name: str, **options: Any) -> Page:
        """A page of a demo account: submitter, reviewer, reviewer2, reviewer3, labadmin or admin."""
        if name not in self.states:
            self.states[name] = self._sign_in(f"{name}@demo.example")
        return self._page({"storage_state": self.states[name]}, **options)

    def _page(self, state: dict[str, Any], **options: Any) -> Page:
        context = self.browser.new_context(
            base_url=self.system.base_url, viewport=DESKTOP, **state, **options
        )
        self.contexts.append(context)
        page = context.new_page()
        self.complaints.watch(page)
        return page

    def _sign_in(self, email: str) -> Any:
        page = self.visitor()
        sign_in(page, email, self.system.accounts[email])
        return page.context.storage_state()


def sign_in(page: Page, email: str, password: str) -> None:
    """Through the form, ending on the worklist."""
    page.goto("/account/login/")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/cases/")


def violations(page: Page) -> list[str]:
    """Violations of the standards, and a page that is wider than its window."""
    page.wait_for_load_state("networkidle")
    result = Axe().run(page, options={"runOnly": STANDARDS, "resultTypes": ["violations"]})
    found = [
        f"{violation['id']}: {violation['help']}: {node['html'][:160]}"
        for violation in result.response["violations"]
        for node in violation["nodes"]
    ]
    overflow = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    return [*found, *([f"wider than the window by {overflow} px"] if overflow > 0 else [])]


#: Resolves when no colour is on its way to another; one that arrives may send its children's on theirs.
_SETTLED = """async () => {
  const moving = () => document.getAnimations().filter((animation) => animation instanceof CSSTransition);
  while (moving().length) await Promise.allSettled(moving().map((animation) => animation.finished));
}"""


def violations_in_both_themes(page: Page) -> dict[str, list[str]]:
    """The same in the light theme on a desktop and in the dark one on a tablet; what is on the page stays."""
    found = {}
    for theme, size in (("light", DESKTOP), ("dark", TABLET)):
        page.set_viewport_size(size)
        page.evaluate("theme => document.documentElement.dataset.bsTheme = theme", theme)
        # Or colours would be judged half-way between the themes.
        page.evaluate(_SETTLED)
        found[theme] = violations(page)
    page.set_viewport_size(DESKTOP)
    return {theme: names for theme, names in found.items() if names}


#: Files a case through the form and returns its address: page, photographs, pseudonym, note, scale.
FileCase = Callable[..., str]


# --- what a reviewer does ----------------------------------------------------------------------------------


def take(page: Page) -> None:
    """Take the case on the page in hand."""
    page.get_by_role("button", name="Take this case").click()
    page.locator("#case-action .in-hand").wait_for()


def answer(page: Page, label: str, *, confidence: str = "High", comment: str = "") -> None:
    """Store the own answer to the whole case; ``label`` is a value of the answer cards."""
    panel = page.locator("#case-action")
    panel.locator(f"input[name=label][value={label}]").check()
    panel.locator(f"input[name=confidence][value={confidence.lower()}]").check(force=True)
    panel.get_by_label(re.compile("^(Comment|Reason)")).fill(comment)
    with page.expect_navigation():
        panel.locator("[data-save]").click()


def conclude(page: Page, reason: str = "") -> None:
    """Keep the own answer beside the model's."""
    form = page.locator("[data-conclusion-form]")
    if reason and form.get_by_label(re.compile("^Reason")).is_visible():
        form.get_by_label(re.compile("^Reason")).fill(reason)
    with page.expect_navigation():
        form.locator("[data-save]").click()


def sign(page: Page, password: str) -> None:
    """Sign the report of the case on the page."""
    page.get_by_label("Password or authenticator code").fill(password)
    page.get_by_role("button", name="Sign report").click()
    page.wait_for_url("**/diagnosis/")


def sign_out(page: Page) -> None:
    page.locator("[data-bs-toggle=dropdown]").last.click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(ENTRANCE)
