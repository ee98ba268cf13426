"""What somebody typed outlives its page: it lies encrypted in the browser until it is saved, dropped or a day old."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.e2e.browsing import FileCase, People, sign, sign_in, sign_out, take, violations_in_both_themes
from tests.e2e.photographs import photograph

ENTRIES = "Object.keys(localStorage).filter(key => key.startsWith('kept:'))"


def stored(page: Page) -> str:
    """All that the browser keeps of texts, as it lies there."""
    return str(page.evaluate(f"JSON.stringify({ENTRIES}.map(key => [key, localStorage.getItem(key)]))"))


def holds_nothing(page: Page) -> None:
    page.wait_for_function(f"() => {ENTRIES}.length === 0")


def until_kept(form: Locator) -> None:
    expect(form).to_have_attribute("data-kept", "yes")


def sign_in_again(people: People, page: Page, name: str) -> None:
    """On the sign-in that a page led to; it comes back to that page."""
    page.get_by_label("Email").fill(f"{name}@demo.example")
    page.get_by_label("Password").fill(people.password(name))
    with page.expect_navigation(url=lambda url: "/account/login/" not in url):
        page.get_by_role("button", name="Sign in").click()


def end_session(page: Page) -> None:
    page.wait_for_load_state("networkidle")  # what the page loads by itself is not refused
    page.context.clear_cookies(name="sessionid")


def reopened(people: People, page: Page) -> Page:
    """The same page in a new tab, the old one closed."""
    address, context = page.url, page.context
    page.close()
    again = context.new_page()
    people.complaints.watch(again)
    again.goto(address)
    return again


def offer(form: Locator) -> Locator:
    return form.locator(".kept-offer")


def answered(page: Page, people: People, label: str, comment: str) -> None:
    """Types the read; the session ends; the page is opened again through the sign-in, and all of it is there."""
    form = page.locator("[data-read-form]")
    form.locator(f"input[name=label][value={label}]").check()
    form.locator("input[name=confidence][value=high]").check(force=True)
    form.get_by_label(re.compile("^Comment")).fill(comment)
    until_kept(form)
    assert comment not in stored(page)
    end_session(page)
    page.reload()
    sign_in_again(people, page, "reviewer")
    expect(offer(form)).to_contain_text("It has been put back.")
    expect(form.get_by_label(re.compile("^Comment"))).to_have_value(comment)
    expect(form.locator(f"input[name=label][value={label}]")).to_be_checked()


def a_return(people: People, page: Page) -> Page:
    """What is missing, in a dialog, then decided against."""
    returning = page.locator("#return-dialog form")
    page.get_by_role("button", name="Return").first.click()
    returning.get_by_label("What is missing").fill("Two more fields.")
    until_kept(returning)
    page = reopened(people, page)
    returning = page.locator("#return-dialog form")
    page.get_by_role("button", name="Return").first.click()
    expect(returning.get_by_label("What is missing")).to_have_value("")
    assert violations_in_both_themes(page) == {}
    offer(returning).get_by_role("button", name="Put it back").click()
    expect(returning.get_by_label("What is missing")).to_have_value("Two more fields.")
    page.reload()
    page.get_by_role("button", name="Return").first.click()
    offer(returning).get_by_role("button", name="Discard").click()
    expect(offer(returning)).to_have_count(0)
    holds_nothing(page)
    page.keyboard.press("Escape")
    return page


def a_read(page: Page, people: People) -> None:
    """The read comes back by itself; discarded, it is as it was sent."""
    answered(page, people, "Pre", "Auer rods")
    form = page.locator("[data-read-form]")
    offer(form).get_by_role("button", name="Discard").click()
    expect(form.get_by_label(re.compile("^Comment"))).to_have_value("")
    expect(form.locator("input[name=label]:checked")).to_have_count(0)
    holds_nothing(page)
    answered(page, people, "Pre", "Fine chromatin")
    with page.expect_navigation():
        page.locator("#case-action [data-save]").click()


def a_conclusion(people: People, page: Page) -> Page:
    """The reason of a conclusion, in a tab that was closed."""
    conclusion = page.locator("[data-conclusion-form]")
    holds_nothing(page)
    conclusion.get_by_text("Change my answer or my confidence").click()
    conclusion.locator("input[name=label][value=Pro]").check()
    conclusion.get_by_label(re.compile("^Reason")).fill("Nucleoli after all.")
    until_kept(conclusion)
    page = reopened(people, page)
    conclusion = page.locator("[data-conclusion-form]")
    offer(conclusion).get_by_role("button", name="Put it back").click()
    expect(conclusion.get_by_label(re.compile("^Reason"))).to_have_value("Nucleoli after all.")
    expect(conclusion.locator("[data-save]")).to_contain_text("Change my answer")
    with page.expect_navigation():
        conclusion.locator("[data-save]").click()
    return page


def a_signature(people: People, page: Page, address: str) -> None:
    """The comment at signing; in between somebody else signs in on the same browser."""
    signing = page.locator("[data-sign-form]")
    signing.get_by_label("Comment on the report").fill("Seen twice.")
    signing.get_by_label("Password or authenticator code").fill("typed and not kept")
    until_kept(signing)
    end_session(page)
    page.reload()
    sign_in_again(people, page, "reviewer2")
    expect(page.locator("#case-state")).to_contain_text("Ready to sign")
    page.goto("/account/preferences/")
    expect(page.locator(".kept-offer")).to_have_count(0)
    words = stored(page)
    assert words != "[]"
    assert not re.search("Seen twice|typed and not kept|sign|reviewer", words)
    sign_out(page)
    sign_in_again(people, page, "reviewer")
    page.goto(address)
    offer(signing).get_by_role("button", name="Put it back").click()
    expect(signing.get_by_label("Comment on the report")).to_have_value("Seen twice.")
    expect(signing.get_by_label("Password or authenticator code")).to_have_value("")
    sign(page, people.password("reviewer"))
    expect(page.locator("main")).to_contain_text("Seen twice.")
    holds_nothing(page)


def an_amendment(people: People, page: Page) -> None:
    """An amendment that is refused stays kept; one that is signed does not."""
    people.complaints.expect_status(400, "/amend/$")
    page.get_by_role("link", name="Amend").click()
    amending = page.locator("form[data-keep]").last
    amending.get_by_label("Reason").fill("Flow cytometry.")
    amending.get_by_label(re.compile("^Password")).fill("wrong")
    with page.expect_navigation():
        page.get_by_role("button", name="Sign the amendment").click()
    expect(amending.get_by_label("Reason")).to_have_value("Flow cytometry.")
    page = reopened(people, page)
    amending = page.locator("form[data-keep]").last
    offer(amending).get_by_role("button", name="Put it back").click()
    expect(amending.get_by_label("Reason")).to_have_value("Flow cytometry.")
    amending.get_by_label("Conclusion").select_option("Early")
    amending.get_by_label(re.compile("^Password")).fill(people.password("reviewer"))
    page.get_by_role("button", name="Sign the amendment").click()
    page.wait_for_url("**/diagnosis/")
    holds_nothing(page)


def test_what_a_reader_types_outlives_session_tab_and_another_person(
    people: People, file_case: FileCase
) -> None:
    people.complaints.expect_status(401, "/(live|bell|keep)/")
    page = people.visitor()
    sign_in(page, "reviewer@demo.example", people.password("reviewer"))
    address = file_case(people.page("submitter"), [photograph(95)], "P-9501")
    page.goto(address)
    expect(page.locator("#case-state")).to_contain_text("Awaiting read")
    take(page)
    page = a_return(people, page)
    a_read(page, people)
    page = a_conclusion(people, page)
    a_signature(people, page, address)
    an_amendment(people, page)


Field = Callable[[Page], Locator]
FORMS: dict[str, tuple[str, str, Field, str]] = {
    "new case": ("submitter", "/cases/new/", lambda page: page.get_by_label("Clinical note"), "Fever."),
    "preferences": (
        "submitter",
        "/account/preferences/",
        lambda page: page.get_by_label("Next case", exact=True),
        "B",
    ),
    "policy": ("labadmin", "/laboratory/reading/", lambda page: page.locator("#id_claim_minutes"), "47"),
    "invitation": ("labadmin", "/users/", lambda page: page.get_by_label("E-mail"), "una@demo.example"),
    "token": ("submitter", "/account/tokens/", lambda page: page.locator("#id_name"), "Scanner 3"),
    "filter": (
        "submitter",
        "/cases/?priority=urgent",
        lambda page: page.locator("#save-filter-name"),
        "Pressing",
    ),
}


@pytest.mark.parametrize("name", FORMS)
def test_text_of_every_kind_of_form_is_offered_again(people: People, name: str) -> None:
    person, address, field, words = FORMS[name]
    page = people.page(person)
    page.goto(address)
    before = field(page).input_value()
    form = page.locator("form[data-keep]", has=field(page))
    if name == "filter":
        page.get_by_role("button", name="Save these filters").click()
    field(page).press_sequentially(words) if name == "preferences" else field(page).fill(words)
    until_kept(form)
    assert f'"{words}"' not in stored(page)
    page.reload()
    if name == "filter":
        page.get_by_role("button", name="Save these filters").click()
    expect(offer(form)).to_contain_text(
        re.compile(r"entered here on \d+ \w{3,4} \d{4}, \d\d:\d\d was not saved")
    )
    assert violations_in_both_themes(page) == {}
    expect(field(page)).to_have_value(before)
    offer(form).get_by_role("button", name="Put it back").click()
    expect(field(page)).to_have_value(words)
    until_kept(form)
    page.reload()
    if name == "filter":
        page.get_by_role("button", name="Save these filters").click()
    offer(form).get_by_role("button", name="Discard").click()
    holds_nothing(page)
    page.reload()
    expect(field(page)).to_have_value(before)
    expect(page.locator(".kept-offer")).to_have_count(0)


def a_draft(people: People, pseudonym: str) -> Page:
    """The page of a draft that has just been made and has nothing to save."""
    page = people.page("submitter")
    page.goto("/cases/new/")
    page.get_by_label("Patient pseudonym").fill(pseudonym)
    page.get_by_label("Specimen").select_option("bone_marrow")
    page.wait_for_url("**/edit/")
    holds_nothing(page)
    return page


def test_edits_of_a_draft_are_saved_or_offered(people: People) -> None:
    """A draft saves itself when a field is left; what is typed after that is kept."""
    page = a_draft(people, "P-9502")
    form, note = page.locator("[data-case-form]"), page.get_by_label("Clinical note")
    page.route(
        "**/edit/", lambda route: route.abort() if route.request.method == "POST" else route.continue_()
    )
    # Leaving the field before saves the draft; that save has to be over.
    with page.expect_event("requestfailed", lambda request: request.method == "POST"):
        note.press_sequentially("Since May.")
    until_kept(form)
    page.unroute("**/edit/")
    page.reload()
    expect(note).to_have_value("")
    offer(form).get_by_role("button", name="Put it back").click()
    expect(page.locator("[data-saved]")).to_have_text(re.compile("Saved"))
    holds_nothing(page)
    page.reload()
    expect(note).to_have_value("Since May.")
    expect(offer(form)).to_have_count(0)


def test_a_save_that_ends_while_the_page_is_loaded_again_loses_nothing(people: People) -> None:
    """The new page was made before the save and shows the field as it was: it offers the text, and never wipes it."""
    page = a_draft(people, "P-9503")
    form, note = page.locator("[data-case-form]"), page.get_by_label("Clinical note")
    saves: list[Route] = []

    def one_after_the_other(route: Route) -> None:
        if route.request.method == "POST":
            saves.append(route)
            return
        made_before = route.fetch()
        with page.expect_console_message(lambda message: message.text == "said to be saved"):
            saves[0].fulfill(response=saves[0].fetch())
        route.fulfill(response=made_before)

    page.route("**/edit/", one_after_the_other)
    page.evaluate(
        "new MutationObserver(() => console.info('said to be saved'))"
        ".observe(document.querySelector('[data-saved]'), { childList: true })"
    )
    with page.expect_request(lambda request: request.method == "POST"):
        note.press_sequentially("Since May.")
    until_kept(form)
    page.reload()
    page.unroute("**/edit/")
    expect(note).to_have_value("")
    expect(offer(form)).to_contain_text("was not saved")
    page.get_by_label("Stain").select_option("giemsa")
    expect(note).to_have_value("Since May.")
    page.reload()
    expect(note).to_have_value("Since May.")
    expect(page.get_by_label("Stain")).to_have_value("giemsa")


def test_two_windows_of_one_draft(people: People) -> None:
    """Both change the note: the second is told what the first one saved, and goes on from there."""
    people.complaints.expect_status(422, "/edit/$")
    first = a_draft(people, "P-9504")
    second = first.context.new_page()
    people.complaints.watch(second)
    second.goto(first.url)
    first.get_by_label("Clinical note").fill("Pale.")
    first.get_by_label("Clinical note").blur()
    expect(first.locator("[data-saved]")).to_have_text(re.compile("Saved"))
    note = second.get_by_label("Clinical note")
    note.fill("Fever.")
    note.blur()
    expect(second.locator('[data-error-for="clinical_note"]')).to_contain_text("to “Pale.”")
    expect(note).to_have_value("Fever.")
    assert violations_in_both_themes(second) == {}
    second.get_by_role("button", name="Save and close").click()
    second.wait_for_url("**/cases/")
    first.reload()
    expect(first.get_by_label("Clinical note")).to_have_value("Fever.")


def test_two_texts_for_one_form_are_offered_in_turn(people: People) -> None:
    page = people.page("submitter")
    page.goto("/cases/new/")
    form, note = page.locator("[data-case-form]"), page.get_by_label("Clinical note")
    note.fill("The first.")
    until_kept(form)
    page.reload()
    expect(offer(form)).to_be_visible()
    note.fill("The second.")
    until_kept(form)
    offer(form).get_by_role("button", name="Put it back").click()
    expect(note).to_have_value("The first.")
    offer(form).get_by_role("button", name="Put it back").click()
    expect(note).to_have_value("The second.")
    expect(offer(form)).to_be_visible()
    offer(form).get_by_role("button", name="Discard").click()
    expect(note).to_have_value("The second.")
    expect(offer(form)).to_have_count(0)


def test_signing_out_drops_the_own_texts_and_a_day_drops_all(people: People) -> None:
    page = people.visitor()
    sign_in(page, "submitter@demo.example", people.password("submitter"))
    page.goto("/cases/new/")
    form, note = page.locator("[data-case-form]"), page.get_by_label("Clinical note")
    note.fill("Left for tomorrow.")
    until_kept(form)
    end_session(page)
    page.reload()
    sign_in_again(people, page, "reviewer")
    page.goto("/account/preferences/")
    page.get_by_label("Next case", exact=True).press("b")
    until_kept(page.locator("[data-preferences]"))
    sign_out(page)
    sign_in_again(people, page, "submitter")
    assert page.evaluate(f"{ENTRIES}.length") == 1
    page.goto("/cases/new/")
    expect(offer(form)).to_be_visible()

    page.clock.set_fixed_time(datetime.now(UTC) + timedelta(hours=25))
    page.reload()
    holds_nothing(page)
    expect(offer(form)).to_have_count(0)


def test_where_nothing_can_be_kept_the_page_says_so(people: People) -> None:
    page = people.page("submitter")
    page.add_init_script("Object.defineProperty(crypto, 'subtle', { value: undefined })")
    page.goto("/account/preferences/")
    page.get_by_label("Next case", exact=True).press("b")
    end_session(page)
    page.get_by_role("button", name="Save").click()
    dialog = page.locator("#session-dialog")
    expect(dialog).to_contain_text("this browser keeps no copy")
    expect(dialog.get_by_text("kept in this browser for a day")).to_be_hidden()
    holds_nothing(page)
