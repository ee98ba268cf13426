"""A form whose sender is signed out, has signed in again, or is somebody else: not saved, and the answer says why."""

from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import resolve, reverse

from portal.accounts.choices import Role
from portal.accounts.models import Laboratory, User
from portal.cases.models import Case
from portal.inference.models import ModelVersion
from portal.reading.models import Return
from portal.reports.models import Diagnosis
from tests.documents import Document
from tests.factories import PASSWORD, analysed, claimed, member, read
from tests.portal.addresses import addresses
from tests.portal.blind_worlds import World
from tests.portal.kinds import PageResponse, People, present

pytestmark = pytest.mark.django_db
HOST = "http://testserver"
KEPT = "0f0e0d0c-0b0a-4908-8706-050403020100"
TO_SIGN_IN = "Sign in again"


@pytest.fixture
def to_sign(people: People, lab: Laboratory, model: ModelVersion) -> Case:
    return read(people.reviewer, analysed(people.submitter, lab))


@pytest.fixture
def browser() -> Client:
    """A client that checks the tokens of forms, as a real server does."""
    return Client(enforce_csrf_checks=True)


def sign_in(browser: Client, person: User) -> Document:
    """Through the form, as every sign-in: it changes the token."""
    browser.get(reverse("account_login"))
    token = browser.cookies["csrftoken"].value
    form = {"login": person.email, "password": PASSWORD, "csrfmiddlewaretoken": token}
    assert browser.post(reverse("account_login"), form).status_code == 302
    session: Document = browser.get(reverse("session:current")).json()
    return session


def way_back(response: PageResponse) -> str:
    """Where the sign-in that the page offers leads."""
    page = response.content.decode()
    href = page[page.index('href="/account/login/?next=') + 6 :].split('"')[0]
    return parse_qs(urlsplit(href).query)["next"][0]


def form_of(case: Case) -> tuple[str, dict[str, str]]:
    return reverse("reports:sign", args=[case.pk]), {"comment": "Auer rods.", "secret": PASSWORD}


# --- Signed out


def test_a_form_of_a_session_that_has_ended_is_not_saved_and_leads_back_to_its_page(
    client: Client, to_sign: Case
) -> None:
    address, form = form_of(to_sign)
    page = reverse("cases:detail", args=[to_sign.pk])
    response = client.post(address, form | {"kept": KEPT}, headers={"Referer": f"{HOST}{page}?image=3"})
    assert response.status_code == 401
    words = response.content.decode()
    assert "Your session had ended" in words
    assert "kept in this browser for a day, for you alone" in words
    assert "Auer rods." not in words
    assert way_back(response) == f"{page}?image=3"
    assert "kept in this browser" not in client.post(address, form).content.decode()
    assert "cannot keep what you type" in client.post(address, form | {"kept": "no"}).content.decode()
    assert not Diagnosis.objects.exists()
    assert not [name for name in response.cookies if name.startswith("saved-")]


@pytest.mark.parametrize(
    "referer",
    [
        "",
        "https://elsewhere.example/cases/",
        f"{HOST}//elsewhere.example/",
        f"{HOST}/no/such/page/",
        f"{HOST}/account/login/?next=/cases/",
        f"{HOST}/cases/next/",
        "http://[",
        "javascript:alert(1)",
    ],
)
def test_the_way_back_is_a_page_of_this_site_that_can_be_opened(
    client: Client, db: None, referer: str
) -> None:
    response = client.post(reverse("reading:next"), headers={"Referer": referer} if referer else {})
    assert way_back(response) == reverse("home")


def test_what_takes_forms_only_says_so_and_is_no_way_back(
    client: Client, people: People, lab: Laboratory, model: ModelVersion
) -> None:
    """Everything that answers 405 to somebody who looks is marked, so that no sign-in ends there."""
    person = member(lab, Role.LAB_ADMIN, is_superuser=True)
    client.force_login(person)
    case = claimed(people.reviewer, analysed(people.submitter, lab))

    image = present(case.images.first())
    unknown = "00000000-0000-0000-0000-000000000000"
    world = World(case, image, image, lab.slug, person, marker=unknown, unknown=unknown)
    marked = 0
    for address in addresses(world):
        if address.is_api or address.name.startswith(("annotations:", "session:")):
            continue
        takes_forms_only = client.get(address.path).status_code == 405
        view = resolve(urlsplit(address.path).path).func
        assert takes_forms_only == getattr(view, "posts_only", False), address.path
        marked += takes_forms_only
    assert marked > 15


@pytest.mark.parametrize("headers", [{"Accept": "application/json"}, {"HX-Request": "true"}])
def test_scripts_are_told_by_a_code(client: Client, to_sign: Case, headers: dict[str, str]) -> None:
    response = client.post(reverse("reading:keep", args=[to_sign.pk]), headers=headers)
    assert (response.status_code, response.json()["code"]) == (401, "signed_out")


# --- Signed in again, in this tab or in another one


