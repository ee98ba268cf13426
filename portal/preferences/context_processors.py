"""What every page knows of the person's keys."""

from typing import Any

from django.http import HttpRequest

from portal.accounts.models import User
from portal.preferences.services import keys_of


def preferences(request: HttpRequest) -> dict[str, Any]:
    """``my_keys``: the keys that work for the person, by action; the database is asked by whole pages only."""
    user = getattr(request, "user", None)
    return {"my_keys": lambda: keys_of(user)} if isinstance(user, User) else {}
