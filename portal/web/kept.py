"""What a browser keeps of a form until it is saved: the key it is kept under, and the word that it can go.

The scripts (``frontend/js/kept-store.js``) encrypt with the key, which is one person's, and send a form with the id of
what they keep of it. docs/decisions/0023-typed-text.md says why.
"""

import re
from collections.abc import Callable
from typing import TypeVar

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import resolve_url

#: A form's field with the id of what is kept of it; ``NOT_KEPT`` where the browser cannot keep what was typed.
KEPT_FIELD, NOT_KEPT = "kept", "no"
#: Texts are kept for so long.
KEPT_SECONDS = 24 * 3600
#: One cookie a form that was saved; the next page drops what was kept of it, and the cookie.
SAVED_COOKIE = "saved-"
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ENTRANCES = ("account_login", "account_reauthenticate", "mfa_reauthenticate")

Response = TypeVar("Response", bound=HttpResponseBase)


def kept_id(request: HttpRequest) -> str:
    """Id of what the browser keeps of the form that was sent; empty where it keeps nothing."""
    said = request.POST.get(KEPT_FIELD, "") if request.method == "POST" else ""
    return said if _ID.fullmatch(said) else ""


def is_lost(request: HttpRequest) -> bool:
    """Whether something was typed that the browser cannot keep."""
    return request.method == "POST" and request.POST.get(KEPT_FIELD) == NOT_KEPT


def say_saved(request: HttpRequest, response: Response) -> Response:
    """Tell the browser that the form was saved. For redirects the middleware does so."""
    if kept := kept_id(request):
        response.set_cookie(
            f"{SAVED_COOKIE}{kept}",
            "1",
            max_age=KEPT_SECONDS,
            secure=settings.SESSION_COOKIE_SECURE,
            samesite="Lax",
        )
    return response


class KeptFormMiddleware:
    """A form was saved where the answer to it leads on, and not to a sign-in."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        return say_saved(request, response) if _leads_on(response) else response


def _leads_on(response: HttpResponseBase) -> bool:
    return isinstance(response, HttpResponseRedirect) and not response.url.startswith(
        tuple(resolve_url(name) for name in _ENTRANCES)
    )
