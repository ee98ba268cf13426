"""Settings of the portal, read from the environment; ``.env.example`` documents each variable.

There is no default that works for a secret: without SECRET_KEY and DATABASE_URL the portal does not start.
"""

import json
import os
from datetime import timedelta
from pathlib import Path

import environ
import structlog
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _
from kombu import Queue

BASE_DIR = Path(__file__).resolve().parent.parent.parent

env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")


def _join_running_instance(folder: Path) -> None:
    """Let `manage.py` find the system that `make run` started: it notes there what its processes were told."""
    state = folder / "run.json"
    if "DATABASE_URL" not in os.environ and state.exists():
        for name, value in json.loads(state.read_text())["environment"].items():
            os.environ.setdefault(name, value)


_join_running_instance(Path(env.str("HEMALENS_VAR", default=str(BASE_DIR / "var"))))

# --- Security --------------------------------------------------------------------------------------------
DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="")
if not SECRET_KEY:
    raise ImproperlyConfigured(
        "SECRET_KEY is not set. `make run` makes one in var/; elsewhere put 50 random characters into the environment."
    )
SITE_URL = env.str("SITE_URL", default="http://127.0.0.1:8000")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
BEHIND_TLS = SITE_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = BEHIND_TLS
SECURE_HSTS_SECONDS = 31_536_000 if BEHIND_TLS else 0
if env.bool("TRUST_PROXY_HEADERS", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    # Failed sign-ins are counted by the client's address, not by the proxy's, which everybody shares.
    ALLAUTH_TRUSTED_PROXY_COUNT = 1
SESSION_COOKIE_AGE = env.int("SESSION_HOURS", default=12) * 3600
SESSION_COOKIE_HTTPONLY = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "object-src": [NONE],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
    }
}

# --- Applications ----------------------------------------------------------------------------------------
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
    "django.contrib.admin",
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
    "portal.config.request_log.PathOnlyRequestMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "portal.accounts.preferences.LanguageMiddleware",
    "portal.limits.RequestSizeMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "pghistory.middleware.HistoryMiddleware",
]
ROOT_URLCONF = "portal.config.urls"
WSGI_APPLICATION = "portal.config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "portal" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.accounts.context_processors.laboratory",
                "portal.notifications.context_processors.bell",
                "portal.accounts.context_processors.preferences",
            ],
        },
    }
]
CRISPY_ALLOWED_TEMPLATE_PACKS = CRISPY_TEMPLATE_PACK = "bootstrap5"
DJANGO_TABLES2_TEMPLATE = "django_tables2/bootstrap5.html"

# --- Data ------------------------------------------------------------------------------------------------
DATABASES = {"default": env.db_url("DATABASE_URL")}
DATABASES["default"]["CONN_MAX_AGE"] = 60
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
BROKER_URL = env.str("BROKER_URL", default="redis://127.0.0.1:6379/0")
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": env.str("CACHE_URL", default="redis://127.0.0.1:6379/1"),
        "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 1},
    }
}
# The sessions stay in the database: emptying the cache must not sign everybody out.
SESSION_ENGINE = "django.contrib.sessions.backends.db"

