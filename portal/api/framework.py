"""What every endpoint shares beneath its own code: parsing, negotiation, pages of results, throttles."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import IO, TYPE_CHECKING, Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from redis.exceptions import RedisError
from rest_framework.exceptions import NotAcceptable, ParseError
from rest_framework.filters import OrderingFilter
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.pagination import PageNumberPagination
from rest_framework.parsers import JSONParser
from rest_framework.renderers import BaseRenderer
from rest_framework.throttling import AnonRateThrottle, UserRateThrottle

if TYPE_CHECKING:  # these import the settings that name this module
    from rest_framework.request import Request
    from rest_framework.views import APIView

log = logging.getLogger(__name__)


class BoundedJSONParser(JSONParser):
    """JSON whose nesting is too deep for Python is bad JSON, not a crash."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError as error:
            raise ParseError(_("The JSON is nested too deeply.")) from error


class LenientNegotiation(DefaultContentNegotiation):
    """Send JSON to whoever asks for something we do not have, as RFC 9110 (12.4.1) allows."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        try:
            return super().select_renderer(request, renderers, format_suffix)
        except NotAcceptable:
            first = next(iter(renderers))
            return first, first.media_type


class Pages(PageNumberPagination):
    """``?page=`` and ``?page_size=``, 50 results to a page unless told, 200 at most."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200


class StableOrdering(OrderingFilter):
    """Ordering that ends in the primary key, so that no result falls between two pages."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: APIView) -> QuerySet[Any]:
        ordered = super().filter_queryset(request, queryset, view)
        return ordered.order_by(*ordered.query.order_by, "pk")


class _FailOpen:
    """Without the cache there is no count: a laboratory's work goes on, unthrottled."""

    def allow_request(self, request: Request, view: APIView) -> bool:
        try:
            return bool(super().allow_request(request, view))  # type: ignore[misc]
        except RedisError as error:
            log.warning("Throttling is off, the cache does not answer: %s", error)
            return True


class PersonThrottle(_FailOpen, UserRateThrottle):
    """So many requests a minute for one person, whatever their tokens."""


class AnonymousThrottle(_FailOpen, AnonRateThrottle):
    """So many requests a minute for one address without a token."""


class SignThrottle(PersonThrottle):
    """So many signatures a minute, right or wrong ones; wrong secrets are counted by ``prove_identity`` besides."""

    scope = "sign"
    rate = "20/min"
