"""Who gets which page, and with what status; another laboratory's things are not there."""

import re
from pathlib import Path
from uuid import uuid4

import pytest
from django.db import connection
from django.template.loader import render_to_string
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from portal.accounts import invitations
from portal.accounts.choices import Role
from portal.accounts.models import Laboratory
from portal.cases.choices import STATE_ICONS
from portal.config.settings.environment import BASE_DIR
from portal.inference.models import ModelVersion
from portal.reports.models import Diagnosis
from tests.documents import Document
from tests.factories import PASSWORD, analysed, claimed, draft, photograph, read, signed
from tests.markup import tight
from tests.portal.kinds import People, Queries, present

VISITOR = "visitor"


@pytest.fixture
def things(people: People, lab: Laboratory, model: ModelVersion) -> dict[str, str]:
    """Addresses of one thing of each kind, all of ``lab``."""
    drafted = draft(people.submitter, lab)
    awaiting = analysed(people.submitter, lab)
    reported = analysed(people.submitter, lab)
    signed(people.reviewer, reported)
    image = awaiting.images.get()
    return {
        "worklist": reverse("cases:worklist"),
        "new": reverse("cases:new"),
        "draft": reverse("cases:edit", args=[drafted.pk]),
        "case": reverse("cases:detail", args=[awaiting.pk]),
        "live": reverse("cases:live", args=[awaiting.pk]),
        "photograph": reverse("cases:photograph", args=[image.pk]),
        "thumbnail": reverse("cases:thumbnail", args=[image.pk]),
        "heat map": reverse("cases:heat_map", args=[image.pk, "Pre"]),
        "diagnosis": reverse("reports:diagnosis", args=[reported.pk]),
        "quick look": reverse("inference:quick_look"),
        "users": reverse("accounts:users"),
        "model": reverse("models:current"),
        "notifications": reverse("notifications:list"),
        "bell": reverse("notifications:bell"),
        "urgent findings": reverse("alerts:list"),
        "model version": reverse("models:version", args=[model.name, model.version]),
    }


#: Page, and the status for a visitor, a submitter, a reviewer, an administrator, and another laboratory's reviewer.
PERMISSIONS: list[tuple[str, *tuple[int, ...]]] = [
    ("worklist", 302, 200, 200, 200, 200),
    ("new", 302, 200, 200, 200, 200),
    ("draft", 302, 200, 200, 200, 404),
    ("case", 302, 200, 200, 200, 404),
    ("live", 302, 200, 200, 200, 404),
    ("photograph", 302, 200, 200, 200, 404),
    ("thumbnail", 302, 200, 200, 200, 404),
    ("heat map", 302, 200, 403, 200, 404),
    ("diagnosis", 302, 200, 200, 200, 404),
    ("quick look", 302, 200, 200, 200, 200),
    ("users", 302, 403, 403, 200, 403),
    ("model", 302, 200, 200, 200, 200),
    ("model version", 302, 200, 200, 200, 200),
    ("notifications", 302, 200, 200, 200, 200),
    ("bell", 302, 200, 200, 200, 200),
    ("urgent findings", 302, 200, 200, 200, 200),
]
ROLES = (VISITOR, "submitter", "reviewer", "lab_admin", "stranger")


@pytest.mark.parametrize("row", PERMISSIONS, ids=lambda row: row[0])
def test_page(
    client: Client, people: People, things: dict[str, str], row: tuple[str, *tuple[int, ...]]
) -> None:
    page, *expected = row
    for role, status in zip(ROLES, expected, strict=True):
        client.logout()
        if role != VISITOR:
            client.force_login(getattr(people, role))
        assert client.get(things[page]).status_code == status, role


