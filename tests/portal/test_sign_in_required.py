"""Sign-in is required unless an address says otherwise."""

import pytest
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import include, path, reverse

from tests.portal.addresses import patterns
from tests.portal.kinds import People

#: Whoever adds an address to these opens it to everybody who reaches the server.
FOR_EVERYBODY = {
    "home", "account_set_password",  # these only lead on
    "accounts:accept_invitation", "accounts:invitation", "session:current",
    "health:live", "health:ready",
    "account_login", "account_logout", "account_signup", "account_inactive",
    "account_confirm_email", "account_email_verification_sent",
    "account_reset_password", "account_reset_password_done",
    "account_reset_password_from_key", "account_reset_password_from_key_done",
    "account_confirm_login_code", "mfa_authenticate",
}  # fmt: skip


def test_these_addresses_and_no_others_are_for_everybody() -> None:
    """The API asks for a token by itself, of every address but its schema and the answer for an unknown one."""
    public = {
        name for name, pattern in patterns()
        if not getattr(pattern.callback, "login_required", True) and not name.startswith("api:")
    }  # fmt: skip
    assert public == FOR_EVERYBODY


def bare(request: HttpRequest) -> HttpResponse:
    return HttpResponse("for people who are signed in")


@login_not_required
def opened(request: HttpRequest) -> HttpResponse:
    return HttpResponse("for everybody")


urlpatterns = [path("bare/", bare), path("opened/", opened), path("", include("portal.config.urls"))]


@override_settings(ROOT_URLCONF=__name__)
def test_a_view_without_any_decorator_asks_for_the_sign_in(client: Client, people: People) -> None:
    asked = client.get("/bare/?page=2")
    assert (asked.status_code, asked["Location"]) == (
        302,
        f"{reverse('account_login')}?next=/bare/%3Fpage%3D2",
    )
    assert client.post("/bare/").status_code == 401
    assert client.get("/opened/").content == b"for everybody"
    client.force_login(people.submitter)
    assert client.get("/bare/").content == b"for people who are signed in"


@pytest.mark.parametrize("method", ["get", "put"])
def test_an_address_that_takes_forms_says_so_to_a_visitor(client: Client, method: str) -> None:
    assert getattr(client, method)(reverse("reading:next")).status_code == 405
