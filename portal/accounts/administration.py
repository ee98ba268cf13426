"""Django's administration: off unless ``DJANGO_ADMIN`` turns it on, for the operator's people and their laboratories.

It has a site of its own, so that only what ``admin.py`` of this app names is in it: nothing of cases, photographs,
reads, reports or the model's answers, and none of what libraries would register by themselves. People come in
through the portal's own sign-in, which counts wrong passwords; here a second factor is a duty.
"""

from typing import Any

from allauth.account.authentication import get_authentication_records
from allauth.account.decorators import secure_admin_login
from allauth.account.utils import get_next_redirect_url
from allauth.mfa.utils import is_mfa_enabled
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache

from portal.accounts.models import User


def has_used_second_factor(request: HttpRequest) -> bool:
    """Whether this session was opened, or opened again, with a second factor that the account still has."""
    return is_mfa_enabled(request.user) and any(
        record.get("method") == "mfa" for record in get_authentication_records(request, request.user)
    )


class Administration(AdminSite):
    """The site, below /django-admin/."""

    site_header = site_title = gettext_lazy("Hemalens: operator")

    def has_permission(self, request: HttpRequest) -> bool:
        is_staff = isinstance(request.user, User) and request.user.is_active and request.user.is_staff
        return is_staff and has_used_second_factor(request)

    @method_decorator(login_not_required)  # it leads to the portal's sign-in by itself
    @method_decorator(never_cache)
    @method_decorator(secure_admin_login)
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Where everybody goes who may not come in yet: to the portal's sign-in, and from there to a second factor."""
        wanted = get_next_redirect_url(request) or reverse("admin:index")
        if self.has_permission(request):
            return redirect(wanted)
        if is_mfa_enabled(request.user):
            return redirect(f"{reverse('mfa_reauthenticate')}?{urlencode({'next': wanted})}")
        messages.warning(
            request, _("The operator's pages require a second factor. Set one up, then open them again.")
        )
        return redirect("mfa_index")

    def password_change(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The portal's own page: it counts wrong passwords and notifies the owner."""
        return redirect("account_change_password")


site = Administration()
