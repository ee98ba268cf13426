"""What the scripts of a page ask about the session, so that nothing typed is sent in vain."""

import base64

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.utils.crypto import salted_hmac
from django.views.decorators.http import require_GET

from portal.accounts.models import User
from portal.accounts.requests import SignedInRequest
from portal.text import visible
from portal.web import kept
from portal.web.pages import page


def key_of(user: User) -> str:
    """The person's key for texts in a browser: 32 bytes in base64. Only that person's own session is given it."""
    digest = salted_hmac("portal.kept", f"{user.pk} {user.date_joined.isoformat()}", algorithm="sha256")
    return base64.b64encode(digest.digest()).decode()


@login_not_required
@require_GET
def session(request: HttpRequest) -> HttpResponse:
    """Who is signed in (``person`` is null for nobody), this sign-in's token for forms, and the key for texts."""
    user = request.user
    if not isinstance(user, User):
        return JsonResponse({"person": None})
    return JsonResponse(
        {
            "person": str(user.pk),
            "name": visible(user.full_name),
            "csrf": get_token(request),
            "key": key_of(user),
            "keeps_seconds": kept.KEPT_SECONDS,
        }
    )


@require_GET
@page
def resumed(request: SignedInRequest) -> HttpResponse:
    """Where a sign-in ends that was started from an open page; its script notifies that page and closes the window."""
    return render(request, "accounts/resumed.html")
