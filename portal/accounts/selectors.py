"""Reads about people and laboratories."""

from django.db.models import Q, QuerySet

from portal.accounts.choices import ROLE_ACTIONS, Action, Role
from portal.accounts.models import Invitation, Laboratory, Membership, User


def role_in(user: User, laboratory: Laboratory) -> str | None:
    """The active role of a person in a laboratory."""
    roles = {membership.laboratory_id: membership.role for membership in user.active_memberships}
    return roles.get(laboratory.pk)


def may_anywhere(user: User, action: Action) -> bool:
    """Whether a person may do something in any laboratory."""
    if action is Action.MANAGE_USERS and user.is_superuser:
        return True
    return any(action in ROLE_ACTIONS[membership.role] for membership in user.active_memberships)


def laboratories_for(user: User, action: Action = Action.VIEW_CASE) -> QuerySet[Laboratory]:
    """The laboratories in which a person may do something."""
    if action is Action.MANAGE_USERS and user.is_superuser:
        return Laboratory.objects.all()
    roles = [role for role in Role.values if action in ROLE_ACTIONS[role]]
    return Laboratory.objects.filter(
        memberships__user=user, memberships__is_active=True, memberships__role__in=roles
    ).distinct()


def members(laboratory: Laboratory) -> QuerySet[Membership]:
    """Everyone who is or was a member, the active ones first."""
    return laboratory.memberships.select_related("user").order_by("-is_active", "user__full_name")


def invitations(laboratory: Laboratory) -> list[Invitation]:
    """The last fifty invitations of a laboratory, those that nobody has taken up yet first."""
    newest = laboratory.invitations.select_related("invited_by", "accepted_by")[:50]
    return sorted(newest, key=lambda one: one.accepted_at is not None or one.withdrawn_at is not None)


def other_active_admins(membership: Membership) -> QuerySet[Membership]:
    """The other active administrators of the membership's laboratory."""
    return membership.laboratory.memberships.filter(
        Q(role=Role.LAB_ADMIN), is_active=True, user__is_active=True
    ).exclude(pk=membership.pk)


def user_with_address(email: str) -> User | None:
    """Whose account signs in with this address. An address that somebody has entered and not verified is nobody's."""
    email = email.strip()
    # The database's idea of upper case makes one of letters that are not (dotless i): compared again here.
    found = User.objects.filter(email__iexact=email)
    return next((user for user in found if user.email.lower() == email.lower()), None)