AMENDMENT = {"label": "Pro", "confidence": "high", "reason": "Flow cytometry.", "secret": PASSWORD}
#: What is sent, and the status for a visitor, a submitter, a reviewer, an administrator, a stranger. In this order
#: whoever may do it comes after whoever may not, so that each finds the thing as it was.
DEEDS: list[tuple[str, Document, *tuple[int, ...]]] = [
    ("edit", {"patient_pseudonym": "P-1", "specimen": "csf", "priority": "stat"}, 401, 302, 302, 302, 404),
    ("image", {}, 401, 201, 201, 201, 404),
    ("claim", {}, 401, 403, 302, 403, 404),
    ("read", {"label": "Pre", "confidence": "high"}, 401, 403, 302, 403, 404),
    ("sign", {"secret": PASSWORD}, 401, 403, 302, 403, 404),
    ("amend", AMENDMENT, 401, 403, 302, 403, 404),
    ("invite", {"email": "new@lab.example", "role": "reviewer"}, 401, 404, 404, 302, 404),
    ("set role", {"role": "reviewer"}, 401, 404, 404, 302, 404),
    ("deactivate", {}, 401, 404, 404, 302, 404),
    ("revoke", {}, 401, 404, 404, 302, 404),
]


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("row", DEEDS, ids=lambda row: row[0])
def test_deed(
    client: Client,
    people: People,
    lab: Laboratory,
    model: ModelVersion,
    row: tuple[str, Document, *tuple[int, ...]],
    role: str,
) -> None:
    deed, data, *expected = row
    membership = people.submitter.memberships.get()
    if role == "submitter" and deed in ("set role", "deactivate"):
        membership = people.reviewer.memberships.get()
    invitation = invitations.invite(
        people.lab_admin, email="open@lab.example", laboratory=lab, role=Role.SUBMITTER
    )
    address = {
        "edit": lambda: reverse("cases:edit", args=[draft(people.submitter, lab).pk]),
        "image": lambda: reverse("cases:add_image", args=[draft(people.submitter, lab).pk]),
        "claim": lambda: reverse("reading:claim", args=[analysed(people.submitter, lab).pk]),
        "read": lambda: reverse(
            "reading:read", args=[claimed(people.reviewer, analysed(people.submitter, lab)).pk]
        ),
        "sign": lambda: reverse(
            "reports:sign", args=[read(people.reviewer, analysed(people.submitter, lab)).pk]
        ),
        "amend": lambda: reverse(
            "reports:amend", args=[signed(people.reviewer, analysed(people.submitter, lab)).pk]
        ),
        "invite": lambda: reverse("accounts:invite", args=[lab.slug]),
        "set role": lambda: reverse("accounts:set_role", args=[membership.pk]),
        "deactivate": lambda: reverse("accounts:deactivate", args=[membership.pk]),
        "revoke": lambda: reverse("accounts:revoke_invitation", args=[invitation.pk]),
    }[deed]()
    if deed == "image":
        data = {"file": photograph(77)}
    if role != VISITOR:
        client.force_login(getattr(people, role))
    response = client.post(address, data)
    assert response.status_code == dict(zip(ROLES, expected, strict=True))[role]


def test_scripts_of_a_signed_out_page_are_told_so(client: Client, people: People, lab: Laboratory) -> None:
    case = draft(people.submitter, lab)
    response = client.post(reverse("cases:add_image", args=[case.pk]), headers={"Accept": "application/json"})
    assert response.status_code == 401
    assert response.json()["code"] == "signed_out"
    # A live part that asks must not lead the page away from what is entered on it.
    live = client.get(reverse("cases:live", args=[case.pk]), headers={"HX-Request": "true"})
    assert (live.status_code, "HX-Redirect" in live.headers) == (401, False)


@pytest.mark.parametrize("name", ["400", "403", "404", "413", "500"])
def test_error_pages_need_nothing_but_themselves(name: str) -> None:
    assert "Go to the worklist" in render_to_string(f"{name}.html")


def test_unknown_case_and_unknown_quick_look(client: Client, people: People) -> None:
    client.force_login(people.reviewer)
    assert client.get(reverse("cases:detail", args=[uuid4()])).status_code == 404
    response = client.get(reverse("inference:quick_look_result", args=[uuid4()]))
    assert response.status_code == 410
    assert "photograph and answer are deleted" in response.content.decode()


