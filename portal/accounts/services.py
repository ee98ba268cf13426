"""Every change to people, roles and invitations."""

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _

from portal.accounts.choices import Action, Role
from portal.accounts.models import (
    Invitation,
    Laboratory,
    Membership,
    User,
    invitation_expiry,
    invitation_token,
)
from portal.accounts.permissions import require
from portal.accounts.selectors import other_active_admins
from portal.errors import Duplicate, Gone, Invalid, NotAllowed, WrongState


def invitation_url(invitation: Invitation) -> str:
    """The address that redeems an invitation, for the mail and for the administrator to copy."""
    return settings.SITE_URL.rstrip("/") + reverse("accounts:accept_invitation", args=[invitation.token])


@transaction.atomic
def create_laboratory(name: str, *, email: str, full_name: str) -> Invitation:
    """Open a laboratory and offer its administration to an address, before there is anybody to invite from within.

    A new address gets an account that opens with the invitation; its owner stands as the inviter. Raises
    Duplicate, Invalid.
    """
    name, email = name.strip(), User.objects.normalize_email(email.strip()).lower()
    slug = slugify(name)
    if not slug:
        raise Invalid(_("Give the laboratory a name with letters or digits."), field="name")
    if Laboratory.objects.filter(Q(name__iexact=name) | Q(slug=slug)).exists():
        raise Duplicate(_("There is a laboratory called %(name)s already.") % {"name": name}, field="name")
    laboratory = Laboratory.objects.create(name=name, slug=slug)
    user = User.objects.filter(email__iexact=email).first()
    if user is None:
        user = User.objects.create_user(email, full_name=full_name.strip(), is_active=False)
    return laboratory.invitations.create(email=email, role=Role.LAB_ADMIN, invited_by=user)


@transaction.atomic
def invite(by: User, *, email: str, laboratory: Laboratory, role: str) -> Invitation:
    """Offer a role to an address and mail the link once the offer is stored.

    An expired offer to the same address is renewed. Raises NotAllowed, Duplicate, Invalid.
    """
    require(by, Action.MANAGE_USERS, laboratory)
    email = User.objects.normalize_email(email.strip()).lower()
    if role not in Role.values:
        raise Invalid(_("Choose one of the roles."), field="role")
    if laboratory.memberships.filter(user__email__iexact=email, is_active=True).exists():
        raise Duplicate(
            _("%(email)s is a member of this laboratory already.") % {"email": email}, field="email"
        )
    invitation = (
        laboratory.invitations.select_for_update().filter(email__iexact=email, accepted_at=None).first()
    )
    if invitation is not None and invitation.is_open:
        raise Duplicate(
            _("%(email)s has an open invitation; copy its link below.") % {"email": email}, field="email"
        )
    if invitation is None:
        invitation = Invitation(email=email, laboratory=laboratory)
    invitation.role = role
    invitation.invited_by = by
    invitation.token = invitation_token()
    invitation.expires_at = invitation_expiry()
    invitation.save()
    transaction.on_commit(lambda: _mail_invitation(invitation), robust=True)
    return invitation


def _mail_invitation(invitation: Invitation) -> None:
    send_mail(
        _("You are invited to %(laboratory)s on Hemalens") % {"laboratory": invitation.laboratory.name},
        _("%(by)s invites you as %(role)s.\n\nSet your password here, within %(days)d days:\n%(url)s\n")
        % {
            "by": invitation.invited_by.full_name,
            "role": invitation.get_role_display(),
            "days": settings.INVITATION_DAYS,
            "url": invitation_url(invitation),
        },
        None,
        [invitation.email],
    )


@transaction.atomic
def revoke_invitation(by: User, invitation: Invitation) -> None:
    """Withdraw an offer that nobody has taken up. Raises NotAllowed, WrongState."""
    require(by, Action.MANAGE_USERS, invitation.laboratory)
    if invitation.accepted_at is not None:
        raise WrongState(_("This invitation has been accepted; deactivate the member instead."))
    invitation.delete()


def open_invitation(token: str) -> Invitation:
    """The invitation behind a link. Raises Gone when it is unknown, used or expired."""
    invitation = Invitation.objects.select_related("laboratory", "invited_by").filter(token=token).first()
    if invitation is None or not invitation.is_open:
        raise Gone(_("This invitation is used up or expired. Ask your administrator for a new one."))
    return invitation


@transaction.atomic
def accept_invitation(token: str, *, full_name: str, password: str, signed_in: User | None = None) -> User:
    """Redeem an invitation: make the account and give it the role.

    An address that has an account keeps its password: its owner has to be signed in. Raises Gone, Invalid,
    NotAllowed.
    """
    invitation = open_invitation(token)
    Invitation.objects.select_for_update().get(pk=invitation.pk)
    user = User.objects.filter(email__iexact=invitation.email).first()
    if user is None:
        user = User(email=invitation.email, full_name=full_name.strip())
        _check_password(password, user)
        user.set_password(password)
        user.save()
    elif user != signed_in and user.is_active:
        raise NotAllowed(_("This address has an account: sign in with it, then open the link again."))
    elif not user.is_active:
        _check_password(password, user)
        user.set_password(password)
        user.full_name = full_name.strip() or user.full_name
        user.is_active = True
        user.save()
    membership, _created = Membership.objects.get_or_create(
        user=user, laboratory=invitation.laboratory, defaults={"role": invitation.role}
    )
    membership.role, membership.is_active = invitation.role, True
    membership.save()
    invitation.accepted_at = timezone.now()
    invitation.save()
    return user


def _check_password(password: str, user: User) -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise Invalid(" ".join(error.messages), field="password") from error


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
    """End a membership. Whoever has none left can no longer sign in (``access`` ends sessions and tokens).

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
    if not user.is_superuser and not user.memberships.filter(is_active=True).exists():
        user.is_active = False
        user.save(update_fields=["is_active"])
    return membership


@transaction.atomic
def reactivate(by: User, membership: Membership) -> Membership:
    """Let a former member back in with the role they had. Raises NotAllowed."""
    require(by, Action.MANAGE_USERS, membership.laboratory)
    membership = _locked(membership)
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
