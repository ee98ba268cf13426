"""The request log, without what people searched for."""

from contextlib import suppress

from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest
from django_structlog.middlewares import RequestMiddleware


class PathOnlyRequestMiddleware(RequestMiddleware):
    """Logs method and path. A query may hold a pseudonym, and logs are kept by other rules than cases."""

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        return f"{request.method} {request.path}"

    @staticmethod
    def bind_user_id(request: HttpRequest) -> None:
        """Leave the person out where the database cannot say who it is: the line is not worth the answer."""
        with suppress(DatabaseError, InterfaceError):
            RequestMiddleware.bind_user_id(request)
