"""After a sign-out a browser shows nothing of a case, neither behind the Back button nor at a picture's address."""

from playwright.sync_api import Response, expect

from tests.e2e.browsing import ENTRANCE, FileCase, People, sign_in, sign_out
from tests.e2e.photographs import photograph

STEPS_BACK = 4


def test_nothing_is_shown_after_signing_out(people: People, file_case: FileCase) -> None:
    page = people.visitor()
    answers: list[Response] = []
    page.on("response", lambda response: answers.append(response))
    sign_in(page, "submitter@demo.example", people.password("submitter"))
    address = file_case(page, [photograph(83)], "P-8301")
    expect(page.locator("#case-state")).to_contain_text("Awaiting read")
    frame = page.locator("[data-frame]").first
    picture = frame.get_attribute("data-image-url") or ""
    expect(page.locator("[data-viewer-stage] .openseadragon-canvas > canvas").first).to_be_visible()

    # The picture by itself becomes an entry of the history; the page shows its own copy of it, after asking.
    page.goto(picture)
    assert page.evaluate("document.images[0].naturalWidth") > 0
    # Chromium's own page around a picture has styles that our policy refuses it.
    people.complaints.found[:] = [one for one in people.complaints.found if "inline style" not in one]
    answers.clear()
    page.goto(address)
    expect(page.locator("[data-viewer-stage] .openseadragon-canvas > canvas").first).to_be_visible()
    sent = {one.url: one.status for one in answers if "/images/" in one.url and "markers" not in one.url}
    assert set(sent.values()) == {304}, sent

    sign_out(page)
    for _step in range(STEPS_BACK):
        page.go_back()
        page.wait_for_load_state()
        assert ENTRANCE.search(page.url), page.url
        assert "P-8301" not in page.content()
        assert page.evaluate("[...document.images].every(one => !one.src.includes('/images/'))")
    page.goto(picture)
    assert ENTRANCE.search(page.url)
