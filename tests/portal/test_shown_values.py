"""A page that is older than what is stored changes only what was changed on it."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from portal.accounts.models import Laboratory
from portal.cases.models import Case
from portal.reading.models import ReadingPolicy
from portal.reading.policy.services import set_policy
from tests.factories import draft
from tests.portal.kinds import People

STORED = {
    "patient_pseudonym": "P-1",
    "specimen": "csf",
    "stain": "",
    "magnification": "",
    "microns_per_pixel": "0.065",
    "clinical_note": "First line.\nSecond line.",
    "priority": "routine",
}
JSON = {"Accept": "application/json"}


@pytest.fixture
def case(people: People, lab: Laboratory) -> Case:
    case = draft(people.submitter, lab)
    Case.objects.filter(pk=case.pk).update(**STORED)
    return Case.objects.get(pk=case.pk)


@pytest.fixture
def submitter(client: Client, people: People) -> Client:
    client.force_login(people.submitter)
    return client


def shown(**others: str) -> dict[str, str]:
    """The hidden inputs of a page on which ``STORED`` was shown, but for ``others``."""
    return {f"shown-{name}": value for name, value in (STORED | others).items()}


def save(client: Client, case: Case, entered: dict[str, str], known: dict[str, str]) -> Any:
    as_browsers_send = {name: value.replace("\n", "\r\n") for name, value in {**entered, **known}.items()}
    return client.post(reverse("cases:edit", args=[case.pk]), as_browsers_send, headers=JSON)


def test_the_page_says_what_it_shows(submitter: Client, case: Case) -> None:
    page = submitter.get(reverse("cases:edit", args=[case.pk]))
    assert page.context["form"].shown_values() == shown()
    assert 'name="shown-priority"' in page.content.decode()


def test_a_field_that_nobody_touched_stays_as_it_is_stored(submitter: Client, case: Case) -> None:
    """The page was made before the note was saved; the stain is changed on it."""
    entered = STORED | {"clinical_note": "", "stain": "wright"}
    answer = save(submitter, case, entered, shown(clinical_note=""))
    case.refresh_from_db()
    assert (answer.status_code, case.clinical_note, case.stain) == (200, STORED["clinical_note"], "wright")
    assert answer.json()["stored"] == STORED | {"stain": "wright"}


def test_a_field_that_was_emptied_is_stored_empty(submitter: Client, case: Case) -> None:
    save(submitter, case, STORED | {"clinical_note": "", "microns_per_pixel": ""}, shown())
    case.refresh_from_db()
    assert (case.clinical_note, case.microns_per_pixel) == ("", None)


@pytest.mark.parametrize(
    ("name", "entered", "seen", "words"),
    [
        ("clinical_note", "Mine.", "", "to “First line.\nSecond line.”"),
        ("microns_per_pixel", "0.1", "", "to “0.065”"),
        ("priority", "stat", "urgent", "to “Routine”"),
        ("stain", "wright", "giemsa", "Emptied in another window"),
    ],
)
def test_a_field_changed_in_two_windows_is_told_and_saved_the_second_time(
    submitter: Client, case: Case, name: str, entered: str, seen: str, words: str
) -> None:
    answer = save(submitter, case, STORED | {name: entered}, shown(**{name: seen}))
    assert answer.status_code == 422
    assert words in answer.json()["errors"][name][0]
    assert answer.json()["stored"] == STORED
    as_page = submitter.post(
        reverse("cases:edit", args=[case.pk]), STORED | {name: entered} | shown(**{name: seen})
    )
    assert as_page.context["form"][name].value() == entered, "what was entered is still there"
    again = as_page.context["form"].shown_values()
    assert again == shown(), "the next save is compared with what the words said"
    assert save(submitter, case, STORED | {name: entered}, again).status_code == 200
    case.refresh_from_db()
    assert str(getattr(case, name)) == entered


def test_the_same_change_in_two_windows_is_none(submitter: Client, case: Case) -> None:
    assert save(submitter, case, STORED, shown(clinical_note="")).status_code == 200
    submitted = submitter.post(
        reverse("cases:edit", args=[case.pk]), {**STORED, **shown(stain="giemsa"), "then": "submit"}
    )
    assert submitted.status_code == 302


def test_two_administrators_of_a_policy(client: Client, people: People, lab: Laboratory) -> None:
    """One made reading blind while the other had the page open for the minutes of a claim."""
    set_policy(people.lab_admin, lab, blindness="concurrent", claim_minutes=20)
    client.force_login(people.lab_admin)
    page = client.get("/laboratory/reading/").context["form"].shown_values()
    set_policy(people.lab_admin, lab, blindness="blind")
    entered = {name.removeprefix("shown-"): value for name, value in page.items()} | {"claim_minutes": "45"}
    first = client.post("/laboratory/reading/", entered | page)
    assert first.status_code == 302, first.context["form"].errors
    policy = ReadingPolicy.objects.get()
    assert (policy.blindness, policy.claim_minutes) == ("blind", 45)
    refused = client.post("/laboratory/reading/", entered | {"claim_minutes": "60"} | page)
    assert "to “45”" in refused.content.decode()
