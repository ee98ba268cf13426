"""Keys that a person changes, by keys."""

from playwright.sync_api import expect

from tests.e2e.browsing import People, violations

PREFERENCES = "/account/preferences/"


def test_a_key_is_changed_by_pressing_it(people: People) -> None:
    page = people.page("reviewer3")
    page.goto(PREFERENCES)
    assert violations(page) == []
    measure = page.get_by_label("Measure", exact=True)
    measure.press("j")
    expect(measure).to_have_value("J")
    refusal = page.locator("#id_measure_error")
    expect(refusal).to_contain_text("“Next photograph” already has this key.")
    people.complaints.expect_status(409, PREFERENCES)
    measure.press("Enter")
    expect(refusal).to_contain_text("J is the key for both “Next photograph” and “Measure”.")
    assert violations(page) == []

    measure.press("Shift+Digit8")
    expect(measure).to_have_value("Shift+8")
    measure.press("Control+Enter")
    expect(measure).to_have_value("Ctrl+Enter")
    measure.press("x")
    measure.press("Tab")  # moves on, and is no key
    expect(measure).to_have_value("X")
    expect(page.get_by_role("button", name="Measure: reset to D")).to_be_focused()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Your preferences are saved.")).to_be_visible()
    assert '"measure": ["X"]' in (page.locator("body").get_attribute("data-keys") or "")

    page.get_by_role("button", name="Measure: reset to D").click()
    expect(measure).to_have_value("D")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Your preferences are saved.")).to_be_visible()
    expect(page.get_by_role("button", name="Measure: reset to D")).to_be_hidden()