MEDIA_ROOT = env.path("MEDIA_ROOT", default=str(BASE_DIR / "var" / "media"))
STATIC_ROOT = env.path("STATIC_ROOT", default=str(BASE_DIR / "var" / "static"))
STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "portal" / "static"]
STORAGES = {
    # Photographs are never served from a public address: views check who asks, then read the storage.
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# --- Uploads ---------------------------------------------------------------------------------------------
UPLOAD_MAX_BYTES = env.int("UPLOAD_MAX_MB", default=50) * 1024 * 1024
# One request altogether; what declares more is answered without being read.
UPLOAD_MAX_REQUEST_BYTES = env.int("UPLOAD_MAX_REQUEST_MB", default=200) * 1024 * 1024
UPLOAD_MAX_IMAGES_PER_CASE = env.int("UPLOAD_MAX_IMAGES_PER_CASE", default=200)
FILE_UPLOAD_HANDLERS = [
    "portal.limits.LimitedUploadHandler",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
FILE_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = 1 * 1024 * 1024

# --- Accounts --------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
ACCOUNT_ADAPTER = "portal.accounts.adapter.AccountAdapter"
ACCOUNT_FORMS = {"login": "portal.accounts.forms.SignInForm"}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
# People come by invitation; the invitation proves the address.
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = False
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "cases:worklist"
INVITATION_DAYS = env.int("INVITATION_DAYS", default=7)

# --- Reading ---------------------------------------------------------------------------------------------
# A stored answer whose reader does not come back to conclude it stands after so many hours.
CONCLUDE_LEFT_HOURS = env.float("CONCLUDE_LEFT_HOURS", default=12)

# --- Signing ---------------------------------------------------------------------------------------------
# So many wrong passwords at the signature, and it is refused for so long.
SIGN_ATTEMPTS = env.int("SIGN_ATTEMPTS", default=5)
SIGN_LOCK_SECONDS = env.int("SIGN_LOCK_SECONDS", default=300)

# --- API -------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["portal.api.authentication.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["portal.api.framework.BoundedJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "portal.api.framework.LenientNegotiation",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "portal.api.framework.Pages",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_THROTTLE_CLASSES": [
        "portal.api.framework.PersonThrottle",
        "portal.api.framework.AnonymousThrottle",
    ],
    "DEFAULT_THROTTLE_RATES": {
        "user": env.str("API_RATE_PERSON", default="3000/min"),
        "anon": env.str("API_RATE_ANONYMOUS", default="60/min"),
    },
    # Whose address counts for the throttle: the last proxy's word where we trust one, else the connection's.
    "NUM_PROXIES": int(env.bool("TRUST_PROXY_HEADERS", default=False)),
    "EXCEPTION_HANDLER": "portal.api.problems.handle_exception",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
REST_KNOX = {
    "AUTH_HEADER_PREFIX": "Bearer",
    "TOKEN_TTL": timedelta(days=env.int("API_TOKEN_DAYS", default=90)),
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Hemalens",
    "VERSION": "1.0.0",
    "DESCRIPTION": "File blood-smear cases, get their pre-classification, record reads. Research use only: the model "
    "advises, people decide. Every refusal is `application/problem+json`; addresses end with a slash.",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "ENUM_NAME_OVERRIDES": {
        "ModelLabel": "portal.api.serializers.MODEL_LABELS",
        "ReadLabel": "portal.reading.choices.ReadLabel",
        "CaseState": "portal.cases.choices.CaseState",
        "JobState": "portal.inference.choices.JobState",
        "ReferReason": "portal.inference.choices.ReferReason",
    },
}

# --- Pre-classification ----------------------------------------------------------------------------------
TRITON_GRPC_URL = env.str("TRITON_GRPC_URL", default="127.0.0.1:8001")
TRITON_HTTP_URL = env.str("TRITON_HTTP_URL", default="http://127.0.0.1:8000")
TRITON_DEADLINE_SECONDS = env.float("TRITON_DEADLINE_SECONDS", default=20)
# How long one try of a job waits for a server that is restarting; deadline and this together stay below the lease.
TRITON_RETRY_SECONDS = env.float("TRITON_RETRY_SECONDS", default=20)
CONTRACT_CHECK_SECONDS = env.float("CONTRACT_CHECK_SECONDS", default=15)
HEARTBEAT_SECONDS = env.float("HEARTBEAT_SECONDS", default=3)
HEARTBEAT_TTL_SECONDS = env.int("HEARTBEAT_TTL_SECONDS", default=15)
MODEL_NAME = env.str("MODEL_NAME", default="leukemia_vgg16")
# The version to register and to use; without it the one that the model's card describes.
MODEL_VERSION = env.int("MODEL_VERSION", default=None)
MODEL_REPOSITORY = env.path("MODEL_REPOSITORY", default=str(BASE_DIR / "triton_models"))
# A job that runs longer than its lease belongs to a dead worker; one that waits longer than the resend time has
# lost its message; one that is older than the give-up time lets its case go to reading without an answer.
JOB_LEASE_SECONDS = env.int("JOB_LEASE_SECONDS", default=60)
JOB_RESEND_SECONDS = env.int("JOB_RESEND_SECONDS", default=20)
JOB_GIVE_UP_SECONDS = env.int("JOB_GIVE_UP_SECONDS", default=600)
JOB_MAX_ATTEMPTS = env.int("JOB_MAX_ATTEMPTS", default=5)
QUICK_LOOK_MINUTES = env.int("QUICK_LOOK_MINUTES", default=15)

# --- Celery: see docs/decisions on delivery --------------------------------------------------------------
CELERY_BROKER_URL = BROKER_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_TIME_LIMIT = 120
CELERY_TASK_SOFT_TIME_LIMIT = 90
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# The worker waits for Triton and decodes, both without Python's lock; one process holds one gRPC channel, one check
# of the served model and half the memory of a pool of processes (docs/decisions/0006-delivery.md).
CELERY_WORKER_POOL = "threads"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
# Well above the hard time limit: redelivery is not how a lost task comes back (beat repairs from the database).
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 3600,
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
    # Who submits a case does not wait for a broker that is down: the job row is there, beat sends it later.
    "max_retries": 1,
    "interval_start": 0.1,
    "interval_max": 0.1,
    "queue_order_strategy": "priority",  # "quick" is emptied before "default" is looked at
}
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_QUEUES = [Queue("quick"), Queue("default")]
CELERY_TASK_ROUTES = {
    task: {"queue": "quick"}
    for task in ("worker.quick_look", "worker.requeue_stale", "worker.purge_quick_looks")
}
# A task is left to end when the broker goes away: its rows are idempotent, and the answer is worth keeping.
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_BEAT_SCHEDULE = {
    "requeue-stale-jobs": {"task": "worker.requeue_stale", "schedule": 5.0, "options": {"expires": 5}},
    "expire-claims": {"task": "worker.expire_claims", "schedule": 30.0, "options": {"expires": 30}},
    "purge-quick-looks": {"task": "worker.purge_quick_looks", "schedule": 60.0, "options": {"expires": 60}},
    "send-due-mails": {"task": "worker.send_due_mails", "schedule": 60.0, "options": {"expires": 60}},
    "remind-of-alerts": {"task": "worker.remind_of_alerts", "schedule": 60.0, "options": {"expires": 60}},
}

