"""What somebody typed while the session ended is sent after the next sign-in, and never in another person's name."""

import re

from playwright.sync_api import Page, expect

from tests.e2e.browsing import FileCase, People, conclude, sign_in, take, violations_in_both_themes
from tests.e2e.photographs import photograph


def end_session(page: Page) -> None:
    page.wait_for_load_state("networkidle")  # what the page loads by itself is not refused
    page.context.clear_cookies(name="sessionid")


def sign_in_elsewhere(people: People, page: Page, name: str) -> None:
    """In another tab of the same browser, in the place of whoever is signed in."""
    end_session(page)
    tab = page.context.new_page()
    sign_in(tab, f"{name}@demo.example", people.password(name))
    tab.close()
    page.bring_to_front()


def test_typed_text_is_sent_after_signing_in_again(people: People, file_case: FileCase) -> None:
    people.complaints.expect_status(401, "/(live|bell|keep)/")
    people.complaints.expect_status(403, "/(live|bell|keep)/")
    page = people.visitor()
    sign_in(page, "reviewer@demo.example", people.password("reviewer"))
    address = file_case(people.page("submitter"), [photograph(91)], "P-9101")
    page.goto(address)
    expect(page.locator("#case-state")).to_contain_text("Awaiting read")
    take(page)

    # Another person signs in meanwhile: nothing is sent in that name, and the page is covered.
    page.locator("#case-action input[name=label][value=Pre]").check()
    page.locator("#case-action input[name=confidence][value=high]").check(force=True)
    page.get_by_label(re.compile("^Comment")).fill("Auer rods")
    sign_in_elsewhere(people, page, "reviewer2")
    page.locator("#case-action [data-save]").click()
    dialog = page.locator("#session-dialog")
    expect(dialog).to_contain_text("Ravi Reviewer is now signed in on this browser.")
    page.keyboard.press("Escape")
    expect(dialog).to_be_visible()
    assert violations_in_both_themes(page) == {}
    sign_in_elsewhere(people, page, "reviewer")
    page.locator("[data-conclusion-form]").wait_for()

    # Signed in again in another tab: it is simply sent.
    sign_in_elsewhere(people, page, "reviewer")
    conclude(page, "Fine chromatin.")

    # Signed out: the dialog asks, in a window of its own, and the report is signed with its comment.
    page.get_by_label("Comment on the report").fill("Seen twice.")
    page.get_by_label("Password or authenticator code").fill(people.password("reviewer"))
    end_session(page)
    page.get_by_role("button", name="Sign report").click()
    expect(dialog).to_contain_text("You are signed out")
    assert violations_in_both_themes(page) == {}
    with page.expect_popup() as opened:
        dialog.get_by_role("link", name="Sign in again").click()
    window = opened.value
    window.get_by_label("Email").fill("reviewer@demo.example")
    window.get_by_label("Password").fill(people.password("reviewer"))
    window.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/diagnosis/")
    expect(page.locator("main")).to_contain_text("Seen twice.")
    expect(page.locator("main")).to_contain_text("Auer rods")


def test_a_server_that_does_not_answer_takes_nothing_from_the_page(people: People) -> None:
    people.complaints.expect_status(503, "/account/session/")
    page = people.page("submitter")
    page.goto("/account/preferences/")
    page.route("**/account/session/", lambda route: route.fulfill(status=503))
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Nothing was sent; what you typed is still on this page.")).to_be_visible()
    page.unroute("**/account/session/")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Your preferences are saved.")).to_be_visible()
