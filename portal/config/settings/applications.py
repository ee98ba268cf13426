"""Applications, middleware and templates, in the order in which they run."""

from portal.config.settings.environment import BASE_DIR
from portal.config.settings.security import DEBUG

INSTALLED_APPS = [
    "portal.accounts",
    "portal.cases",
    "portal.inference",
    "portal.notifications",
    "portal.reading",
    "portal.reports",
    "portal.annotations",
    "portal.insights",
    "portal.audit",
    "portal.api",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "pghistory",
    "pgtrigger",
    "django_filters",
    "django_tables2",
    "django_htmx",
    "crispy_forms",
    "crispy_bootstrap5",
    "rest_framework",
    "drf_spectacular",
    "knox",
    "csp",
    # Without discovery: portal.accounts.administration says what is in it.
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "portal.web.caching.NoStoreMiddleware",
    "portal.config.request_log.RequestLogMiddleware",
    "portal.web.well_formed.WellFormedRequestMiddleware",
    "portal.web.well_formed.VisibleTextMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "portal.web.kept.KeptFormMiddleware",
    "portal.accounts.preferences.LanguageMiddleware",
    "portal.web.limits.RequestSizeMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "portal.web.sign_in.SignInRequiredMiddleware",
    "portal.config.request_log.RequestHistoryMiddleware",
]
ROOT_URLCONF = "portal.config.urls"
WSGI_APPLICATION = "portal.config.wsgi.application"
# With DEBUG a changed template shows at the next request; otherwise each is parsed once.
_LOADERS = ["django.template.loaders.filesystem.Loader", "django.template.loaders.app_directories.Loader"]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "portal" / "templates"],
        "APP_DIRS": not DEBUG,
        "OPTIONS": {
            **({"loaders": _LOADERS} if DEBUG else {}),
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.accounts.context_processors.laboratory",
                "portal.desk.context_processors.bell",
                "portal.preferences.context_processors.preferences",
            ],
        },
    }
]
CRISPY_ALLOWED_TEMPLATE_PACKS = CRISPY_TEMPLATE_PACK = "bootstrap5"
DJANGO_TABLES2_TEMPLATE = "django_tables2/bootstrap5.html"
