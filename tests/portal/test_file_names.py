"""Names that a file cannot have: words about the name on every route that takes a file, and nothing stored."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from portal.accounts.models import Laboratory
from portal.accounts.tokens import issue_token
from portal.cases.models import SmearImage
from portal.inference.models import ModelVersion, QuickLook
from tests.documents import Document
from tests.factories import draft, photograph
from tests.portal.kinds import ApiResponse, PageResponse, People

pytestmark = pytest.mark.django_db

BOUNDARY = "photographs"
UNFIT = {
    "Latin-1": ('filename="Bl\xe4tter.jpg"'.encode("latin-1"), "not encoded in UTF-8"),
    "a broken RFC 2231 name": (b"filename*=klingon''field.jpg", "not encoded in UTF-8"),
    "Latin-1 sent as UTF-8": (b"filename*=UTF-8''Bl%E4tter.jpg", "lost in transfer (U+FFFD)"),
    "a slash at its end": (b'filename="smear/"', "ends in a slash"),
    "a backslash at its end": (b'filename="C:\\\\photographs\\\\"', "ends in a slash"),
    "an entity for a slash": (b'filename="smear&#47;"', "ends in a slash"),
    "no name": (b'filename=""', "has no name"),
    "a blank": (b'filename=" "', "has no name"),
    "a dot": (b'filename="."', "only of dots"),
    "dots": (b'filename="..."', "only of dots"),
    "dots in a folder": (b'filename="smears/.."', "only of dots"),
    "NUL": (b'filename="field\x00.jpg"', "control character (U+0000)"),
    "a control character": (b'filename="field\x07.jpg"', "control character (U+0007)"),
    "turned around": ('filename="field\u202egpj.exe"'.encode(), "changes the reading direction (U+202E)"),
    "an invisible character": ('filename="field\u200b.jpg"'.encode(), "invisible character (U+200B)"),
    "256 characters": (b'filename="' + b"f" * 252 + b'.jpg"', "more than 255 characters"),
}
FIT = {
    "UTF-8": 'filename="Bl\xe4tter 1.jpg"'.encode(),
    "RFC 2231": b"filename*=UTF-8''Bl%C3%A4tter.jpg",
    "decomposed": 'filename="Bla\u0308tter.jpg"'.encode(),
    "Chinese": 'filename="\u8840\u6db2.jpg"'.encode(),
    "a path": b'filename="C:\\\\smears\\\\field.jpg"',
    "255 characters": b'filename="' + b"f" * 251 + b'.jpg"',
    "hidden": b'filename=".field"',
}
JSON = {"Accept": "application/json"}
Routes = dict[str, Callable[[Document], PageResponse | ApiResponse]]


def form(name: bytes, content: bytes) -> Document:
    """A form with one file, byte for byte, and a field after it."""
    mark = f"--{BOUNDARY}".encode()
    body = (
        mark + b'\r\nContent-Disposition: form-data; name="file"; ' + name + b"\r\n"
        b"Content-Type: image/jpeg\r\n\r\n" + content + b"\r\n" + mark + b"\r\n"
        b'Content-Disposition: form-data; name="position"\r\n\r\n2\r\n' + mark + b"--\r\n"
    )
    return {"data": body, "content_type": f"multipart/form-data; boundary={BOUNDARY}"}


@pytest.fixture
def routes(client: Client, people: People, lab: Laboratory, model: ModelVersion) -> Routes:
    """For each route that takes a file: a function that sends a form there and returns the response."""
    client.force_login(people.submitter)
    case = draft(people.submitter, lab, images=0)
    api = APIClient(HTTP_AUTHORIZATION=f"Bearer {issue_token(people.submitter)[1]}")
    page = reverse("cases:add_image", args=[case.pk])
    look = reverse("inference:quick_look")
    return {
        "page": lambda sent: client.post(page, **sent, headers=JSON),
        "quick look": lambda sent: client.post(look, **sent, headers=JSON),
        "API": lambda sent: api.post(f"/api/v1/cases/{case.pk}/images/", **sent),
    }


@pytest.mark.parametrize("name", UNFIT)
@pytest.mark.parametrize("route", ["page", "quick look", "API"])
def test_a_name_that_cannot_be_taken_gets_words_about_it(route: str, name: str, routes: Routes) -> None:
    header, says = UNFIT[name]
    response = routes[route](form(header, photograph(1).read()))
    body = response.json()
    assert (response.status_code, body["code"]) == (400, "file_name")
    words = body["errors"]["file"][0] if route == "API" else body["message"]
    assert says in words
    assert words.endswith("Rename it, for example to field.jpg, and upload it again.")
    assert not SmearImage.objects.exists()
    assert not QuickLook.objects.exists()


@pytest.mark.parametrize("name", FIT)
@pytest.mark.parametrize("route", ["page", "API"])
def test_an_ordinary_name_is_taken(route: str, name: str, routes: Routes) -> None:
    response = routes[route](form(FIT[name], photograph(1).read()))
    assert response.status_code == 201, response.content
    assert response.json()["position"] == 2


@pytest.mark.parametrize("route", ["page", "quick look"])
def test_a_field_in_which_nothing_was_chosen_is_no_file(route: str, routes: Routes) -> None:
    response = routes[route](form(b'filename=""', b""))
    assert (response.status_code, response.json()["code"]) == (400, "no_file")


@pytest.mark.parametrize("route", ["page", "quick look"])
def test_two_files_at_once_are_refused(route: str, routes: Routes) -> None:
    sent = form(b'filename="a.jpg"', b"a")
    sent["data"] = sent["data"].replace(b'name="position"', b'name="file"; filename="b.jpg"')
    response = routes[route](sent)
    assert response.status_code == 400
    assert "one photograph" in response.json()["message"]


def test_a_large_file_is_judged_wherever_the_server_cuts_it(routes: Routes, settings: Settings) -> None:
    # No multiple of the pieces in which a body is read, so that headers lie across their ends.
    filling = bytes(range(256)) * 256
    for size in range(65_000, 65_600, 40):
        sent = form(b'filename="field.bin"', filling[:size])
        sent["data"] = sent["data"].replace(
            b'name="position"\r\n\r\n2', b'name="file"; filename="Bl\xe4tter.jpg"\r\n\r\n' + filling
        )
        assert routes["page"](sent).json()["code"] == "file_name"
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    unnamed = routes["page"](form(b'filename=""', filling))
    assert (unnamed.status_code, unnamed.json()["code"]) == (400, "file_name")
