"""Bad files beside good ones: each refusal stands with its file, and nothing entered is lost."""

import base64
import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, Route, expect

from smear.decode import DEFAULT_LIMITS
from tests.e2e.browsing import People
from tests.e2e.photographs import bad_files, draw_field, photograph, save, upload


def row(page: Page, name: str) -> Locator:
    return page.locator("[data-file]", has=page.locator(f"[data-name]:text-is('{name}')"))


def test_each_bad_file_says_why_and_the_good_ones_stay(people: People, tmp_path: Path) -> None:
    people.complaints.expect_status(415, "/images/$")
    people.complaints.expect_status(422, "/images/$")
    people.complaints.expect_status(409, "/images/$")
    page = people.page("submitter")
    page.goto("/cases/new/")
    page.get_by_label("Patient pseudonym").fill("P-3001")
    page.get_by_label("Specimen").select_option("peripheral_blood")
    page.get_by_label("Clinical note").fill("Kept through every refusal.")

    bad = bad_files()
    good = photograph(11, "good.jpg")
    page.get_by_label("Choose photographs").set_input_files([good, *(file for file, _, _ in bad.values())])
    expect(row(page, "good.jpg")).to_have_attribute("data-state", "done")
    page.get_by_label("Choose photographs").set_input_files([upload("again.jpg", good["buffer"])])

    heavy = tmp_path / "heavy.jpg"
    with heavy.open("wb") as sparse:
        sparse.truncate(DEFAULT_LIMITS.max_bytes + 1)
    page.get_by_label("Choose photographs").set_input_files(heavy)
    expect(row(page, "heavy.jpg").locator("[data-status]")).to_contain_text("larger than 50 MB")

    for file, _status, words in bad.values():
        refused = row(page, file["name"])
        expect(refused).to_have_attribute("data-state", "refused")
        expect(refused.locator("[data-status]")).to_contain_text(words)
    expect(row(page, "again.jpg").locator("[data-status]")).to_contain_text("already in the case, as image 1")
    expect(page.get_by_text(f"1 of {len(bad) + 3} uploaded")).to_be_visible()

    # The page has become the draft's: a reload keeps fields and photographs.
    expect(page).to_have_url(re.compile("/edit/$"))
    page.reload()
    expect(page.get_by_label("Patient pseudonym")).to_have_value("P-3001")
    expect(page.get_by_label("Clinical note")).to_have_value("Kept through every refusal.")
    expect(page.locator("[data-file]")).to_have_count(1)
    page.get_by_role("button", name="Submit case").click()
    expect(page.locator("#case-state")).to_contain_text(re.compile("Submitted|Analysing|Awaiting read"))


def test_odd_but_sound_files_are_taken_with_a_word(people: People) -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    page = people.page("submitter")
    page.goto("/cases/new/")
    page.get_by_label("Choose photographs").set_input_files(
        [
            upload("turned.jpg", save(draw_field(12), "JPEG", exif=turned)),
            upload("really-a-png.jpg", save(draw_field(13), "PNG")),
        ]
    )
    # Without pseudonym and specimen there is no draft to put them into: they wait.
    expect(row(page, "turned.jpg").locator("[data-status]")).to_contain_text("pseudonym and specimen")
    expect(page.get_by_role("button", name="Submit case")).to_be_disabled()
    page.get_by_label("Patient pseudonym").fill("P-3002")
    page.get_by_label("Specimen").select_option("peripheral_blood")
    expect(row(page, "turned.jpg").locator("[data-status]")).to_contain_text("480 × 640")
    expect(row(page, "turned.jpg")).to_contain_text("turned upright")
    expect(row(page, "really-a-png.jpg")).to_contain_text("read as that")
    row(page, "turned.jpg").get_by_role("button", name="Remove").click()
    expect(page.locator("[data-file]")).to_have_count(1)


def test_photographs_can_be_dropped(people: People) -> None:
    page = people.page("submitter")
    page.goto("/cases/new/")
    page.get_by_label("Patient pseudonym").fill("P-3003")
    page.get_by_label("Specimen").select_option("csf")
    content = base64.b64encode(save(draw_field(14), "JPEG")).decode()
    transfer = page.evaluate_handle(
        """content => {
            const bytes = Uint8Array.from(atob(content), (c) => c.charCodeAt(0));
            const transfer = new DataTransfer();
            transfer.items.add(new File([bytes], "dropped.jpg", { type: "image/jpeg" }));
            return transfer;
        }""",
        content,
    )
    page.dispatch_event("[data-drop-zone]", "drop", {"dataTransfer": transfer})
    expect(row(page, "dropped.jpg")).to_have_attribute("data-state", "done")


