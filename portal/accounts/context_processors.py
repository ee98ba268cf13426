"""What every page knows about the person who looks at it."""

from typing import Any

from django.http import HttpRequest

from portal.accounts.choices import Action
from portal.accounts.models import User
from portal.accounts.selectors import may_anywhere


def laboratory(request: HttpRequest) -> dict[str, Any]:
    """``my_laboratories`` and what the navigation may offer."""
    user = getattr(request, "user", None)
    if not isinstance(user, User):
        return {}
    return {
        "my_laboratories": [membership.laboratory for membership in user.active_memberships],
        "can_submit_cases": may_anywhere(user, Action.SUBMIT_CASE),
        "can_manage_users": may_anywhere(user, Action.MANAGE_USERS),
        "can_read_cases": may_anywhere(user, Action.READ_CASE),
        "can_set_policy": may_anywhere(user, Action.SET_POLICY),
    }
