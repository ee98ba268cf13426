"""Sign-in, invitations and the user administration."""

from uuid import uuid4

from playwright.sync_api import expect

from tests.e2e.browsing import People, sign_in, violations

PASSWORD = "correct horse battery staple"


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
    link = admin.get_by_label(f"Link for {email}").input_value()

    people.complaints.expect_status(409, "/invite/$")
    admin.get_by_label("E-mail").fill(email)
    admin.get_by_role("button", name="Send invitation").click()
    expect(admin.get_by_text("has an open invitation")).to_be_visible()
    expect(admin.get_by_label("E-mail")).to_have_value(email)

    people.complaints.expect_status(422, "/invitation/")
    nora = people.visitor()
    nora.goto(link)
    assert violations(nora) == []
    nora.get_by_label("Full name").fill("Nora New")
    nora.get_by_label("Password", exact=False).first.fill(PASSWORD)
    nora.get_by_label("Password again").fill("something else")
    nora.get_by_role("button", name="Make my account").click()
    expect(nora.get_by_text("The two passwords differ.")).to_be_visible()
    expect(nora.get_by_label("Full name")).to_have_value("Nora New")
    nora.locator("#id_password").fill(PASSWORD)
    nora.get_by_label("Password again").fill(PASSWORD)
    nora.get_by_role("button", name="Make my account").click()
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


def test_cancelled_confirmation_changes_nothing(people: People) -> None:
    page = people.page("labadmin")
    page.goto("/users/")
    row = page.get_by_role("row", name="submitter@demo.example")
    row.get_by_role("button", name="Deactivate").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    page.reload()
    expect(page.get_by_role("row", name="submitter@demo.example").get_by_text("Active")).to_be_visible()
