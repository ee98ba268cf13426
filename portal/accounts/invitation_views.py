"""The page that redeems an invitation.

The link's address puts the hash of its token into the session and leads on, so that the token is in no page, no
``next`` and no Referer, and the invited person comes back to the invitation after signing in.
"""

from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods

from portal import fonts
from portal.accounts import invitations
from portal.accounts.forms import AcceptInvitationForm
from portal.accounts.models import Invitation, User
from portal.accounts.selectors import user_with_address
from portal.errors import DomainError, Gone, NotAllowed
from portal.web.pages import add_refusal

SESSION_INVITATION = "invitation_sha256"


@login_not_required
@never_cache
@require_GET
def open_link(request: HttpRequest, token: str) -> HttpResponse:
    """What the mail's link opens."""
    key = invitations.digest(token)
    try:
        invitations.open_invitation(key)
    except Gone as error:
        return _refused(request, error)
    request.session[SESSION_INVITATION] = key
    return redirect("accounts:invitation")


@login_not_required
@sensitive_post_parameters("password", "password_again")
@never_cache
@require_http_methods(["GET", "POST"])
def invitation(request: HttpRequest) -> HttpResponse:
    """Make an account, or accept with the one that the address has."""
    key = request.session.get(SESSION_INVITATION, "")
    try:
        offer = invitations.open_invitation(key)
        known = user_with_address(offer.email)
        if isinstance(request.user, User):
            invitations.require_invited(offer, request.user)
        if known is not None and not known.is_active:
            raise NotAllowed(invitations.closed_words())
    except DomainError as error:
        return _refused(request, error)
    if known is None:
        return _new_account(request, offer)
    return _known_account(request, offer)


def _refused(request: HttpRequest, error: DomainError) -> HttpResponse:
    return render(request, "refused.html", {"message": error.message}, status=error.status)


def _show(request: HttpRequest, offer: Invitation, *, status: int = 200, **context: object) -> HttpResponse:
    return render(request, "accounts/accept_invitation.html", {"invitation": offer, **context}, status=status)


def _new_account(request: HttpRequest, offer: Invitation) -> HttpResponse:
    form = AcceptInvitationForm(request.POST or None)
    if request.method == "GET":
        return _show(request, offer, form=form)
    if not form.is_valid():
        return _show(request, offer, form=form, status=422)
    try:
        user = invitations.accept_with_new_account(
            offer.token_sha256,
            full_name=form.cleaned_data["full_name"],
            password=form.cleaned_data["password"],
        )
    except Gone as error:
        return _refused(request, error)
    except DomainError as error:
        return _show(request, offer, form=form, status=add_refusal(form, error))
    del request.session[SESSION_INVITATION]
    # As after any sign-in: through all its stages, and with a record of how.
    record_authentication(request, user, method="password", email=user.email)
    response: HttpResponse = perform_login(request, Login(user=user, email=user.email))
    _welcome(request, offer)
    if words := fonts.warning([user.full_name]):
        messages.warning(request, words)
    return response


def _known_account(request: HttpRequest, offer: Invitation) -> HttpResponse:
    if not isinstance(request.user, User) or request.method == "GET":
        return _show(request, offer)
    try:
        invitations.accept(offer.token_sha256, request.user)
    except DomainError as error:
        return _refused(request, error)
    del request.session[SESSION_INVITATION]
    _welcome(request, offer)
    return redirect("home")


def _welcome(request: HttpRequest, offer: Invitation) -> None:
    messages.success(request, _("Welcome to %(laboratory)s.") % {"laboratory": offer.laboratory.name})
