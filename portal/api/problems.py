"""Every exception of the API's views as application/problem+json; ``portal.web.problems`` has its form."""

import logging
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.http import Http404, UnreadablePostError
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from portal.errors import DomainError, TooManyAttempts
from portal.web.outage import CODE, is_outage, with_retry, words
from portal.web.problems import CONTENT_TYPE, Errors, field_errors, problem

log = logging.getLogger(__name__)


def handle_exception(error: Exception, context: dict[str, Any]) -> Response:
    """Django REST framework's exception handler: turn any exception of a view into a problem."""
    set_rollback()
    if isinstance(error, DomainError):
        response = _respond(error.status, error.code, error.message, field_errors(error))
        if isinstance(error, TooManyAttempts):
            response["Retry-After"] = str(error.retry_after)
        return response
    if isinstance(error, exceptions.ValidationError):
        errors = _flatten(error.detail)
        first = next(iter(errors.values()), [""])[0]
        detail = first if len(errors) == 1 else _("Several fields need correcting; see errors.")
        return _respond(error.status_code, "invalid", detail, errors)
    if isinstance(error, exceptions.APIException):
        return _respond_framework(error)
    if is_outage(error):
        return with_retry(_respond(HTTPStatus.SERVICE_UNAVAILABLE, CODE, words()))
    status, code, detail = _translate(error)
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("API request failed: %s", context["request"].path, exc_info=error)
    return _respond(status, code, detail)


def _translate(error: Exception) -> tuple[int, str, str]:
    """Status, code and words for what Django raises below the framework."""
    if isinstance(error, Http404):
        return HTTPStatus.NOT_FOUND, "not_found", _("There is nothing here that you can see. Check the id.")
    if isinstance(error, PermissionDenied):
        return HTTPStatus.FORBIDDEN, "not_allowed", _("Your role does not allow this.")
    if isinstance(error, RequestDataTooBig):
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "request_too_large", _("The form fields are too large.")
    if isinstance(error, UnreadablePostError):
        return HTTPStatus.BAD_REQUEST, "upload_broken_off", _("The upload was interrupted. Send it again.")
    if isinstance(error, SuspiciousOperation):
        return HTTPStatus.BAD_REQUEST, "bad_request", _("The request cannot be accepted as it is.")
    message = _("Something went wrong on our side. What was stored before is safe; try again.")
    return HTTPStatus.INTERNAL_SERVER_ERROR, "server_error", message


def _respond(status: int, code: str, detail: str, errors: Errors | None = None) -> Response:
    return Response(problem(int(status), code, detail, errors), status=int(status), content_type=CONTENT_TYPE)


def _respond_framework(error: exceptions.APIException) -> Response:
    codes = error.get_codes()
    response = _respond(
        error.status_code, codes if isinstance(codes, str) else error.default_code, _words_of(error)
    )
    if header := getattr(error, "auth_header", None):
        response["WWW-Authenticate"] = header
    if wait := getattr(error, "wait", None):
        response["Retry-After"] = str(int(wait))
    return response


def _words_of(error: exceptions.APIException) -> str:
    if isinstance(error, exceptions.NotAuthenticated):
        return _(
            "Send a token: `Authorization: Bearer TOKEN`. Create one under *API tokens* in your account."
        )
    return str(error.detail)


def _flatten(detail: Any, path: str = "") -> Errors:
    """Turn the framework's nested messages into ``{"field": [...], "field.inner": [...]}``."""
    if isinstance(detail, dict):
        found: Errors = {}
        for key, value in detail.items():
            found |= _flatten(value, f"{path}.{key}" if path else str(key))
        return found
    messages = detail if isinstance(detail, list) else [detail]
    return {path or "non_field_errors": [str(message) for message in messages]}
