"""What every page knows about the person who looks at it."""

from typing import Any

from django.http import HttpRequest

from portal.accounts.choices import Action
from portal.accounts.models import User
from portal.accounts.preferences import keys_of
from portal.accounts.selectors import laboratories_for


def laboratory(request: HttpRequest) -> dict[str, Any]:
    """``my_laboratories`` and what the navigation may offer."""
    user = getattr(request, "user", None)
    if not isinstance(user, User):
        return {}
    return {
        "my_laboratories": list(laboratories_for(user)),
        "can_submit_cases": laboratories_for(user, Action.SUBMIT_CASE).exists(),
        "can_manage_users": laboratories_for(user, Action.MANAGE_USERS).exists(),
        "can_read_cases": laboratories_for(user, Action.READ_CASE).exists(),
    }


def preferences(request: HttpRequest) -> dict[str, Any]:
    """``my_keys``: the keys that work for the person, by action; the database is asked by whole pages only."""
    user = getattr(request, "user", None)
    return {"my_keys": lambda: keys_of(user)} if isinstance(user, User) else {}
