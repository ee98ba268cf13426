"""People who asked their system for more contrast, or for colours of their own."""

from playwright.sync_api import expect

from tests.e2e.browsing import People, violations


def test_more_contrast_and_forced_colours(people: People) -> None:
    page = people.page("reviewer", contrast="more")
    page.goto("/cases/")
    assert violations(page) == []
    chosen = page.locator(".stages [aria-current=true]")
    expect(chosen).to_be_visible()
    # Not by axe: it reckons with the page's own colours where the system's stand.
    page.emulate_media(forced_colors="active")
    expect(chosen).to_have_css("outline-width", "3px")
