"""Invitations: an offer of a role that goes by mail to one address, and how it is taken up.

The link's token is in the mail (or in the operator's hands) and nowhere else; the database keeps its hash. Redeeming
makes a new account, or adds a membership to one whose owner is signed in. It never changes an account that is there.
"""

import hashlib
import secrets

import structlog
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.mail import send_mail
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from portal import mail
from portal.accounts.choices import Action, Delivery, InvitationState, Role
from portal.accounts.models import Invitation, Laboratory, Membership, User, invitation_expiry
from portal.accounts.permissions import require
from portal.accounts.selectors import user_with_address
from portal.errors import Duplicate, Gone, Invalid, NotAllowed, WrongState
from portal.links import absolute
from portal.text import clean_line

log = structlog.get_logger(__name__)


def digest(token: str) -> str:
    """What the database keeps of a link's token."""
    return hashlib.sha256(token.encode()).hexdigest()


def _link(token: str) -> str:
    return absolute("accounts:accept_invitation", token)


# --- Inviting


@transaction.atomic
def invite(by: User, *, email: str, laboratory: Laboratory, role: str) -> Invitation:
    """Offer a role to an address and mail the link once the offer is stored; ``delivery`` says then what became of it.

    Raises NotAllowed, Invalid, Duplicate, WrongState (no mail).
    """
    require(by, Action.MANAGE_USERS, laboratory)
    _require_mail()
    invitation = _offer(email=email, laboratory=laboratory, role=role, by=by)
    _mail_on_commit(invitation, _renew(invitation))
    return invitation


@transaction.atomic
def invite_by_operator(*, email: str, laboratory: Laboratory, role: str) -> tuple[Invitation, str]:
    """Offer a role without mail; returns the invitation and its link. One that is open gets a new link.

    Raises Invalid, Duplicate.
    """
    invitation = _offer(email=email, laboratory=laboratory, role=role, by=None, again=True)
    token = _renew(invitation, Delivery.BY_OPERATOR)
    return invitation, _link(token)


@transaction.atomic
def send_again(by: User, invitation: Invitation) -> Invitation:
    """Mail a new link; the one before stops working. Raises NotAllowed, WrongState."""
    invitation = _unredeemed(by, invitation)
    _require_mail()
    _mail_on_commit(invitation, _renew(invitation))
    return invitation


@transaction.atomic
def withdraw(by: User, invitation: Invitation) -> Invitation:
    """End an offer that nobody has taken up. Raises NotAllowed, WrongState."""
    invitation = _unredeemed(by, invitation)
    invitation.withdrawn_at = timezone.now()
    invitation.save(update_fields=["withdrawn_at"])
    return invitation


def _unredeemed(by: User, invitation: Invitation) -> Invitation:
    require(by, Action.MANAGE_USERS, invitation.laboratory)
    invitation = _locked(pk=invitation.pk)
    if invitation.state == InvitationState.USED:
        raise WrongState(_("This invitation has been used; deactivate the member instead."))
    if invitation.state == InvitationState.WITHDRAWN:
        raise WrongState(_("This invitation was withdrawn. Invite the person again."))
    return invitation


def _locked(**which: object) -> Invitation:
    rows = Invitation.objects.select_for_update(of=("self",)).select_related("laboratory", "invited_by")
    return rows.get(**which)


def _require_mail() -> None:
    if not mail.is_configured():
        raise WrongState(
            _("This installation does not send e-mail. Ask its operator for a link: manage.py invite.")
        )


def _offer(
    *, email: str, laboratory: Laboratory, role: str, by: User | None, again: bool = False
) -> Invitation:
    """The row of the offer, new or the expired one of the same address. Raises Invalid, Duplicate."""
    email = clean_line(email, field="email").lower()
    try:
        validate_email(email)
    except ValidationError as error:
        raise Invalid(_("Enter an e-mail address."), field="email") from error
    if role not in Role.values:
        raise Invalid(_("Choose one of the roles."), field="role")
    # The laboratory's row is the lock, so that two invitations of one address do not pass each other.
    Laboratory.objects.select_for_update().get(pk=laboratory.pk)
    if laboratory.memberships.filter(user__email__iexact=email, is_active=True).exists():
        message = _("%(email)s is already a member of this laboratory.") % {"email": email}
        raise Duplicate(message, field="email")
    unredeemed = laboratory.invitations.filter(accepted_at=None, withdrawn_at=None)
    invitation = unredeemed.filter(email__iexact=email).first()
    if invitation is None:
        invitation = Invitation(email=email, laboratory=laboratory)
    elif invitation.state == InvitationState.OPEN and not again:
        message = _("%(email)s already has an open invitation; you can send it again below.") % {
            "email": email
        }
        raise Duplicate(message, field="email")
    invitation.role, invitation.invited_by = role, by
    return invitation


def _renew(invitation: Invitation, delivery: Delivery = Delivery.WAITING) -> str:
    """Give the invitation a new token, which is returned, and its full time."""
    token = secrets.token_urlsafe(32)
    invitation.token_sha256 = digest(token)
    invitation.expires_at = invitation_expiry()
    invitation.delivery = delivery
    invitation.delivered_at = timezone.now() if delivery == Delivery.BY_OPERATOR else None
    invitation.save()
    return token


