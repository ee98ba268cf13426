"""What is noted of a request, in the log and in the audit trail: no query, no key of a link, no forged address."""

from typing import Any

import structlog
from django.http import HttpRequest
from django.urls import Resolver404, resolve
from django_structlog.middlewares import RequestMiddleware
from pghistory.middleware import HistoryMiddleware

from portal.config.masking import masked_parts
from portal.web.client_address import client_address

#: A part of an address whose name contains one of these gives access to anybody who has it.
SECRET_NAMES = ("key", "token", "secret", "uid", "code")


def noted_path(path: str) -> str:
    """The path as it may be noted; the name of the address in its place where a part of it is a secret."""
    for candidate in (path, f"{path}/"):
        try:
            match = resolve(candidate)
        except (Resolver404, ValueError):
            continue
        if any(secret in name for name in match.kwargs for secret in SECRET_NAMES):
            return f"[{match.view_name}]"
        return path if match.view_name != "api:unknown" else masked_parts(path)
    return masked_parts(path)


class RequestLogMiddleware(RequestMiddleware):
    """Logs method and path. A query may hold a pseudonym, and logs are kept by other rules than cases."""

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        return f"{request.method} {noted_path(request.path)}"

    @classmethod
    def bind_ip(cls, request: HttpRequest) -> None:
        structlog.contextvars.bind_contextvars(ip=client_address(request))


class RequestHistoryMiddleware(HistoryMiddleware):
    """Notes in the audit trail who changed something and where."""

    def get_context(self, request: HttpRequest) -> dict[str, Any]:
        return {**super().get_context(request), "url": noted_path(request.path)}
