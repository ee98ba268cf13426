"""Sign-in, invitations and the user administration."""

import os
import re
import subprocess
import sys
from uuid import uuid4

import psycopg
from playwright.sync_api import Locator, Page, expect

from embedded.settings import ROOT
from portal.accounts.choices import Delivery
from tests.e2e.browsing import People, sign_in, violations
from tests.live import wait_for

PASSWORD = "correct horse battery staple"


def fits_a_phone(page: Page, row: Locator) -> None:
    """The users page is no wider than a phone, even with the longest word about an invitation."""
    usual = page.viewport_size
    assert usual
    chip = row.locator(".chip")
    word = chip.text_content()
    page.set_viewport_size({"width": 390, "height": 844})
    chip.evaluate("(chip, word) => { chip.textContent = word }", str(Delivery.FAILED.label))
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert row.evaluate("row => row.scrollWidth <= row.clientWidth")
    chip.evaluate("(chip, word) => { chip.textContent = word }", word)
    page.set_viewport_size(usual)


def test_wrong_password_keeps_the_address(people: People) -> None:
    page = people.visitor()
    page.goto("/account/login/")
    page.get_by_label("Email").fill("submitter@demo.example")
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator(".entrance-card")).to_contain_text("not correct")
    expect(page.get_by_label("Email")).to_have_value("submitter@demo.example")


def test_invited_person_joins_changes_role_and_leaves(people: People) -> None:
    email = f"nora.{uuid4().hex[:8]}@demo.example"
    admin = people.page("labadmin")
    admin.goto("/users/")
    admin.get_by_label("E-mail").fill(email)
    admin.locator("#id_role").select_option("submitter")
    admin.get_by_role("button", name="Send invitation").click()
    row = admin.locator(".invitation-row", has_text=email)
    expect(row).to_contain_text("Sent")
    link = mailed_link(people, email)
    fits_a_phone(admin, row)

    people.complaints.expect_status(409, "/invite/$")
    admin.get_by_label("E-mail").fill(email)
    admin.get_by_role("button", name="Send invitation").click()
    expect(admin.get_by_text("has an open invitation")).to_be_visible()
    expect(admin.get_by_label("E-mail")).to_have_value(email)

    people.complaints.expect_status(422, "/invitation/$")
    nora = people.visitor()
    nora.goto(link)
    assert violations(nora) == []
    nora.get_by_label("Full name").fill("Nora New")
    nora.get_by_label("Password", exact=False).first.fill(PASSWORD)
    nora.get_by_label("Password again").fill("something else")
    nora.get_by_role("button", name="Create my account").click()
    expect(nora.get_by_text("The two passwords do not match.")).to_be_visible()
    expect(nora.get_by_label("Full name")).to_have_value("Nora New")
    nora.locator("#id_password").fill(PASSWORD)
    nora.get_by_label("Password again").fill(PASSWORD)
    nora.get_by_role("button", name="Create my account").click()
    nora.wait_for_url("**/cases/")
    expect(nora.get_by_text("Welcome to Demo Haematology Laboratory.")).to_be_visible()

    admin.goto("/users/")
    row = admin.get_by_role("row", name=email)
    row.get_by_label("Role of Nora New").select_option("reviewer")
    row.get_by_role("button", name="Set").click()
    expect(admin.get_by_text("Nora New has a new role.")).to_be_visible()

    admin.get_by_role("row", name=email).get_by_role("button", name="Deactivate").click()
    dialog = admin.get_by_role("dialog", name="Are you sure?")
    expect(dialog).to_contain_text("Nora New will no longer see")
    dialog.get_by_role("button", name="Deactivate").click()
    expect(admin.get_by_text("Nora New is deactivated.")).to_be_visible()
    nora.goto("/cases/")
    nora.wait_for_url("**/account/login/**")

    admin.get_by_role("row", name=email).get_by_role("button", name="Reactivate").click()
    expect(admin.get_by_text("Nora New is active again.")).to_be_visible()
    nora.context.clear_cookies()
    sign_in(nora, email, PASSWORD)


