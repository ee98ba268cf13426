"""What the top bar of every page shows of the notifications."""

from typing import Any

from django.http import HttpRequest

from portal.accounts.models import User
from portal.desk.bell import Bell


def bell(request: HttpRequest) -> dict[str, Any]:
    """``bell``: how much the person has not seen, and the urgent findings that wait for them."""
    user = getattr(request, "user", None)
    return {"bell": Bell(user)} if isinstance(user, User) else {}
