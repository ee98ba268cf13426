"""A request of somebody who is signed in."""

from django.http import HttpRequest

from portal.accounts.models import User


class SignedInRequest(HttpRequest):
    """What a view behind ``portal.web.pages.page`` is called with."""

    user: User
