"""What a browser keeps of a form while it is not saved: the key it is kept under, and the word that it can go.

The browser keeps it under this key and this id; what the key belongs to is one person.
"""

import base64
import re
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.utils.crypto import salted_hmac

from portal.accounts.models import User
from portal.refused_forms import KEPT_FIELD

#: Texts are kept for so long; the scripts have the same.
KEPT_SECONDS = 24 * 3600
#: One cookie a form that was saved; the next page drops what was kept of it, and the cookie.
SAVED_COOKIE = "saved-"
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def key_of(user: User) -> str:
    """The person's key for texts in a browser: 32 bytes in base64. Only that person's own session is given it."""
    digest = salted_hmac("portal.kept", f"{user.pk} {user.date_joined.isoformat()}", algorithm="sha256")
    return base64.b64encode(digest.digest()).decode()


class KeptFormMiddleware:
    """Tells the browser by a cookie that a form was saved: the answer to it leads on, and not to the sign-in."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if request.method == "POST" and _leads_on(response):
            kept = request.POST.get(KEPT_FIELD, "")
            if _ID.fullmatch(kept):
                response.set_cookie(
                    f"{SAVED_COOKIE}{kept}",
                    "1",
                    max_age=KEPT_SECONDS,
                    secure=settings.SESSION_COOKIE_SECURE,
                    samesite="Lax",
                )
        return response


def _leads_on(response: HttpResponseBase) -> bool:
    return isinstance(response, HttpResponseRedirect) and not response.url.startswith(
        resolve_url("account_login")
    )