def test_empty_case_keeps_what_was_entered(client: Client, people: People, lab: Laboratory) -> None:
    client.force_login(people.submitter)
    case = draft(people.submitter, lab, images=0)
    entered = {
        "patient_pseudonym": "P-77",
        "specimen": "csf",
        "priority": "urgent",
        "clinical_note": "A note.",
    }
    response = client.post(reverse("cases:edit", args=[case.pk]), {**entered, "then": "submit"})
    page = response.content.decode()
    assert response.status_code == 400
    assert "Add at least one photograph" in page
    assert 'value="P-77"' in page
    assert "A note." in page
    case.refresh_from_db()
    assert (case.state, case.clinical_note) == ("draft", "A note.")


def test_missing_field_is_named_and_the_rest_kept(client: Client, people: People, lab: Laboratory) -> None:
    client.force_login(people.submitter)
    response = client.post(
        reverse("cases:new"), {"specimen": "csf", "clinical_note": "Kept.", "priority": "stat"}
    )
    assert response.status_code == 422
    assert "Enter the laboratory&#x27;s code for the patient." in response.content.decode()
    assert "Kept." in response.content.decode()


def test_read_on_a_case_in_the_wrong_state_gives_the_comment_back(
    client: Client, people: People, lab: Laboratory, model: ModelVersion
) -> None:
    case = analysed(people.submitter, lab)
    signed(people.reviewer, case)
    client.force_login(people.reviewer)
    entered = {"label": "Pro", "confidence": "low", "comment": "Large nucleoli."}
    response = client.post(reverse("reading:read", args=[case.pk]), entered)
    page = response.content.decode()
    assert response.status_code == 409
    assert "your answer is stored" in page
    assert "Large nucleoli." in page
    assert Diagnosis.objects.filter(case=case).count() == 1


@pytest.mark.parametrize("page", ["cases:new", "inference:quick_look"])
def test_file_fields_name_the_types_one_by_one_and_jpeg_first(
    client: Client, people: People, lab: Laboratory, model: ModelVersion, page: str
) -> None:
    client.force_login(people.submitter)
    accepted = present(
        re.search(r'type="file"[^>]* accept="([^"]*)"', client.get(reverse(page)).content.decode())
    )
    types = accepted[1].split(",")
    assert types[0] == "image/jpeg"
    assert {"image/png", "image/tiff", "image/webp", "image/bmp", ".tif", ".jpg"} <= {*types}
    # With either of them Safari hands over a HEIC file as it is instead of a JPEG.
    assert not {"image/*", "image/heic"} & {*types}


def test_wrong_kind_of_file_is_refused_with_its_status(
    client: Client, people: People, lab: Laboratory
) -> None:
    client.force_login(people.submitter)
    case = draft(people.submitter, lab)
    upload = photograph(0)  # the draft has this one already
    json = {"Accept": "application/json"}
    twin = client.post(reverse("cases:add_image", args=[case.pk]), {"file": upload}, headers=json)
    assert (twin.status_code, twin.json()["code"]) == (409, "duplicate_image")
    none = client.post(reverse("cases:add_image", args=[case.pk]), {}, headers=json)
    assert (none.status_code, none.json()["field"]) == (400, "file")


def test_live_part_is_quiet_until_something_changes(
    client: Client, people: People, lab: Laboratory, model: ModelVersion
) -> None:
    case = analysed(people.submitter, lab)
    client.force_login(people.reviewer)
    page = client.get(reverse("cases:detail", args=[case.pk])).content.decode()
    address = re.search(r'hx-get="([^"]+/live/\?v=[^"]+)"', page)
    assert address is not None
    assert client.get(address[1]).status_code == 204
    signed(people.reviewer, case)
    update = client.get(address[1])
    assert update.status_code == 200
    assert "Reported" in update.content.decode()
    assert 'data-live="settled"' in update.content.decode()


