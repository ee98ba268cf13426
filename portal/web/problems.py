"""Refusals as application/problem+json (RFC 9457).

In addition to the standard members a problem has ``code``, a stable word for programs, and ``errors``, a list of
messages for each field that has some.
"""

from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, JsonResponse

from portal.errors import DomainError

CONTENT_TYPE = "application/problem+json"
API_PREFIX = "/api/"

Errors = dict[str, list[str]]


def is_api(request: HttpRequest) -> bool:
    """Whether the API's client waits for the answer, rather than a browser."""
    return f"{request.path_info}/".startswith(API_PREFIX)


def problem(status: int, code: str, detail: str, errors: Errors | None = None) -> dict[str, Any]:
    """The members of a problem document."""
    return {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "errors": errors or {},
    }


def problem_for(error: DomainError) -> JsonResponse:
    """A refusal as a plain Django response, for where no API view is involved."""
    body = problem(error.status, error.code, error.message, field_errors(error))
    return JsonResponse(body, status=error.status, content_type=CONTENT_TYPE)


def field_errors(error: DomainError) -> Errors:
    """The messages of a refusal by the field that they are about."""
    return {error.field: [error.message]} if error.field else {}
