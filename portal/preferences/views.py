"""A person's own preferences."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from portal import fonts
from portal.accounts.preferences import use_language
from portal.accounts.requests import SignedInRequest
from portal.errors import DomainError
from portal.preferences.forms import PreferencesForm
from portal.preferences.services import save_preferences
from portal.web.pages import add_refusal, page


@require_http_methods(["GET", "POST"])
@page
def edit(request: SignedInRequest) -> HttpResponse:
    """Show and save them; what is refused stays on the page with its reason."""
    form = PreferencesForm(request.user.chosen_preferences, request.POST or None)
    # The name is not entered here, but here its owner looks for what concerns it.
    context = {"form": form, "print_warning": fonts.warning([request.user.full_name])}
    if request.method == "GET":
        return render(request, "accounts/preferences.html", context)
    status = 422
    if form.is_valid():
        try:
            saved = save_preferences(request.user, **form.preferences())
        except DomainError as error:
            status = add_refusal(form, error)
        else:
            use_language(request, saved.language)
            messages.success(request, _("Your preferences are saved."))
            return redirect("preferences:edit")
    return render(request, "accounts/preferences.html", context, status=status)
