"""What a browser may keep of an answer: nothing of pages and files, pictures only to ask about them again."""

from dataclasses import dataclass
from http import HTTPStatus
from uuid import UUID

import pytest
from django.db import transaction
from django.templatetags.static import static
from django.test import Client
from django.urls import reverse

from portal.accounts.choices import Role
from portal.accounts.models import Laboratory, User
from portal.accounts.tokens import issue_token
from portal.cases.models import Case, SmearImage
from portal.inference import quick_looks
from portal.inference.models import ModelVersion
from portal.intake import services as cases
from portal.quick_look import services as quick_look
from portal.web.caching import KEPT, NO_STORE
from tests.factories import analysed, draft, member, photograph, signed
from tests.portal.addresses import ARGUMENTS, EXEMPT, addresses, is_exempt, patterns, takes_arguments
from tests.portal.kinds import People, present

pytestmark = pytest.mark.django_db

#: Every picture of the project: what may be kept, and nothing else.
PICTURES = {
    *(f"cases:{name}" for name in ("photograph", "thumbnail", "tile", "heat_map")),
    *(f"inference:quick_look_{name}" for name in ("photograph", "heat_map")),
    *(f"api:image-{name}" for name in ("file", "thumbnail", "activation-map")),
}


@pytest.fixture
def chief(lab: Laboratory) -> User:
    """Somebody who may see everything there is."""
    return member(lab, Role.LAB_ADMIN, is_staff=True, is_superuser=True)


@dataclass
class World:
    """One thing for each argument of an address; ``large`` has tiles."""

    case: Case
    image: SmearImage
    image_two: SmearImage
    large: SmearImage
    lab: str
    reader: User
    marker: UUID
    notification: int
    unknown: UUID


@pytest.fixture
def world(
    lab: Laboratory, people: People, model: ModelVersion, chief: User, monkeypatch: pytest.MonkeyPatch
) -> World:
    """Something at every address; its large photograph has tiles."""
    monkeypatch.setattr("portal.inference.sending.app.send_task", lambda *args, **options: None)
    case = analysed(people.submitter, lab, images=2)
    large = cases.add_image(
        people.submitter, draft(people.submitter, lab, images=0), photograph(9, size=(4200, 840))
    )
    signed(people.reviewer, analysed(people.submitter, lab))
    look = quick_look.start(chief, lab, photograph(3))
    quick_looks.claim(look.pk)
    return World(
        case=case,
        image=present(case.images.first()),
        image_two=present(case.images.last()),
        large=large,
        lab=lab.slug,
        reader=chief,
        marker=look.pk,
        notification=1,
        unknown=look.pk,
    )