def test_worklist_narrows_sorts_and_survives_nonsense(
    client: Client, people: People, lab: Laboratory
) -> None:
    urgent = draft(people.submitter, lab, patient_pseudonym="P-urgent", priority="stat")
    draft(people.reviewer, lab, patient_pseudonym="P-other")
    client.force_login(people.submitter)

    def listed(query: str) -> list[str]:
        response = client.get(reverse("cases:worklist") + query)
        assert response.status_code == 200
        return re.findall(r"P-(?:urgent|other)", response.content.decode())

    assert listed("?sort=priority") == ["P-urgent", "P-other"]
    assert listed("?sort=-priority") == ["P-other", "P-urgent"]
    assert listed("?q=URGENT") == ["P-urgent"]
    assert listed(f"?q={urgent.accession}") == ["P-urgent"]
    assert listed("?mine=on") == ["P-urgent"]
    assert listed("?stage=reading") == []
    assert len(listed("?stage=nonsense&priority=nonsense&filed_from=never&page=999&sort=nonsense")) == 2


@pytest.mark.parametrize("page", ["worklist", "case", "diagnosis"])
def test_more_rows_ask_no_more_queries(
    client: Client,
    people: People,
    lab: Laboratory,
    model: ModelVersion,
    things: dict[str, str],
    page: str,
    django_assert_max_num_queries: Queries,
) -> None:
    client.force_login(people.reviewer)
    with CaptureQueriesContext(connection) as before:
        assert client.get(things[page]).status_code == 200
    analysed(people.submitter, lab, images=3)
    large = analysed(people.submitter, lab, images=4)
    address = {
        "worklist": things["worklist"],
        "case": reverse("cases:detail", args=[large.pk]),
        "diagnosis": reverse("reports:diagnosis", args=[large.pk]),
    }[page]
    if page == "diagnosis":
        signed(people.reviewer, large)
    with django_assert_max_num_queries(len(before)):
        assert client.get(address).status_code == 200


def test_every_result_page_carries_the_notice(client: Client, people: People, things: dict[str, str]) -> None:
    client.force_login(people.reviewer)
    for page in ("case", "diagnosis", "quick look", "model"):
        assert "Research use only. Pre-classification by a model; a qualified reader decides." in (
            client.get(things[page]).content.decode()
        ), page


def test_diagnosis_lists_each_probability_under_its_class(
    client: Client, people: People, things: dict[str, str]
) -> None:
    client.force_login(people.submitter)
    page = tight(client.get(things["diagnosis"]).content.decode())
    heads = re.findall(r'<th scope="col" class="numeric">(\w+)</th>', page)
    figures = re.findall(r'<td class="numeric">([\d.]+) %</td>', page)
    assert dict(zip(heads, figures, strict=True)) == {
        "Benign": "5.0",
        "Early": "10.0",
        "Pre": "80.0",
        "Pro": "5.0",
    }


def test_pages_hold_no_inline_style_or_script(client: Client, people: People, things: dict[str, str]) -> None:
    client.force_login(people.lab_admin)
    own = ("notifications", "urgent findings")
    for page in ("worklist", "new", "draft", "case", "diagnosis", "quick look", "users", "model", *own):
        html = client.get(things[page]).content.decode()
        assert not re.search(r"\sstyle=|<style|\son[a-z]+=", html), page
        assert not re.search(r"<script(?![^>]*(\ssrc=|type=\"application/json\"))", html), page


def test_the_sprite_has_every_icon_that_is_used() -> None:
    sprite = set(re.findall(r'"([a-z0-9-]+)",', (BASE_DIR / "frontend" / "icons.mjs").read_text()))
    used = set(STATE_ICONS.values())
    for folder, pattern in (("portal/templates", "*.html"), ("portal/cases/templatetags", "*.py")):
        for file in Path(BASE_DIR / folder).rglob(pattern):
            used |= set(re.findall(r'icon "([a-z0-9-]+)"', file.read_text()))
    assert used <= sprite, f"add to frontend/icons.mjs: {sorted(used - sprite)}"
