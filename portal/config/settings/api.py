"""The REST API and its documentation."""

from datetime import timedelta

from portal.config.settings.environment import env

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["portal.api.authentication.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["portal.api.framework.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "portal.api.framework.LenientNegotiation",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "portal.api.framework.Pages",
    "DEFAULT_METADATA_CLASS": "portal.api.framework.Described",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_THROTTLE_CLASSES": [
        "portal.api.framework.PersonThrottle",
        "portal.api.framework.AnonymousThrottle",
    ],
    "DEFAULT_THROTTLE_RATES": {
        "user": env.str("API_RATE_PERSON", default="3000/min"),
        "anon": env.str("API_RATE_ANONYMOUS", default="60/min"),
    },
    "EXCEPTION_HANDLER": "portal.api.problems.handle_exception",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
KNOX_TOKEN_MODEL = "accounts.ApiToken"  # noqa: S105 - the name of a model
API_TOKEN_DAYS = env.int("API_TOKEN_DAYS", default=90)
REST_KNOX = {
    "AUTH_HEADER_PREFIX": "Bearer",
    "TOKEN_TTL": timedelta(days=API_TOKEN_DAYS),
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
