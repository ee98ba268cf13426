"""The worklist in a browser: filters saved by name, cases handed out in bulk, and the laboratory's rules."""

import re

from playwright.sync_api import expect

from tests.e2e.browsing import FileCase, People, violations
from tests.e2e.photographs import photograph


def test_filters_are_saved_by_name_and_come_back(people: People) -> None:
    page = people.page("reviewer2")
    page.goto("/cases/")
    page.get_by_text("More filters").click()
    page.get_by_label("Stain").select_option("leishman")
    expect(page).to_have_url(re.compile("stain=leishman"))
    expect(page.get_by_label("Stain")).to_be_visible()
    page.get_by_role("button", name="Save these filters").click()
    page.get_by_label("Name", exact=True).fill("Leishman only")
    assert violations(page) == []
    page.keyboard.press("Enter")
    expect(page.get_by_text("The filters are saved as “Leishman only”.")).to_be_visible()
    page.goto("/cases/")
    page.get_by_role("link", name="Leishman only").click()
    expect(page).to_have_url(re.compile(r"\?stain=leishman$"))
    expect(page.get_by_label("Stain")).to_have_value("leishman")
    page.get_by_role("button", name="Remove the saved filter Leishman only").click()
    page.get_by_role("button", name="Remove", exact=True).click()
    expect(page.get_by_text("Saved filter removed.")).to_be_visible()
    expect(page.get_by_role("link", name="Leishman only")).to_have_count(0)


def test_an_administrator_hands_out_what_the_list_shows(people: People, file_case: FileCase) -> None:
    submitter = people.page("submitter")
    for seed in (901, 902):
        file_case(submitter, [photograph(seed)], "P-9000")
        expect(submitter.locator("#case-state")).to_contain_text("Awaiting read")
    page = people.page("labadmin")
    page.goto("/cases/?q=P-9000")
    button = page.get_by_role("button", name="Assign", exact=True)
    expect(button).to_be_disabled()
    page.get_by_role("checkbox", name="Select all on this page").check()
    expect(page.get_by_text("2 cases selected")).to_be_visible()
    page.get_by_role("checkbox", name=re.compile("^Select HL-")).first.uncheck()
    expect(page.get_by_text("1 case selected")).to_be_visible()
    page.get_by_role("checkbox", name="Select all on this page").check()
    page.get_by_label("Assign to").last.select_option(label="Ravi Reviewer")
    button.click()
    dialog = page.locator("#confirm-dialog")
    expect(dialog).to_contain_text("2 cases will be assigned to Ravi Reviewer.")
    dialog.get_by_role("button", name="Assign").click()
    expect(page.get_by_text("2 cases reassigned.")).to_be_visible()
    expect(page).to_have_url(re.compile("q=P-9000"))
    expect(page.locator("#worklist tbody tr").filter(has_text="Ravi Reviewer")).to_have_count(2)

    # N takes the next case: those that are meant for the person come first.
    reviewer = people.page("reviewer2")
    reviewer.goto("/cases/")
    reviewer.keyboard.press("n")
    reviewer.wait_for_url(re.compile(r"/cases/[0-9a-f-]{36}/$"))
    expect(reviewer.get_by_text("P-9000")).to_be_visible()
    page.goto("/cases/?q=P-9000&claimed_by=anybody")
    expect(page.locator("#worklist tbody tr")).to_have_count(1)


def test_the_share_is_asked_for_where_it_applies(people: People) -> None:
    page = people.page("labadmin")
    page.goto("/laboratory/reading/")
    share = page.locator("#id_second_read_share")
    expect(share).to_be_hidden()
    page.get_by_label("A random share of the cases").check()
    expect(share).to_be_visible()
    page.get_by_label("Never").check()
    expect(share).to_be_hidden()