def _mail_on_commit(invitation: Invitation, token: str) -> None:
    transaction.on_commit(lambda: _mail(invitation, token))


def _mail(invitation: Invitation, token: str) -> None:
    """Send the link, and note whether it left."""
    by = invitation.invited_by
    words = {
        "by": by.full_name if by else invitation.laboratory.name,
        "role": invitation.get_role_display(),
        "days": settings.INVITATION_DAYS,
        "url": _link(token),
    }
    body = _("%(by)s invites you as %(role)s.\n\nOpen this link within %(days)d days:\n%(url)s\n") % words
    subject = _("You are invited to %(laboratory)s on Hemalens") % {"laboratory": invitation.laboratory.name}
    delivery = Delivery.MAILED
    try:
        send_mail(" ".join(subject.split()), body, None, [invitation.email])
    except OSError as error:
        delivery = Delivery.FAILED
        failed = mail.failure_of(error).failure.value
        log.warning("invitation_not_mailed", invitation_id=invitation.pk, failure=failed)
    invitation.delivery, invitation.delivered_at = delivery, timezone.now()
    # Unless it was sent again in the meantime: then that attempt's result counts.
    sent = Invitation.objects.filter(pk=invitation.pk, token_sha256=digest(token))
    sent.update(delivery=delivery, delivered_at=invitation.delivered_at)


# --- Taking it up

ENDED: dict[str, str] = {
    InvitationState.USED: gettext_noop(
        "This invitation has been used. Sign in with the account it was used for."
    ),
    InvitationState.WITHDRAWN: gettext_noop(
        "This invitation was withdrawn. Ask your administrator for a new one."
    ),
    InvitationState.EXPIRED: gettext_noop(
        "This invitation has expired. Ask your administrator to send it again."
    ),
}


def open_invitation(token_sha256: str) -> Invitation:
    """The invitation behind a link, by the hash of its token. Raises Gone, in words that say why."""
    rows = Invitation.objects.select_related("laboratory", "invited_by")
    return _still_open(rows.filter(token_sha256=token_sha256).first())


def _still_open(invitation: Invitation | None) -> Invitation:
    if invitation is None:
        raise Gone(_("This link does not work or no longer works. Use the latest one, or request a new one."))
    if invitation.state in ENDED:
        raise Gone(_(ENDED[invitation.state]), code=invitation.state.value)
    return invitation


def _locked_open(token_sha256: str) -> Invitation:
    """The same, locked: of two who redeem it at once one waits and finds it used."""
    try:
        return _still_open(_locked(token_sha256=token_sha256))
    except Invitation.DoesNotExist:
        return _still_open(None)


@transaction.atomic
def accept_with_new_account(token_sha256: str, *, full_name: str, password: str) -> User:
    """Make the account of an address that has none, with the invited role. Raises Gone, Invalid, WrongState."""
    invitation = _locked_open(token_sha256)
    if user_with_address(invitation.email) is not None:
        raise WrongState(_("This address already has an account: sign in with it to accept."))
    user = User(email=invitation.email, full_name=clean_line(full_name, field="full_name"))
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise Invalid(" ".join(error.messages), field="password") from error
    user.set_password(password)
    # The link came by mail: on_user_saved of ``addresses`` notes the address as verified.
    user.save()
    _join(invitation, user)
    return user


@transaction.atomic
def accept(token_sha256: str, user: User) -> Membership:
    """Add the membership to the account of the invited address, whose owner is signed in.

    Raises Gone, NotAllowed (another address), WrongState (a member already).
    """
    invitation = _locked_open(token_sha256)
    require_invited(invitation, user)
    return _join(invitation, user)


def require_invited(invitation: Invitation, user: User) -> None:
    """Raise NotAllowed, in words, unless the invitation is for this person's address and the account is open."""
    if user.email.lower() != invitation.email.lower():
        words = {"invited": invitation.email, "email": user.email}
        raise NotAllowed(
            _(
                "This invitation is for %(invited)s; you are signed in as %(email)s. Sign out and open it again."
            )
            % words
        )
    if not user.is_active:
        raise NotAllowed(closed_words())


def closed_words() -> str:
    """What somebody reads whose account is not active."""
    return _("The account of this address is closed. Ask the operator of this installation to reopen it.")


def _join(invitation: Invitation, user: User) -> Membership:
    # Changing a member's role takes the same lock.
    Laboratory.objects.select_for_update().get(pk=invitation.laboratory_id)
    membership = Membership.objects.filter(user=user, laboratory=invitation.laboratory).first()
    if membership is not None and membership.is_active:
        raise WrongState(_("You are already a member of this laboratory."))
    membership = membership or Membership(user=user, laboratory=invitation.laboratory)
    membership.role, membership.is_active = invitation.role, True
    membership.save()
    invitation.accepted_at, invitation.accepted_by = timezone.now(), user
    invitation.save(update_fields=["accepted_at", "accepted_by"])
    return membership
