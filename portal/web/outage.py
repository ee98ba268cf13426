"""What is answered while PostgreSQL cannot be reached: 503 with Retry-After, without asking the database.

Connections come back by themselves (``CONN_HEALTH_CHECKS``): the first request after a restart gets a new one.
"""

from collections.abc import Iterator
from http import HTTPStatus
from typing import TypeVar

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.http.multipartparser import MultiPartParserError
from django.template.loader import render_to_string
from django.utils.translation import get_language_from_request, override
from django.utils.translation import gettext as _

from portal.web.pages import from_script

R = TypeVar("R", bound=HttpResponseBase)

#: PostgreSQL restarts within seconds; so many of them until it is worth asking again.
RETRY_SECONDS = 5
CODE = "database_away"
#: SQLSTATEs that say that the connection, or the server, is gone or full: all of class 08 (connection exception),
#: shut down, crashed, not yet started, too many connections.
#: https://www.postgresql.org/docs/current/errcodes-appendix.html
_GONE = ("08", "57P01", "57P02", "57P03", "53300")
#: What a person typed comes back with the page, to be sent again; a password does not.
_NOT_SENT_BACK = ("pass", "secret", "code")


def is_outage(error: BaseException | None) -> bool:
    """Whether an exception, or one that led to it, says that the database could not be reached."""
    return any(_says_gone(one) for one in _chain(error))


def words() -> str:
    """What happened and what to do, in the language in use."""
    return _("The database is restarting. Nothing that was stored is lost; try again in a few seconds.")


def answer(request: HttpRequest) -> HttpResponse:
    """503 for a page or its script. The page shows nothing that would have to be asked of the database."""
    language = getattr(request, "LANGUAGE_CODE", None) or get_language_from_request(request)
    with override(language):
        response = _body(request)
    return with_retry(response)


def with_retry(response: R) -> R:
    """Say when to ask again, and that this answer is not to be kept."""
    response.headers["Retry-After"] = str(RETRY_SECONDS)
    response.headers["Cache-Control"] = "no-store"
    return response


def _body(request: HttpRequest) -> HttpResponse:
    status = HTTPStatus.SERVICE_UNAVAILABLE
    if request.path_info.startswith("/health/"):
        return JsonResponse({"status": "failed", "detail": words()}, status=status)
    if from_script(request):
        # The page stays as it is, with what was typed on it, and its script says that the server does not answer.
        return JsonResponse({"code": CODE, "message": words(), "field": None}, status=status)
    context = {"message": words(), "again": request.get_full_path(), "typed": _typed(request)}
    # Without the request: its context would ask the database who is signed in.
    return HttpResponse(render_to_string("503.html", context), status=status)


def _typed(request: HttpRequest) -> list[tuple[str, str]] | None:
    """Names and values of the form that was sent; None when it cannot be sent again from the page."""
    if request.method != "POST":
        return None
    try:
        if request.FILES:
            return None
        fields = [(name, value) for name, values in request.POST.lists() for value in values]
    except (OSError, MultiPartParserError):
        return None
    return [(name, value) for name, value in fields if not any(part in name for part in _NOT_SENT_BACK)]


def _says_gone(error: BaseException) -> bool:
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    state: str | None = getattr(error.__cause__, "sqlstate", None)
    # Where no connection came about, or it ended in the middle, there is no SQLSTATE. Deadlocks, time-outs and a full
    # disk have one, and are faults of another kind.
    return state is None or state.startswith(_GONE)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
