"""User administration for a laboratory's administrators, and the page that redeems an invitation."""

from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth import login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods

from portal.accounts import selectors, services
from portal.accounts.choices import ROLE_EXPLANATIONS, Action, Role
from portal.accounts.forms import AcceptInvitationForm, InviteForm
from portal.accounts.models import Invitation, Laboratory, Membership, User
from portal.errors import DomainError, Gone
from portal.pages import SignedInRequest, add_refusal, page, posts_only


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
    context = {
        "laboratory": laboratory,
        "laboratories": selectors.laboratories_for(request.user, Action.MANAGE_USERS),
        "members": selectors.members(laboratory),
        "invitations": [
            {"invitation": invitation, "url": services.invitation_url(invitation)}
            for invitation in selectors.open_invitations(laboratory)
        ],
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
    """Invite an address; what is refused stands beside its field."""
    laboratory = get_object_or_404(selectors.laboratories_for(request.user, Action.MANAGE_USERS), slug=slug)
    form = InviteForm(request.POST)
    if not form.is_valid():
        return _users_page(request, laboratory, form=form, status=422)
    try:
        invitation = services.invite(request.user, laboratory=laboratory, **form.cleaned_data)
    except DomainError as error:
        return _users_page(request, laboratory, form=form, status=add_refusal(form, error))
    messages.success(
        request, _("%(email)s is invited. The link is below, too.") % {"email": invitation.email}
    )
    return _to_users(laboratory)


@posts_only
@page
def revoke_invitation(request: SignedInRequest, pk: int) -> HttpResponse:
    """Withdraw an open invitation."""
    laboratories = selectors.laboratories_for(request.user, Action.MANAGE_USERS)
    invitation = get_object_or_404(Invitation, pk=pk, laboratory__in=laboratories)
    services.revoke_invitation(request.user, invitation)
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


@sensitive_post_parameters("password", "password_again")
@require_http_methods(["GET", "POST"])
def accept_invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Redeem an invitation: a new person chooses a name and a password, a known one only confirms."""
    try:
        invitation = services.open_invitation(token)
    except Gone as error:
        return render(request, "refused.html", {"message": error.message}, status=error.status)
    signed_in = request.user if isinstance(request.user, User) else None
    known = selectors.has_account(invitation.email)
    form = None if known else AcceptInvitationForm(request.POST or None)
    status = 200
    refused = ""
    if request.method == "POST" and (form is None or form.is_valid()):
        entered = form.cleaned_data if form else {"full_name": "", "password": ""}
        try:
            user = services.accept_invitation(
                token, full_name=entered["full_name"], password=entered["password"], signed_in=signed_in
            )
        except DomainError as error:
            status = add_refusal(form, error) if form else error.status
            refused = error.message
        else:
            if signed_in is None:
                login(request, user, backend="allauth.account.auth_backends.AuthenticationBackend")
            messages.success(
                request, _("Welcome to %(laboratory)s.") % {"laboratory": invitation.laboratory.name}
            )
            return redirect("home")
    elif request.method == "POST":
        status = 422
    context = {"invitation": invitation, "form": form, "refused": refused, "signed_in": signed_in}
    return render(request, "accounts/accept_invitation.html", context, status=status)