def test_after_a_sign_in_elsewhere_an_old_page_is_told_so_and_the_new_token_saves(
    browser: Client, people: People, to_sign: Case
) -> None:
    old = sign_in(browser, people.reviewer)
    browser.cookies.pop("sessionid")
    new = sign_in(browser, people.reviewer)
    address, form = form_of(to_sign)
    page = reverse("cases:detail", args=[to_sign.pk])
    form |= {"from_person": old["person"], "kept": KEPT}
    refused = browser.post(
        address, form | {"csrfmiddlewaretoken": old["csrf"]}, headers={"Referer": HOST + page}
    )
    words = refused.content.decode()
    assert refused.status_code == 403
    assert "signed in on this browser since the page was opened" in words
    assert "open for too long" not in words
    assert f'href="{page}"' in words
    assert not Diagnosis.objects.exists()

    saved = browser.post(address, form | {"csrfmiddlewaretoken": new["csrf"]})
    assert saved.status_code == 302
    assert Diagnosis.objects.get().comment == "Auer rods."
    cookie = saved.cookies[f"saved-{KEPT}"]
    assert (cookie["samesite"], cookie["max-age"]) == ("Lax", 24 * 3600)


def test_a_page_never_acts_for_another_person(
    browser: Client, people: People, to_sign: Case, lab: Laboratory
) -> None:
    """With the token of the one who was signed in, and with that of the one who is: refused, and by name."""
    other = member(lab, Role.REVIEWER)
    first = sign_in(browser, people.reviewer)
    browser.cookies.pop("sessionid")
    second = sign_in(browser, other)
    address, form = form_of(to_sign)
    form |= {"from_person": first["person"], "kept": KEPT}
    for token in (first["csrf"], second["csrf"]):
        response = browser.post(address, form | {"csrfmiddlewaretoken": token})
        words = response.content.decode()
        assert response.status_code == 403
        assert f"{other.full_name} is now signed in on this browser" in words
        assert "What you typed is kept" not in words
        assert "Auer rods." not in words
    live = browser.get(
        reverse("cases:live", args=[to_sign.pk]),
        headers={"HX-Request": "true", "X-From-Person": first["person"]},
    )
    assert (live.status_code, live.json()["code"]) == (403, "other_person")
    assert not Diagnosis.objects.exists()


def test_each_way_in_which_a_token_does_not_fit_has_its_words(
    browser: Client, people: People, to_sign: Case
) -> None:
    address, form = form_of(to_sign)
    assert "sent no cookie" in browser.post(address, form).content.decode()
    token = sign_in(browser, people.reviewer)["csrf"]
    elsewhere = browser.post(
        address, form | {"csrfmiddlewaretoken": token}, headers={"Origin": "http://elsewhere.example"}
    )
    assert "came from another address" in elsewhere.content.decode()
    browser.cookies.pop("sessionid")
    signed_out = browser.post(address, form | {"csrfmiddlewaretoken": "x" * 64})
    assert (signed_out.status_code, way_back(signed_out)) == (401, reverse("home"))
    api = browser.post(reverse("api:cases"), {})
    assert api["Content-Type"] == "application/problem+json"
    assert not Diagnosis.objects.exists()


# --- The key, and the word that a text can go


def test_the_key_is_the_persons_own_and_the_same_after_signing_in_again(
    browser: Client, people: People
) -> None:
    assert browser.get(reverse("session:current")).json() == {"person": None}
    first = sign_in(browser, people.reviewer)
    browser.cookies.pop("sessionid")
    again = sign_in(browser, people.reviewer)
    browser.cookies.pop("sessionid")
    other = sign_in(browser, people.submitter)
    assert first["key"] == again["key"] != other["key"]
    response = browser.get(reverse("session:current"))
    assert "no-store" in response["Cache-Control"]


def test_a_form_that_was_refused_is_still_kept(
    client: Client, people: People, lab: Laboratory, model: ModelVersion
) -> None:
    client.force_login(people.reviewer)
    case = claimed(people.reviewer, analysed(people.submitter, lab))
    address = reverse("reading:return", args=[case.pk])
    refused = client.post(address, {"missing": "", "kept": KEPT})
    assert (refused.status_code, "saved-" in str(refused.cookies)) == (422, False)
    for wrong in ("x", f"{KEPT};Path=/", KEPT.upper()):
        assert "saved-" not in str(client.post(address, {"missing": "", "kept": wrong}).cookies)
    saved = client.post(address, {"missing": "Two more fields.", "kept": KEPT})
    assert f"saved-{KEPT}" in saved.cookies
    assert Return.objects.get().missing == "Two more fields."


def test_a_token_that_was_made_is_saved_and_one_that_waits_for_the_password_is_not(
    client: Client, people: People
) -> None:
    client.force_login(people.submitter)
    form = {"name": "Scanner", "days": "5", "kept": KEPT}
    waits = client.post(reverse("tokens:list"), form)
    assert waits["Location"].startswith(reverse("account_reauthenticate"))
    assert "saved-" not in str(waits.cookies)
    made = client.post(waits["Location"], {"password": PASSWORD})
    assert made.status_code == 201
    assert f"saved-{KEPT}" in made.cookies