@pytest.fixture
def browser(chief: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(chief)
    return client


def bearer(user: User) -> dict[str, str]:
    return {"Authorization": f"Bearer {issue_token(user)[1]}"}


def test_no_address_lets_anything_be_stored_but_pictures(world: World, browser: Client, chief: User) -> None:
    token = bearer(chief)
    seen: dict[str, set[int]] = {}
    for address in addresses(world):
        if "?" in address.path:
            continue
        for method in ("GET", "POST", "OPTIONS"):
            with transaction.atomic():
                response = browser.generic(method, address.path, headers=token if address.is_api else {})
                transaction.set_rollback(True)
            is_picture = address.name in PICTURES and response.status_code == HTTPStatus.OK
            wanted = KEPT if is_picture and method == "GET" else NO_STORE
            assert response["Cache-Control"] == wanted, (method, address, response.status_code)
            assert "Expires" not in response, (method, address)
            seen.setdefault(address.name, set()).add(response.status_code)
    assert len(seen) > 90
    every = {
        name
        for name, pattern in patterns()
        if not is_exempt(name) and (not takes_arguments(pattern) or name in ARGUMENTS)
    }
    assert every <= set(seen)


@pytest.mark.parametrize(
    "path", ["/account/login/", "/django-admin/", "/account/logout/", "/health/ready", "/nothing/"]
)
def test_what_the_walk_leaves_out_is_not_stored_either(path: str, browser: Client) -> None:
    assert {"admin", "account_logout", "health:ready"} <= set(EXEMPT)
    assert browser.get(path)["Cache-Control"] == NO_STORE
    assert Client().get(path)["Cache-Control"] == NO_STORE


def test_answers_of_the_middleware_are_not_stored(browser: Client) -> None:
    refused = browser.post("/cases/new/", "{}", content_type="application/json", CONTENT_LENGTH=str(10**12))
    answers = {
        400: browser.get("/cases/?q=%FF%FE"),
        403: Client(enforce_csrf_checks=True).post("/account/login/"),
        413: refused,
    }
    for status, response in answers.items():
        assert (response.status_code, response["Cache-Control"]) == (status, NO_STORE)
    assert browser.get("/cases/", HTTP_HOST="elsewhere.example")["Cache-Control"] == NO_STORE


def picture_addresses(world: World) -> list[str]:
    ids = {"pk": world.image.pk}
    api = {"case_id": world.case.pk, "image_id": world.image.pk}
    return [
        reverse("cases:photograph", kwargs=ids),
        reverse("cases:thumbnail", kwargs=ids),
        reverse("cases:heat_map", kwargs=ids | {"label": "Pre"}),
        reverse("cases:tile", kwargs={"pk": world.large.pk, "level": 8, "column": 0, "row": 0}),
        reverse("inference:quick_look_photograph", kwargs={"pk": world.unknown}),
        *(reverse(f"api:image-{name}", kwargs=api) for name in ("file", "thumbnail", "activation-map")),
    ]


def test_a_picture_is_sent_once_and_asked_about_each_time(
    world: World, browser: Client, chief: User, people: People
) -> None:
    token = bearer(chief)
    stranger = Client()
    stranger.force_login(people.stranger)
    strange_token = bearer(people.stranger)
    tags = set()
    for path in picture_addresses(world):
        extra, strange = (token, strange_token) if path.startswith("/api/") else ({}, {})
        first = browser.get(path, headers=extra)
        assert (first.status_code, first["Cache-Control"]) == (200, KEPT), path
        assert first.getvalue(), path
        tags.add(first["ETag"])
        known = {"If-None-Match": first["ETag"]}
        again = browser.get(path, headers=extra | known)
        assert (again.status_code, again["Cache-Control"]) == (304, KEPT), path
        assert (again.content, again["ETag"]) == (b"", first["ETag"])
        assert browser.get(path, headers=extra | {"If-None-Match": '"another"'}).status_code == 200
        # Who may not see it is not told that it is the same.
        assert stranger.get(path, headers=strange | known).status_code in (403, 404, 410), path
        assert Client().get(path, headers=known).status_code in (302, 401), path
    assert len(tags) == len(picture_addresses(world)) - 3  # page and API send the same three


def test_a_blind_reader_is_not_told_that_a_map_is_the_same(
    world: World, browser: Client, people: People
) -> None:
    path = reverse("cases:heat_map", kwargs={"pk": world.image.pk, "label": "Pre"})
    known = {"If-None-Match": browser.get(path)["ETag"]}
    reader = Client()
    reader.force_login(people.reviewer)
    response = reader.get(path, headers=known)
    assert (response.status_code, response["Cache-Control"]) == (403, NO_STORE)


def test_a_picture_opened_by_itself_is_not_kept(world: World, browser: Client) -> None:
    path = picture_addresses(world)[0]
    tag = browser.get(path)["ETag"]
    response = browser.get(path, HTTP_SEC_FETCH_DEST="document", HTTP_IF_NONE_MATCH=tag)
    assert (response.status_code, response["Cache-Control"]) == (200, NO_STORE)
    assert response.getvalue()


def test_static_files_may_be_kept() -> None:
    response = Client().get(static("img/logo.svg"))
    assert response.status_code == 200
    assert "max-age" in response["Cache-Control"]
