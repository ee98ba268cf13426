"""What is answered where no view of ours does: as a problem document below /api/, as a page elsewhere."""

import sys
from http import HTTPStatus

from django.core.exceptions import BadRequest, RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.utils.translation import get_language_from_request, override
from django.utils.translation import gettext as _
from django.views import defaults

from portal.web import outage, refused_forms
from portal.web.pages import from_script
from portal.web.problems import CONTENT_TYPE, is_api, problem


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """400 with words that say what is wrong, where that is known."""
    # It may be answered before any middleware has chosen the language.
    with override(get_language_from_request(request)):
        if isinstance(exception, RequestDataTooBig):
            status, code = HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "request_too_large"
            message = _("The form fields are too large.")
        else:
            status, code, message = HTTPStatus.BAD_REQUEST, "bad_request", _words(exception)
        if is_api(request):
            return _problem(status, code, message or _("The request cannot be accepted as it is."))
        return render(request, "400.html", {"message": message}, status=status)


def _words(exception: Exception) -> str:
    if isinstance(exception, TooManyFieldsSent | TooManyFilesSent):
        return _("The request has too many fields. Send fewer of them at once.")
    return str(exception) if isinstance(exception, BadRequest) else ""


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """403."""
    if is_api(request):
        return _problem(HTTPStatus.FORBIDDEN, "not_allowed", _("Your role does not allow this."))
    return defaults.permission_denied(request, exception)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponseBase:
    """403 for a form whose token does not fit, with why: mostly somebody has signed in since the page was opened."""
    if is_api(request):
        return _problem(HTTPStatus.FORBIDDEN, "not_allowed", _("The request has no valid CSRF token."))
    return refused_forms.untrusted(request, reason, from_script=from_script(request))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """404."""
    if is_api(request):
        detail = _("The API has no such address. See /api/v1/schema/ for those it has.")
        return _problem(HTTPStatus.NOT_FOUND, "no_such_address", detail)
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponseBase:
    """500, or 503 while the database cannot be reached; the log has the rest."""
    if outage.is_outage(sys.exception()):
        if is_api(request):
            return outage.with_retry(_problem(HTTPStatus.SERVICE_UNAVAILABLE, outage.CODE, outage.words()))
        return outage.answer(request)
    if is_api(request):
        detail = _("Something went wrong on our side. What was stored before is safe; try again.")
        return _problem(HTTPStatus.INTERNAL_SERVER_ERROR, "server_error", detail)
    return defaults.server_error(request)


def _problem(status: int, code: str, detail: str) -> HttpResponse:
    return JsonResponse(problem(status, code, detail), status=status, content_type=CONTENT_TYPE)
