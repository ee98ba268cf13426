"""What the OpenAPI document says about every operation: its refusals, and examples of requests and answers."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import OpenApiExample, OpenApiResponse
from rest_framework import serializers

from portal.web.problems import CONTENT_TYPE, problem


class BearerScheme(OpenApiAuthenticationExtension):
    """How OpenAPI names our tokens."""

    target_class = "portal.api.authentication.BearerAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """How a token is sent, for the OpenAPI document."""
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "A token from the page *API tokens*, or printed by `manage.py issue_token EMAIL`.",
        }


class ProblemSerializer(serializers.Serializer[Any]):
    """A refusal, as RFC 9457 describes it, with a stable ``code`` and the messages of each field."""

    type = serializers.CharField(help_text="Always `about:blank`: `title` is the status in words.")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="What is wrong and what to do, for a person.")
    code = serializers.CharField(help_text="A stable word for programs.")
    errors = serializers.DictField(  # type: ignore[assignment]
        child=serializers.ListField(child=serializers.CharField()), help_text="Messages by field."
    )


_MEANINGS: dict[int, tuple[str, dict[str, Any]]] = {
    400: (
        "Something in the request is missing, not known or not understood: a field, a parameter, a value.",
        problem(400, "invalid", "This field is required.", {"specimen": ["This field is required."]}),
    ),
    401: (
        "No token, or one that is not valid.",
        problem(401, "not_authenticated", "Send a token: `Authorization: Bearer TOKEN`."),
    ),
    403: (
        "The person's role does not cover this.",
        problem(403, "not_allowed", "Only reviewers of this laboratory can read its cases."),
    ),
    404: (
        "No such thing in a laboratory of yours.",
        problem(404, "not_found", "There is nothing here that you can see. Check the id."),
    ),
    409: (
        "The case is not in a state for this, or the same thing is there already.",
        problem(409, "wrong_state", "This case has already been submitted. The case is analysing."),
    ),
    413: (
        "The file is too large in bytes.",
        problem(413, "file_too_large", "The file is larger than 50 MB. Upload one field as JPEG."),
    ),
    415: (
        "The body or the file is of a type that is not accepted.",
        problem(
            415, "unsupported_type", "This is a PDF document. Export one field of it as JPEG, PNG or TIFF."
        ),
    ),
    422: (
        "The file is an image that cannot be used.",
        problem(422, "too_small", "The picture has only 32 x 32 pixels; cells cannot be told apart on it."),
    ),
    429: (
        "Too many requests within a minute, or too many wrong passwords; see `Retry-After`.",
        problem(429, "throttled", "Try again in 12 s."),
    ),
    503: (
        "The machine lacks what this needs; an administrator has to install it.",
        problem(503, "pdf_unavailable", "This machine cannot make PDFs: libraries are missing."),
    ),
}


def problems(*statuses: int) -> dict[tuple[int, str], OpenApiResponse]:
    """Responses for ``extend_schema``: these refusals, and those that every operation may give."""
    return {
        (status, CONTENT_TYPE): OpenApiResponse(
            ProblemSerializer,
            description=_MEANINGS[status][0],
            examples=[OpenApiExample(f"{status}", value=_MEANINGS[status][1], response_only=True)],
        )
        for status in sorted({400, 401, 429, *statuses})
    }


def request_example(name: str, value: Any) -> OpenApiExample:
    """An example body of a request."""
    return OpenApiExample(name, value=value, request_only=True)


def response_example(name: str, value: Any, status: int = 200) -> OpenApiExample:
    """An example body of an answer."""
    return OpenApiExample(name, value=value, response_only=True, status_codes=[str(status)])
