"""Every change to people, roles and laboratories (invitations have their own: ``invitations``)."""

from django.db import transaction
from django.db.models import Q
from django.utils.text import slugify
from django.utils.translation import gettext as _

from portal.accounts.choices import Action, Role
from portal.accounts.invitations import invite_by_operator
from portal.accounts.models import Invitation, Laboratory, Membership, User
from portal.accounts.permissions import require
from portal.accounts.selectors import other_active_admins
from portal.errors import Duplicate, Invalid, NotAllowed, WrongState
from portal.text import clean_line


@transaction.atomic
def create_laboratory(name: str, *, email: str) -> tuple[Invitation, str]:
    """Open a laboratory and offer its administration to an address, before there is anybody to invite from within.

    Returns the invitation and its link, for the operator to hand over. Raises Duplicate, Invalid.
    """
    name = clean_line(name, field="name")
    slug = slugify(name)
    if not slug:
        raise Invalid(_("Enter a name with letters or digits for the laboratory."), field="name")
    if Laboratory.objects.filter(Q(name__iexact=name) | Q(slug=slug)).exists():
        raise Duplicate(_("There is already a laboratory called %(name)s.") % {"name": name}, field="name")
    laboratory = Laboratory.objects.create(name=name, slug=slug)
    return invite_by_operator(email=email, laboratory=laboratory, role=Role.LAB_ADMIN)


@transaction.atomic
def set_role(by: User, membership: Membership, role: str) -> Membership:
    """Give a member another role. The last active administrator keeps hers. Raises NotAllowed, Invalid, WrongState."""
    require(by, Action.MANAGE_USERS, membership.laboratory)
    if role not in Role.values:
        raise Invalid(_("Choose one of the roles."), field="role")
    membership = _locked(membership)
    if membership.role == Role.LAB_ADMIN and role != Role.LAB_ADMIN:
        _keep_one_admin(membership)
    membership.role = role
    membership.save(update_fields=["role"])
    return membership


@transaction.atomic
def deactivate(by: User, membership: Membership) -> Membership:
    """End a membership. A person with none left can no longer sign in and loses all operator rights.

    Raises NotAllowed, WrongState.
    """
    require(by, Action.MANAGE_USERS, membership.laboratory)
    if membership.user_id == by.pk:
        raise WrongState(_("You cannot deactivate yourself. Ask another administrator."))
    membership = _locked(membership)
    if membership.role == Role.LAB_ADMIN:
        _keep_one_admin(membership)
    membership.is_active = False
    membership.save(update_fields=["is_active"])
    user = membership.user
    if not user.memberships.filter(is_active=True).exists():
        _shut(user)
    return membership


def _shut(user: User, *, by_operator: bool = False) -> None:
    """Close an account; ``access`` ends its sessions and tokens with it."""
    user.is_active = user.is_staff = user.is_superuser = False
    user.is_closed = user.is_closed or by_operator
    user.save(update_fields=["is_active", "is_staff", "is_superuser", "is_closed"])


@transaction.atomic
def close_account(user: User) -> None:
    """For the operator: nobody signs in with this account, nor can a laboratory open it again."""
    _shut(User.objects.select_for_update().get(pk=user.pk), by_operator=True)


@transaction.atomic
def open_account(user: User) -> None:
    """For the operator: let the owner of an account sign in again, with the password of before and no more rights."""
    user = User.objects.select_for_update().get(pk=user.pk)
    user.is_active, user.is_closed = True, False
    user.save(update_fields=["is_active", "is_closed"])


@transaction.atomic
def reactivate(by: User, membership: Membership) -> Membership:
    """Let a former member back in with the role they had. Raises NotAllowed."""
    require(by, Action.MANAGE_USERS, membership.laboratory)
    membership = _locked(membership)
    if membership.user.is_closed:
        raise NotAllowed(_("This account was closed by the operator. Only the operator can reopen it."))
    membership.is_active = True
    membership.save(update_fields=["is_active"])
    if not membership.user.is_active:
        membership.user.is_active = True
        membership.user.save(update_fields=["is_active"])
    return membership


def _locked(membership: Membership) -> Membership:
    # The laboratory's row is the lock, so that two administrators cannot remove each other at once.
    Laboratory.objects.select_for_update().get(pk=membership.laboratory_id)
    return Membership.objects.select_related("user", "laboratory").get(pk=membership.pk)


def _keep_one_admin(membership: Membership) -> None:
    if not other_active_admins(membership).exists():
        raise WrongState(_("A laboratory needs at least one administrator. Name another one first."))