def test_twelve_files_stand_in_the_order_chosen_whichever_upload_ends_first(people: People) -> None:
    people.complaints.expect_status(415, "/images/$")
    page = people.page("submitter")
    page.goto("/cases/new/")
    page.get_by_label("Patient pseudonym").fill("P-3006")
    page.get_by_label("Specimen").select_option("csf")
    names = [f"{number}.jpg" for number in range(1, 13)]
    sizes = {name: (600 + 10 * number, 480) for number, name in enumerate(names, 1)}
    files = [upload(name, save(draw_field(200, sizes[name]), "JPEG")) for name in names]
    files[4] = upload("5.jpg", b"no photograph at all, " * 20)

    # The first upload of all is let go only after the two beside it are done, and the others one after the other.
    held: list[Route] = []
    page.route(re.compile("/images/$"), lambda route: route.continue_() if held else held.append(route))
    page.get_by_label("Choose photographs").set_input_files(files)
    expect(row(page, "12.jpg")).to_have_attribute("data-state", "done")
    expect(row(page, "1.jpg")).to_have_attribute("data-state", "sending")
    held[0].continue_()
    expect(row(page, "1.jpg")).to_have_attribute("data-state", "done")
    expect(row(page, "5.jpg")).to_have_attribute("data-state", "refused")
    page.get_by_label("Choose photographs").set_input_files([upload("13.jpg", save(draw_field(201), "JPEG"))])
    expect(row(page, "13.jpg")).to_have_attribute("data-state", "done")

    page.reload()
    expect(page.locator("[data-file]")).to_have_count(12)
    chosen = [*(sizes[name][0] for name in names if name != "5.jpg"), 640]
    shown = page.locator("[data-file] [data-status]").all_inner_texts()
    assert [int(words.split(", ")[1].split(" ")[0]) for words in shown] == chosen
    page.get_by_role("button", name="Submit case").click()
    expect(page.locator("[data-frame]")).to_have_count(12)
    assert page.locator(".frame-number").all_inner_texts() == [str(number) for number in range(1, 13)]


def test_a_photograph_is_removed_once(people: People) -> None:
    page = people.page("submitter")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if "/remove/" in request.url else None)
    page.goto("/cases/new/")
    page.get_by_label("Patient pseudonym").fill("P-3010")
    page.get_by_label("Specimen").select_option("other")
    page.get_by_label("Choose photographs").set_input_files(
        [upload(f"{seed}.jpg", save(draw_field(seed), "JPEG")) for seed in (210, 211)]
    )
    for name in ("210.jpg", "211.jpg"):
        expect(row(page, name)).to_have_attribute("data-state", "done")
    row(page, "210.jpg").locator("[data-remove]").dblclick()
    expect(page.locator("[data-file]")).to_have_count(1)
    page.wait_for_load_state("networkidle")
    assert len(sent) == 1
    expect(row(page, "211.jpg")).to_have_attribute("data-state", "done")


def test_a_lost_connection_loses_nothing(people: People) -> None:
    page = people.page("submitter")
    page.goto("/cases/new/")
    page.get_by_label("Patient pseudonym").fill("P-3004")
    page.get_by_label("Specimen").select_option("other")
    page.get_by_label("Choose photographs").set_input_files([photograph(15, "first.jpg")])
    expect(row(page, "first.jpg")).to_have_attribute("data-state", "done")

    page.context.set_offline(True)
    page.get_by_label("Choose photographs").set_input_files([photograph(16, "second.jpg")])
    second = row(page, "second.jpg")
    expect(second.locator("[data-status]")).to_contain_text("cannot be reached")
    page.context.set_offline(False)
    second.get_by_role("button", name="Retry").click()
    expect(second).to_have_attribute("data-state", "done")
    expect(page.get_by_role("button", name="Submit case")).to_be_enabled()


@pytest.mark.parametrize("field", ["Patient pseudonym", "Specimen"])
def test_missing_fields_are_named_beside_themselves(people: People, field: str) -> None:
    people.complaints.expect_status(422, "/cases/new/")
    page = people.page("submitter")
    page.goto("/cases/new/")
    if field == "Specimen":
        page.get_by_label("Patient pseudonym").fill("P-3005")
    else:
        page.get_by_label("Specimen").select_option("csf")
    page.get_by_role("button", name="Save and close").click()
    beside = page.locator(".mb-3", has=page.get_by_label(field)).locator(".field-error")
    expect(beside).not_to_be_empty()
    if field == "Specimen":
        expect(page.get_by_label("Patient pseudonym")).to_have_value("P-3005")
