"""A person's own API tokens."""

from uuid import UUID

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from portal.accounts.requests import SignedInRequest
from portal.accounts.token_forms import TokenForm
from portal.accounts.tokens import issue_token, revoke_token, revoke_tokens, tokens_of
from portal.errors import DomainError, Gone
from portal.web import kept
from portal.web.pages import add_refusal, page, posts_only


@never_cache
@require_http_methods(["GET", "POST"])
@page
def tokens(request: SignedInRequest) -> HttpResponse:
    """List them; a POST makes one and shows it, this once."""
    return _issue(request) if request.method == "POST" else _tokens_page(request, TokenForm())


@reauthentication_required(app="allauth.account")  # type: ignore[untyped-decorator]
def _issue(request: SignedInRequest) -> HttpResponse:
    form = TokenForm(request.POST)
    if not form.is_valid():
        return _tokens_page(request, form, status=422)
    try:
        row, secret = issue_token(request.user, **form.cleaned_data)
    except DomainError as error:
        return _tokens_page(request, form, status=add_refusal(form, error))
    # No redirect: what is shown once must not be kept in the session. Sent again, the name is taken.
    made = _tokens_page(request, TokenForm(), status=201, issued=row, secret=secret)
    return kept.say_saved(request, made)


def _tokens_page(
    request: SignedInRequest, form: TokenForm, *, status: int = 200, **context: object
) -> HttpResponse:
    context |= {"form": form, "tokens": tokens_of(request.user)}
    return render(request, "accounts/tokens.html", context, status=status)


@posts_only
@page
def revoke(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Revoke one token. A second press says that it was already revoked."""
    try:
        row = revoke_token(request.user, public_id)
    except Gone as error:
        messages.info(request, error.message)
    else:
        messages.success(request, _("The token %(name)s was revoked.") % {"name": row.name})
    return redirect("tokens:list")


@posts_only
@page
def revoke_all(request: SignedInRequest) -> HttpResponse:
    """End all tokens."""
    count = revoke_tokens(request.user)
    if not count:
        messages.info(request, _("You have no tokens."))
        return redirect("tokens:list")
    done = ngettext("%(count)d token revoked.", "%(count)d tokens revoked.", count) % {"count": count}
    messages.success(request, done)
    return redirect("tokens:list")