def test_a_known_person_is_invited_signs_in_and_accepts(people: People) -> None:
    """To a second laboratory, by its operator's link; then the link is used, and the next one is withdrawn."""
    system = people.system
    name = f"North {uuid4().hex[:6]}"
    command = [sys.executable, "manage.py", "create_laboratory", name, "--email", "submitter@demo.example"]
    environment = {**os.environ, **system.environment}
    made = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=True)
    link = made.stdout.strip()
    other = people.page("reviewer")
    people.complaints.expect_status(403, "/invitation/$")
    other.goto(link)
    expect(other.get_by_text("you are signed in as reviewer@demo.example")).to_be_visible()

    sam = people.visitor()
    sam.goto(link)
    assert violations(sam) == []
    sam.get_by_role("link", name="Sign in").click()
    sam.get_by_label("Email").fill("submitter@demo.example")
    sam.get_by_label("Password").fill(people.password("submitter"))
    sam.get_by_role("button", name="Sign in").click()
    sam.get_by_role("button", name="Accept").click()
    expect(sam.get_by_text(f"Welcome to {name}.")).to_be_visible()
    people.complaints.expect_status(410, "/invitation/")
    sam.goto(link)
    expect(sam.get_by_text("has been used")).to_be_visible()

    email = f"una.{uuid4().hex[:8]}@demo.example"
    admin = people.page("labadmin")
    admin.goto("/users/")
    admin.get_by_label("E-mail").fill(email)
    admin.get_by_role("button", name="Send invitation").click()
    first = mailed_link(people, email)
    admin.get_by_role("button", name=f"Send again to {email}").click()
    una = people.visitor()
    una.goto(first)
    expect(una.get_by_text("This link does not work")).to_be_visible()
    admin.get_by_role("button", name=f"Withdraw the invitation of {email}").click()
    admin.get_by_role("dialog").get_by_role("button", name="Withdraw").click()
    expect(admin.locator(".invitation-row", has_text=email)).to_contain_text("Withdrawn")
    una.goto(mailed_link(people, email))
    expect(una.get_by_text("was withdrawn")).to_be_visible()


def test_an_invitation_that_has_expired_says_so_and_can_be_sent_again(people: People) -> None:
    email = f"eve.{uuid4().hex[:8]}@demo.example"
    admin = people.page("labadmin")
    admin.goto("/users/")
    admin.get_by_label("E-mail").fill(email)
    admin.get_by_role("button", name="Send invitation").click()
    link = mailed_link(people, email)
    with psycopg.connect(people.system.environment["DATABASE_URL"]) as connection:
        ended = "UPDATE accounts_invitation SET expires_at = now() - interval '1 minute' WHERE email = %s"
        assert connection.execute(ended, [email]).rowcount == 1
    people.complaints.expect_status(410, "/invitation/")
    eve = people.visitor()
    eve.goto(link)
    expect(
        eve.get_by_text("This invitation has expired. Ask your administrator to send it again.")
    ).to_be_visible()
    assert violations(eve) == []
    admin.reload()
    row = admin.locator(".invitation-row", has_text=email)
    expect(row).to_contain_text("Expired")
    row.get_by_role("button", name="Send again").click()
    expect(row).to_contain_text("Sent")
    wait_for(lambda: mailed_link(people, email) != link, "a second link")
    eve.goto(link)
    expect(eve.get_by_text("This link does not work")).to_be_visible()
    eve.goto(mailed_link(people, email))
    expect(eve.get_by_role("button", name="Create my account")).to_be_visible()


def mailed_link(people: People, email: str) -> str:
    """The link in the newest mail to an address."""

    def newest() -> str | None:
        texts = [
            path.read_text()
            for path in sorted(
                (people.system.var.path / "mail").iterdir(), key=lambda path: path.stat().st_mtime
            )
        ]
        found = [
            re.search(r"http\S+/users/invitation/\S+/", text) for text in texts if f"To: {email}" in text
        ]
        return found[-1][0] if found and found[-1] else None

    return str(wait_for(newest, f"a mail to {email}"))


def test_cancelled_confirmation_changes_nothing(people: People) -> None:
    page = people.page("labadmin")
    page.goto("/users/")
    row = page.get_by_role("row", name="submitter@demo.example")
    row.get_by_role("button", name="Deactivate").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    page.reload()
    expect(page.get_by_role("row", name="submitter@demo.example").get_by_text("Active")).to_be_visible()