# --- E-mail, language, time, logs ------------------------------------------------------------------------
vars().update(env.email_url("EMAIL_URL", default="consolemail://"))
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Hemalens <hemalens@localhost>")
EMAIL_TIMEOUT = env.int("EMAIL_TIMEOUT_SECONDS", default=10)
# What need not be known at once is mailed together when the oldest of it has waited so long: a report is known the same
# half-day, nobody gets more than a few mails a working day, and a busy day's news come in one.
DIGEST_HOURS = env.float("DIGEST_HOURS", default=4)
# An urgent finding that is not acknowledged is told again every so many minutes, to the administrators too.
ALERT_REMIND_MINUTES = env.int("ALERT_REMIND_MINUTES", default=60)
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("es", _("Spanish"))]
LOCALE_PATHS = [BASE_DIR / "portal" / "locale"]
FORMAT_MODULE_PATH = "portal.formats"
USE_I18N = True
USE_TZ = True
TIME_ZONE = env.str("TIME_ZONE", default="UTC")

# The audit trail keeps who did it and where; both are set by pghistory's middleware.
PGHISTORY_APPEND_ONLY = True
PGHISTORY_MIDDLEWARE_METHODS = ("POST", "PUT", "PATCH", "DELETE")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": structlog.stdlib.ProcessorFormatter,
            # Plain tracebacks: the renderer's own choice shows local variables, and these hold pseudonyms and notes.
            "processor": structlog.dev.ConsoleRenderer(
                colors=False, exception_formatter=structlog.dev.plain_traceback
            )
            if env.str("LOG_FORMAT", default="line") == "line"
            else structlog.processors.JSONRenderer(),
            "foreign_pre_chain": [
                structlog.stdlib.add_logger_name,
                structlog.stdlib.add_log_level,
                structlog.processors.TimeStamper(fmt="iso"),
                structlog.processors.format_exc_info,
            ],
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
}
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.filter_by_level,
        structlog.processors.TimeStamper(fmt="iso"),
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.format_exc_info,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
