"""May this person do that in this laboratory? Asked by every service before it writes."""

from django.contrib.auth.models import AnonymousUser
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from portal.accounts.choices import ROLE_ACTIONS, Action
from portal.accounts.models import Laboratory, User
from portal.accounts.selectors import role_in
from portal.errors import NotAllowed

REFUSALS: dict[Action, str] = {
    Action.VIEW_CASE: gettext_noop("You are not a member of this laboratory."),
    Action.SUBMIT_CASE: gettext_noop("Your role does not allow you to file cases in this laboratory."),
    Action.READ_CASE: gettext_noop("Only reviewers of this laboratory can read its cases."),
    Action.ASSIGN_CASES: gettext_noop("Only administrators of this laboratory can assign its cases."),
    Action.SET_POLICY: gettext_noop("Only administrators of this laboratory can change its reading policy."),
    Action.MANAGE_USERS: gettext_noop("Only administrators can manage people."),
}


def can(user: User | AnonymousUser, action: Action, laboratory: Laboratory) -> bool:
    """Whether an active member's role covers the action; a superuser manages users everywhere."""
    if not isinstance(user, User) or not user.is_active:
        return False
    if action is Action.MANAGE_USERS and user.is_superuser:
        return True
    return action in ROLE_ACTIONS.get(role_in(user, laboratory) or "", frozenset())


def require(user: User | AnonymousUser, action: Action, laboratory: Laboratory) -> None:
    """Raise NotAllowed, in words, where ``can`` says no."""
    if not can(user, action, laboratory):
        raise NotAllowed(_(REFUSALS[action]))
