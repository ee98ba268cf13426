"""Whoever enters a name that the printed report cannot show is told so there, and it is taken all the same."""

import io
import re

import pytest
from django.core.management import call_command
from django.test import Client, RequestFactory
from django.urls import reverse
from rest_framework.test import APIClient

from portal import fonts
from portal.accounts import invitations
from portal.accounts.admin import site
from portal.accounts.choices import Role
from portal.accounts.models import Laboratory, User
from portal.accounts.tokens import issue_token
from portal.cases.models import Case
from portal.inference.models import ModelVersion
from portal.quick_look import services as quick_look
from tests.factories import PASSWORD, draft, photograph
from tests.portal.kinds import Mails, OnCommit, People, present

pytestmark = pytest.mark.django_db

NAME = "李小龙"
WARNING = "has no font for 李 (U+674E), 小 (U+5C0F), 龙 (U+9F99)"
JSON = {"Accept": "application/json"}
FIELDS = {"specimen": "csf", "priority": "routine"}


@pytest.fixture(autouse=True)
def _latin(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine whose fonts have Latin letters alone."""
    monkeypatch.setattr(fonts, "covered", lambda: frozenset(range(0x20, 0x250)))


def test_who_joins_by_invitation_is_told_of_the_own_name(
    client: Client,
    people: People,
    lab: Laboratory,
    mailoutbox: Mails,
    django_capture_on_commit_callbacks: OnCommit,
) -> None:
    for name, says in ((NAME, True), ("Nora New", False)):
        with django_capture_on_commit_callbacks(execute=True):
            offer = invitations.invite(
                people.lab_admin, email=f"{len(name)}@lab.example", laboratory=lab, role=Role.REVIEWER
            )
        client.logout()
        client.get(present(re.search(r"https?://[^/]+(/users/invitation/\S+/)", str(mailoutbox[-1].body)))[1])
        entered = {"full_name": name, "password": PASSWORD, "password_again": PASSWORD}
        page = client.post(reverse("accounts:invitation"), entered, follow=True).content.decode()
        assert User.objects.filter(email=offer.email, full_name=name).exists()
        assert (WARNING in page) is says


def test_the_owner_of_a_name_finds_it_on_the_preferences(client: Client, people: People) -> None:
    client.force_login(people.reviewer)
    page = reverse("preferences:edit")
    assert "no font" not in client.get(page).content.decode()
    User.objects.filter(pk=people.reviewer.pk).update(full_name=NAME)
    assert WARNING in client.get(page).content.decode()


def test_the_administrator_finds_names_of_laboratory_and_members(
    client: Client, people: People, lab: Laboratory
) -> None:
    client.force_login(people.lab_admin)
    page = reverse("accounts:users")
    assert "no font" not in client.get(page).content.decode()
    Laboratory.objects.filter(pk=lab.pk).update(name=f"Lab {NAME[0]}")
    User.objects.filter(pk=people.reviewer.pk).update(full_name=NAME[1:])
    assert WARNING in client.get(page).content.decode()


def test_the_operator_is_told_when_a_laboratory_is_made() -> None:
    said = io.StringIO()
    call_command(
        "create_laboratory", f"Lab {NAME}", email="ada@lab.example", stdout=io.StringIO(), stderr=said
    )
    assert WARNING in said.getvalue()


@pytest.mark.parametrize(("model", "field"), [(Laboratory, "name"), (User, "full_name")])
def test_the_operator_is_told_when_a_name_is_changed(
    people: People,
    lab: Laboratory,
    monkeypatch: pytest.MonkeyPatch,
    model: type[Laboratory | User],
    field: str,
) -> None:
    row = {Laboratory: lab, User: people.reviewer}[model]
    told = []
    monkeypatch.setattr("portal.accounts.admin.messages.warning", lambda request, words: told.append(words))
    for name in ("Latin", NAME):
        setattr(row, field, name)
        site._registry[model].save_model(RequestFactory().post("/"), row, None, change=True)
        row.refresh_from_db()
        assert getattr(row, field) == name
    assert len(told) == 1
    assert WARNING in told[0]


def test_a_draft_says_so_when_it_is_saved_and_on_its_page(
    client: Client, people: People, lab: Laboratory
) -> None:
    client.force_login(people.submitter)
    made = client.post(reverse("cases:new"), {**FIELDS, "patient_pseudonym": NAME}, headers=JSON)
    assert made.status_code == 201
    assert WARNING in made.json()["print_warning"]
    case = Case.objects.get()
    page = reverse("cases:edit", args=[case.pk])
    assert WARNING in client.get(page).content.decode()
    mended = client.post(page, {**FIELDS, "patient_pseudonym": "P-1"}, headers=JSON)
    assert mended.json()["print_warning"] == ""
    assert "no font" not in client.get(page).content.decode()
    noted = {**FIELDS, "patient_pseudonym": "P-1", "clinical_note": NAME}
    saved = client.post(page, noted, follow=True).content.decode()
    assert WARNING in saved
    assert "is saved" in saved
    # What was said once is not said again while nothing changes.
    assert "no font" not in client.post(page, noted, follow=True).content.decode()


def test_a_case_made_of_a_quick_look_says_so(
    client: Client, people: People, lab: Laboratory, model: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.inference.sending.app.send_task", lambda *args, **options: None)
    look = quick_look.start(people.submitter, lab, photograph(3))
    client.force_login(people.submitter)
    address = reverse("inference:quick_look_make_case", args=[look.pk])
    page = client.post(address, {**FIELDS, "patient_pseudonym": NAME}, follow=True)
    assert WARNING in page.content.decode()


def test_the_api_says_so_when_a_case_is_filed_and_changed(people: People, lab: Laboratory) -> None:
    client = APIClient(HTTP_AUTHORIZATION=f"Bearer {issue_token(people.submitter)[1]}")
    filed = client.post("/api/v1/cases/", {**FIELDS, "patient_pseudonym": NAME}, format="json")
    assert filed.status_code == 201
    assert WARNING in filed.json()["print_warning"]
    address = f"/api/v1/cases/{filed.json()['id']}/"
    mended = client.patch(address, {"patient_pseudonym": "P-1"}, format="json")
    assert mended.json()["print_warning"] == ""
    assert WARNING in client.patch(address, {"clinical_note": NAME}, format="json").json()["print_warning"]


def test_latin_names_ask_for_no_fonts(
    people: People, lab: Laboratory, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fonts, "covered", lambda: pytest.fail("the machine was asked for its fonts"))
    case = draft(people.submitter, lab, patient_pseudonym="P-0815", images=0)
    client.force_login(people.submitter)
    assert client.get(reverse("cases:edit", args=[case.pk])).status_code == 200
