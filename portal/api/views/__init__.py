"""The endpoints. Each asks a selector for what may be seen, lets a service do the work, and shows the result."""

from rest_framework.request import Request

from portal.accounts.models import User


class SignedInRequest(Request):
    """A request with a valid token: no other one gets past the permission classes."""

    user: User
