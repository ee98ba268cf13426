"""User administration for a laboratory's administrators."""

from collections.abc import Callable

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from portal import fonts, mail
from portal.accounts import invitations, selectors, services
from portal.accounts.choices import ROLE_EXPLANATIONS, Action, Delivery, InvitationState, Role
from portal.accounts.forms import InviteForm
from portal.accounts.models import Invitation, Laboratory, Membership
from portal.accounts.requests import SignedInRequest
from portal.errors import DomainError
from portal.web.pages import add_refusal, page, posts_only


@require_GET
@page
def users(request: SignedInRequest) -> HttpResponse:
    """The people and open invitations of one laboratory that the person administers."""
    laboratories = selectors.laboratories_for(request.user, Action.MANAGE_USERS)
    if not laboratories:
        raise PermissionDenied
    if slug := request.GET.get("laboratory"):
        return _users_page(request, get_object_or_404(laboratories, slug=slug))
    return _users_page(request, laboratories[0])


def _users_page(
    request: SignedInRequest,
    laboratory: Laboratory,
    *,
    form: InviteForm | None = None,
    refused: tuple[int, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    """The page; ``refused`` is a membership's key and why its change was refused."""
    members = selectors.members(laboratory)
    names = [laboratory.name, *(one.user.full_name for one in members if one.is_active)]
    context = {
        "laboratory": laboratory,
        "laboratories": selectors.laboratories_for(request.user, Action.MANAGE_USERS),
        "members": members,
        "print_warning": fonts.warning(names),
        "invitations": selectors.invitations(laboratory),
        "mail_is_configured": mail.is_configured(),
        "form": form or InviteForm(),
        "roles": Role.choices,
        "role_explanations": [(Role(role).label, words) for role, words in ROLE_EXPLANATIONS.items()],
        "refused_pk": refused[0] if refused else None,
        "refused_message": refused[1] if refused else "",
    }
    return render(request, "accounts/users.html", context, status=status)


def _to_users(laboratory: Laboratory) -> HttpResponse:
    return redirect(f"{reverse('accounts:users')}?laboratory={laboratory.slug}")


@posts_only
@page
def invite(request: SignedInRequest, slug: str) -> HttpResponse:
    """Invite an address; errors are shown next to their fields."""
    laboratory = get_object_or_404(selectors.laboratories_for(request.user, Action.MANAGE_USERS), slug=slug)
    form = InviteForm(request.POST)
    if not form.is_valid():
        return _users_page(request, laboratory, form=form, status=422)
    try:
        invitation = invitations.invite(request.user, laboratory=laboratory, **form.cleaned_data)
    except DomainError as error:
        return _users_page(request, laboratory, form=form, status=add_refusal(form, error))
    return _sent(request, invitation)


def _sent(request: SignedInRequest, invitation: Invitation) -> HttpResponse:
    """Say what became of the mail."""
    words = {"email": invitation.email}
    if invitation.delivery == Delivery.FAILED:
        messages.error(
            request,
            _("The e-mail to %(email)s could not be sent. Send it again later, or notify the operator.")
            % words,
        )
    else:
        messages.success(request, _("%(email)s has been invited; the link has been sent by e-mail.") % words)
    return _to_users(invitation.laboratory)


def _change_invitation(request: SignedInRequest, pk: int) -> Invitation:
    laboratories = selectors.laboratories_for(request.user, Action.MANAGE_USERS)
    return get_object_or_404(Invitation, pk=pk, laboratory__in=laboratories)


@posts_only
@page
def send_invitation_again(request: SignedInRequest, pk: int) -> HttpResponse:
    """Mail a new link in place of the one before."""
    return _sent(request, invitations.send_again(request.user, _change_invitation(request, pk)))


@posts_only
@page
def revoke_invitation(request: SignedInRequest, pk: int) -> HttpResponse:
    """Withdraw an invitation that nobody has taken up. Pressed twice, it is still withdrawn once."""
    invitation = _change_invitation(request, pk)
    if invitation.state != InvitationState.WITHDRAWN:
        invitation = invitations.withdraw(request.user, invitation)
    messages.success(request, _("The invitation of %(email)s is withdrawn.") % {"email": invitation.email})
    return _to_users(invitation.laboratory)


def _change_member(
    request: SignedInRequest, pk: int, change: Callable[[Membership], Membership], done: str
) -> HttpResponse:
    laboratories = selectors.laboratories_for(request.user, Action.MANAGE_USERS)
    membership = get_object_or_404(
        Membership.objects.select_related("user", "laboratory"), pk=pk, laboratory__in=laboratories
    )
    try:
        change(membership)
    except DomainError as error:
        return _users_page(
            request, membership.laboratory, refused=(membership.pk, error.message), status=error.status
        )
    messages.success(request, done % {"name": membership.user.full_name})
    return _to_users(membership.laboratory)


@posts_only
@page
def set_role(request: SignedInRequest, pk: int) -> HttpResponse:
    """Give a member another role."""
    role = request.POST.get("role", "")
    return _change_member(
        request,
        pk,
        lambda member: services.set_role(request.user, member, role),
        _("%(name)s has a new role."),
    )


@posts_only
@page
def deactivate(request: SignedInRequest, pk: int) -> HttpResponse:
    """End a membership."""
    return _change_member(
        request, pk, lambda member: services.deactivate(request.user, member), _("%(name)s is deactivated.")
    )


@posts_only
@page
def reactivate(request: SignedInRequest, pk: int) -> HttpResponse:
    """Let a former member back in."""
    return _change_member(
        request, pk, lambda member: services.reactivate(request.user, member), _("%(name)s is active again.")
    )
