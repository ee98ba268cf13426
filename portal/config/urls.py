"""Every address of the portal."""

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

urlpatterns: list[URLPattern | URLResolver] = [
    path("", login_not_required(RedirectView.as_view(pattern_name="cases:worklist")), name="home"),
    path("cases/", include("portal.desk.urls")),
    path("quick-look/", include("portal.quick_look.urls")),
    path("cases/", include("portal.desk.reading_urls")),
    path("cases/", include("portal.desk.report_urls")),
    path("cases/", include("portal.annotations.urls")),
    path("alerts/", include("portal.reports.alerts.urls")),
    path("notifications/", include("portal.desk.notification_urls")),
    path("reports/verify/", include("portal.reports.verify_urls")),
    path("insights/", include("portal.insights.urls")),
    path("models/", include("portal.inference.model_urls")),
    path("laboratory/", include("portal.reading.policy.urls")),
    path("users/", include("portal.accounts.urls")),
    path("account/preferences/", include("portal.preferences.urls")),
    path("account/tokens/", include("portal.accounts.token_urls")),
    # Who has no password gets the first one by mail, as who has forgotten it: an open session is not enough.
    path(
        "account/password/set/",
        login_not_required(RedirectView.as_view(pattern_name="account_reset_password")),
        name="account_set_password",
    ),
    path("account/session/", include("portal.accounts.session_urls")),
    path("account/", include("allauth.account.urls")),
    path("account/2fa/", include("allauth.mfa.urls")),
    path("api/v1/", include("portal.api.urls")),
    path("health/", include("portal.api.health_urls")),
]


def administration() -> URLPattern | URLResolver:
    """The operator's pages, which are there only where a setting asks for them."""
    return path("django-admin/", include("portal.accounts.administration_urls"))


if settings.DJANGO_ADMIN:
    urlpatterns.append(administration())

handler400 = "portal.web.error_views.bad_request"
handler403 = "portal.web.error_views.forbidden"
handler404 = "portal.web.error_views.not_found"
handler500 = "portal.web.error_views.server_error"
