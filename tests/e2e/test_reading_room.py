"""The reading room's flows in real browsers: two readers at once, disagreement, returning, and keys alone."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.browsing import FileCase, People, answer, conclude, sign, take, violations_in_both_themes
from tests.e2e.photographs import photograph


@pytest.fixture
def second_reads(people: People) -> Iterator[None]:
    """The demo laboratory has every case read twice for the length of a test."""
    _set_policy(people.page("labadmin"), "always")
    yield
    _set_policy(people.page("labadmin"), "never")


def _set_policy(page: Page, second_read: str) -> None:
    page.goto("/laboratory/reading/")
    page.locator(f"input[name=second_read][value={second_read}]").check()
    page.get_by_role("button", name="Save").click()
    page.get_by_role("status").or_(page.locator(".alert")).first.wait_for()


def _waiting(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.locator("#case-state")).to_contain_text("Awaiting read")


def test_disagreement_goes_to_a_third_reader_is_signed_and_amended(
    people: People, file_case: FileCase, second_reads: None
) -> None:
    submitter = people.page("submitter")
    address = file_case(submitter, [photograph(80)], "P-3001")
    _waiting(submitter, address)
    for name, label, words in (
        ("reviewer", "Pre", "Prominent nucleoli."),
        ("reviewer2", "Early", "Scant cytoplasm."),
    ):
        page = people.page(name)
        page.goto(address)
        take(page)
        expect(page.locator("#main")).not_to_contain_text("Prominent nucleoli.")
        answer(page, label, comment=words)
        conclude(page, words)
        expect(page).to_have_url(re.compile(r"/cases/$"))

    third = people.page("reviewer3")
    third.goto(address)
    expect(third.locator("#main")).not_to_contain_text("Scant cytoplasm.")
    take(third)
    for words in ("Prominent nucleoli.", "Scant cytoplasm."):
        expect(third.locator("#case-action")).to_contain_text(words)
    assert violations_in_both_themes(third) == {}
    answer(third, "Pre", comment="Most cells have nucleoli.")
    sign(third, people.password("reviewer3"))
    expect(third.locator(".conclusion")).to_have_text("Pre-B ALL")
    expect(third.locator(".reads > li")).to_have_count(3)

    people.complaints.expect_status(422, "/amend/$")
    third.get_by_role("link", name="Amend").click()
    third.get_by_label("Conclusion").select_option("Pro")
    third.get_by_label("Password or authenticator code").fill(people.password("reviewer3"))
    third.get_by_role("button", name="Sign the amendment").click()
    expect(third.get_by_text("State why the signed report is amended.")).to_be_visible()
    third.get_by_label("Reason for the amendment").fill("Flow cytometry came in.")
    third.get_by_label("Password or authenticator code").fill(people.password("reviewer3"))
    third.get_by_role("button", name="Sign the amendment").click()
    third.wait_for_url("**/diagnosis/")
    expect(third.locator(".changes del").first).to_have_text("Pre-B ALL")
    expect(third.locator(".changes ins").first).to_have_text("Pro-B ALL")
    third.get_by_role("link", name="Version 1").click()
    expect(third.locator(".conclusion")).to_have_text("Pre-B ALL")
    expect(third.get_by_text("This is an earlier version.")).to_be_visible()
    third.get_by_role("link", name="Verify the hash").click()
    expect(third.locator("main")).to_contain_text("This version was amended")
    assert violations_in_both_themes(third) == {}


def test_a_returned_case_says_what_is_missing_and_comes_back(people: People, file_case: FileCase) -> None:
    submitter, reviewer = people.page("submitter"), people.page("reviewer")
    address = file_case(submitter, [photograph(82)], "P-3002")
    _waiting(reviewer, address)
    take(reviewer)
    reviewer.get_by_role("button", name="Return to submitter").click()
    assert violations_in_both_themes(reviewer) == {}
    reviewer.get_by_role("dialog").get_by_label("What is missing").fill("Two more fields, in focus.")
    reviewer.get_by_role("button", name="Return the case").click()
    expect(reviewer.get_by_text("The case has been returned to its submitter")).to_be_visible()

    submitter.goto(address)
    expect(submitter.get_by_text("Two more fields, in focus.")).to_be_visible()
    assert violations_in_both_themes(submitter) == {}
    submitter.get_by_label("Choose photographs").set_input_files([photograph(83)])
    submitter.locator("[data-files] [data-state=done] >> nth=1").wait_for()
    submitter.get_by_role("button", name="Submit case").click()
    expect(submitter.locator("#case-state")).to_contain_text("Awaiting read")
    expect(submitter.locator("[data-frame]")).to_have_count(2)
    expect(submitter.locator("#case-live .bars").first).to_be_visible()


def test_two_readers_who_ask_at_once_get_two_cases(people: People, file_case: FileCase) -> None:
    submitter = people.page("submitter")
    for seed in (84, 85):
        _waiting(submitter, file_case(submitter, [photograph(seed)], f"P-30{seed}"))
    readers = [people.page(name) for name in ("reviewer", "reviewer2")]
    for reader in readers:
        reader.goto("/cases/")
    # Both buttons are pressed before either answer is waited for.
    for reader in readers:
        reader.get_by_role("button", name="Next case").click(no_wait_after=True)
    for reader in readers:
        reader.locator("#case-action .in-hand").wait_for()
    first, second = (reader.url for reader in readers)
    assert first != second
    readers[1].goto(first)
    expect(readers[1].get_by_text("Rosa Reviewer has this case until")).to_be_visible()
    for reader, address in zip(readers, (first, second), strict=True):
        reader.goto(address)
        reader.get_by_role("button", name="Give back").click()
        reader.wait_for_url("**/cases/")


def test_next_pressed_twice_takes_one_case(people: People, file_case: FileCase) -> None:
    submitter, reader = people.page("submitter"), people.page("reviewer2")
    for seed in (86, 87):
        _waiting(submitter, file_case(submitter, [photograph(seed)], f"P-30{seed}"))
    reader.goto("/cases/")
    sent: list[str] = []
    reader.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    reader.locator("h1").click()
    reader.evaluate("""() => { for (const _ of [1, 2])
        document.querySelector("[data-next-case]").requestSubmit(); }""")
    reader.locator("#case-action .in-hand").wait_for()
    assert [url.rpartition("/cases/")[2] for url in sent] == ["next/"]
    taken = reader.url
    reader.locator("h1").click()
    reader.keyboard.press("n")
    expect(reader.locator("main")).to_contain_text("Answer it or give it back")
    expect(reader).to_have_url(taken)
    reader.get_by_role("button", name="Give back").dblclick()
    expect(reader.locator("main")).to_contain_text("is waiting for the next reader")


def test_twelve_photographs_by_keys_alone_from_sign_in_to_signed_report(
    people: People, file_case: FileCase
) -> None:
    submitter = people.page("submitter")
    photographs = [photograph(seed) for seed in range(100, 112)]
    address = file_case(submitter, photographs, "P-3012", priority="stat")
    _waiting(submitter, address)

    page = people.visitor()
    page.goto("/account/login/")
    page.get_by_label("Email").wait_for()
    keys = page.keyboard
    keys.type("reviewer3@demo.example")
    keys.press("Tab")
    keys.type(people.password("reviewer3"))
    keys.press("Enter")
    page.wait_for_url("**/cases/")

    pressed: list[str] = []

    def press(key: str) -> None:
        pressed.append(key)
        keys.press(key)

    press("n")
    page.locator("#case-action .in-hand").wait_for()
    expect(page).to_have_url(address)
    press("3")
    expect(page.locator("[data-answered-count]")).to_contain_text("1 of 12")
    press("Shift+Digit3")
    expect(page.locator("[data-answered-count]")).to_contain_text("12 of 12")
    press("9")
    press("Tab")
    pressed.append("a comment")
    keys.type("Nucleoli in most blasts.")
    press("Control+Enter")
    page.locator("[data-conclusion-form]").wait_for()
    press("Enter")
    page.get_by_label("Password or authenticator code").wait_for()
    expect(page.get_by_label("Password or authenticator code")).to_be_focused()
    pressed.append("the password")
    keys.type(people.password("reviewer3"))
    press("Enter")
    page.wait_for_url("**/diagnosis/")
    expect(page.locator(".conclusion")).to_have_text("Pre-B ALL")
    assert len(pressed) < 15, pressed
