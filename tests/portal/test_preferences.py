"""What a person prefers: stored, refused in words, and at work on every page."""

import json
import re
from html import unescape
from pathlib import Path

import pytest
from django.conf import settings as project
from django.test import Client
from django.urls import reverse

from portal.accounts.choices import Language, MailChoice
from portal.accounts.models import Preferences
from portal.errors import Duplicate, Invalid
from portal.preferences.services import keys_of, save_preferences
from portal.preferences.shortcuts import SHORTCUTS, checked, effective, spelled
from tests.documents import Document
from tests.factories import PASSWORD
from tests.portal.kinds import People, Queries, present

URL = "/account/preferences/"


def entered(**changes: object) -> dict[str, object]:
    defaults = {action: shortcut.default for action, shortcut in SHORTCUTS.items()}
    return {"language": "", "mail": "digest", "single_keys_on": "on"} | defaults | changes


def page_keys(client: Client, url: str = URL) -> dict[str, list[str]]:
    found = present(re.search(r'<body[^>]* data-keys="([^"]*)"', client.get(url).content.decode()))
    keys: dict[str, list[str]] = json.loads(unescape(found[1]))
    return keys


# --- Keys


def test_defaults_conflict_with_nothing_and_pages_name_no_other_action() -> None:
    assert checked({action: shortcut.default for action, shortcut in SHORTCUTS.items()}) == {}
    named = set()
    for folder, pattern in (
        ("portal/templates", r'data-key-action="([a-z0-9-]+)"'),
        ("frontend/js", r'\bbind\("([a-z0-9-]+)"'),
    ):
        for path in Path(folder).rglob("*.*"):
            named.update(re.findall(pattern, path.read_text()))
    assert named
    assert named <= set(SHORTCUTS)


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("j", "J"),
        ("shift+j", "Shift+J"),
        ("+", "+"),
        ("ñ", "Ñ"),
        ("ctrl+Enter", "Ctrl+Enter"),
        (" ? ", "?"),
        ("F2", "F2"),
    ],
)
def test_a_key_has_one_spelling(typed: str, stored: str) -> None:
    assert spelled(typed) == stored


@pytest.mark.parametrize(
    "typed", ["Tab", "Escape", "Enter", "ArrowUp", "Ctrl+W", "F5", "JK", "Shift+?", "Alt+1"]
)
def test_keys_of_the_browser_are_not_for_shortcuts(typed: str) -> None:
    with pytest.raises(Invalid) as refused:
        checked({"measure": typed})
    assert (refused.value.field, refused.value.code) == ("measure", "not_a_key")


def test_one_key_for_two_actions_is_refused_by_name() -> None:
    with pytest.raises(Duplicate, match="J is the key for both “Next photograph” and “Measure”") as refused:
        checked({"measure": "j"})
    assert refused.value.field == "measure"
    with pytest.raises(Duplicate) as refused:
        checked({"answer-1": "M"})  # the action listed first is the one that was changed
    assert refused.value.field == "answer-1"
    assert checked({"next-image": "K", "previous-image": "J", "home": "0", "save": ""}) == {
        "next-image": "K",
        "previous-image": "J",
    }
    with pytest.raises(Invalid, match="no action called self-destruct"):
        checked({"self-destruct": "X"})


def test_further_keys_stay_unless_another_action_takes_them() -> None:
    assert effective({})["zoom-in"] == ["+", "="]
    assert effective({"next-image": "L"})["next-image"] == ["L", "ArrowRight"]
    assert effective({"measure": "="})["zoom-in"] == ["+"]


def test_without_single_keys_only_those_with_a_modifier_work() -> None:
    keys = effective({"measure": "F2"}, single_keys_on=False)
    assert {action: found for action, found in keys.items() if found} == {
        "save": ["Ctrl+Enter"],
        "measure": ["F2"],
        "next-image": ["ArrowRight"],
        "previous-image": ["ArrowLeft"],
    }


# --- Stored


@pytest.mark.django_db
def test_without_a_choice_there_are_defaults_and_no_row(
    people: People, django_assert_num_queries: Queries
) -> None:
    with django_assert_num_queries(1):
        mine = people.reviewer.chosen_preferences
        assert keys_of(people.reviewer) == effective({})
    assert (mine.language, mine.mail, mine.single_keys_on) == ("", MailChoice.DIGEST, True)
    assert not Preferences.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("change", "field"),
    [({"language": "tlh"}, "language"), ({"mail": "hourly"}, "mail"), ({"keys": {"home": "F5"}}, "home")],
)
def test_what_cannot_be_is_refused_and_changes_nothing(people: People, change: Document, field: str) -> None:
    wanted: Document = {"language": "es", "mail": "never", "single_keys_on": True, "keys": {}}
    with pytest.raises(Invalid) as refused:
        save_preferences(people.reviewer, **wanted | change)
    assert refused.value.field == field
    assert not Preferences.objects.exists()


def test_the_languages_are_those_of_the_portal() -> None:
    assert Language.values == [code for code, _name in project.LANGUAGES]


# --- Page


@pytest.mark.django_db
def test_a_chosen_key_is_on_every_page_and_goes_back(client: Client, people: People) -> None:
    client.force_login(people.reviewer)
    assert page_keys(client) == effective({})
    assert client.post(URL, entered(measure="x", mail="never")).status_code == 302
    assert page_keys(client, reverse("cases:worklist"))["measure"] == ["X"]
    stored = Preferences.objects.get()
    assert (stored.user, stored.keys, stored.mail) == (people.reviewer, {"measure": "X"}, "never")
    assert client.post(URL, entered()).status_code == 302
    assert page_keys(client)["measure"] == ["D"]
    client.force_login(people.submitter)
    assert page_keys(client)["measure"] == ["D"]


@pytest.mark.django_db
def test_what_is_refused_stays_on_the_page_beside_its_field(client: Client, people: People) -> None:
    client.force_login(people.reviewer)
    answer = client.post(URL, entered(marker="j", language="es"))
    shown = answer.content.decode()
    assert answer.status_code == 409
    assert "J is the key for both “Next photograph” and “Add a marker”" in shown
    assert re.search(r'name="marker" value="j"', shown)
    assert '<option value="es" selected>' in shown
    assert not Preferences.objects.exists()
    assert client.post(URL, entered(mail="hourly")).status_code == 422


@pytest.mark.django_db
def test_only_people_who_are_signed_in_have_preferences(client: Client) -> None:
    assert client.get(URL).status_code == 302
    assert "data-keys" not in client.get(reverse("account_login")).content.decode()


# --- Language


@pytest.mark.django_db
def test_the_chosen_language_goes_before_the_browsers_and_comes_with_the_person(
    client: Client, people: People
) -> None:
    client.force_login(people.reviewer)
    assert client.get(URL).headers["Content-Language"] == "en"
    assert client.get(URL, headers={"Accept-Language": "es"}).headers["Content-Language"] == "es"
    assert client.post(URL, entered(language="es")).headers["Content-Language"] == "es"
    spanish = client.get(URL, headers={"Accept-Language": "en"})
    assert spanish.headers["Content-Language"] == "es"
    assert '<html lang="es"' in spanish.content.decode()

    client.logout()
    assert client.get(reverse("account_login")).headers["Content-Language"] == "en"
    signed_in = client.post(
        reverse("account_login"), {"login": people.reviewer.email, "password": PASSWORD}, follow=True
    )
    assert signed_in.headers["Content-Language"] == "es"
    assert client.post(URL, entered(language="")).headers["Content-Language"] == "en"
    assert client.get(URL).headers["Content-Language"] == "en"
