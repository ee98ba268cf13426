"""What every endpoint shares beneath its own code: parsing, negotiation, pages of results, throttles."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import IO, TYPE_CHECKING, Any

from django.db.models import QuerySet
from django.http import Http404
from django.utils.translation import gettext as _
from rest_framework.exceptions import NotAcceptable, ValidationError
from rest_framework.filters import OrderingFilter
from rest_framework.metadata import BaseMetadata
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.pagination import PageNumberPagination
from rest_framework.parsers import JSONParser
from rest_framework.renderers import BaseRenderer
from rest_framework.throttling import AnonRateThrottle, UserRateThrottle

from portal.web.client_address import client_address
from portal.web.strict_json import loads

if TYPE_CHECKING:  # these import the settings that name this module
    from rest_framework.request import Request
    from rest_framework.serializers import BaseSerializer
    from rest_framework.views import APIView


class StrictJSONParser(JSONParser):
    """JSON as ``portal.web.strict_json`` reads it: nothing in it is guessed or lost."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """The body as JSON. Raises ParseError."""
        return loads(stream.read())


def entered(serializer: type[BaseSerializer[Any]], request: Request) -> dict[str, Any]:
    """What a request's body holds, checked. Raises ValidationError."""
    checked = serializer(data=request.data)
    checked.is_valid(raise_exception=True)
    return dict(checked.validated_data)


class LenientNegotiation(DefaultContentNegotiation):
    """Send JSON to clients that ask for a type we do not have, as RFC 9110 (12.4.1) allows."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """The renderer the client asks for, JSON where there is none."""
        try:
            chosen: tuple[BaseRenderer, str] = super().select_renderer(request, renderers, format_suffix)
            return chosen
        except (NotAcceptable, Http404):  # the latter for ?format=, which is no parameter of ours
            first = next(iter(renderers))
            return first, first.media_type


class Pages(PageNumberPagination):
    """``?page=`` and ``?page_size=``, 50 results per page by default, 200 at most."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200
    last_page_strings = ()

    def get_page_size(self, request: Request) -> int:
        """How many results a page has. Raises ValidationError."""
        return self._number(request, "page_size", self.max_page_size) or self.page_size

    def get_page_number(self, request: Request, paginator: Any) -> int:
        """Which page is asked for. Raises ValidationError."""
        return self._number(request, "page", 10**9) or 1

    def _number(self, request: Request, name: str, most: int) -> int | None:
        """The number of a parameter, None where it is not given. Raises ValidationError."""
        given = request.query_params.get(name)
        if not given:
            return None
        if re.fullmatch("[0-9]{1,10}", given) and 1 <= (number := int(given)) <= most:
            return number
        message = _("Enter a whole number from 1 to %(most)d.") % {"most": most}
        raise ValidationError({name: [message]})

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """``page`` and ``page_size`` with their bounds, for the OpenAPI document."""
        parameters: list[dict[str, Any]] = super().get_schema_operation_parameters(view)
        for parameter in parameters:
            is_size = parameter["name"] == self.page_size_query_param
            parameter["schema"] |= {"minimum": 1, "maximum": self.max_page_size if is_size else 10**9}
        return parameters


class StableOrdering(OrderingFilter):
    """Ordering that ends in the primary key, so that no result falls between two pages; only by what is on offer."""

    def get_ordering(self, request: Request, queryset: QuerySet[Any], view: APIView) -> Any:
        """The fields to order by, with the key last, so that pages do not overlap. Raises ValidationError."""
        wanted = [name.strip() for name in request.query_params.get(self.ordering_param, "").split(",")]
        if wanted == [""]:
            return self.get_default_ordering(view)
        if set(wanted) - set(self.choices(view)) or len({name.lstrip("-") for name in wanted}) < len(wanted):
            known = ", ".join(self.choices(view))
            message = _("Name each field once, separated by commas, from: %(known)s.") % {"known": known}
            raise ValidationError({self.ordering_param: [message]})
        return wanted

    def choices(self, view: Any) -> list[str]:
        """What can be ordered by; with a minus the other way round."""
        return [f"{sign}{name}" for name in view.ordering_fields for sign in ("", "-")]

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """``ordering`` with the fields it takes, for the OpenAPI document."""
        schema = {"type": "array", "items": {"type": "string", "enum": self.choices(view)}}
        return [
            {
                "name": self.ordering_param,
                "in": "query",
                "required": False,
                "description": "Fields with commas between them; with a minus the other way round.",
                "schema": schema,
                "style": "form",
                "explode": False,
            }
        ]

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: APIView) -> QuerySet[Any]:
        """The results in the order that is asked for."""
        ordered = super().filter_queryset(request, queryset, view)
        return ordered.order_by(*ordered.query.order_by, "pk")


class Described(BaseMetadata):
    """What OPTIONS answers: the view in words and the types it takes. The fields are in the OpenAPI document."""

    def determine_metadata(self, request: Request, view: APIView) -> dict[str, Any]:
        """Name and description of the endpoint, for OPTIONS."""
        return {
            "name": view.get_view_name(),
            "methods": view.allowed_methods,
            "renders": [renderer.media_type for renderer in view.renderer_classes],
            "parses": [parser.media_type for parser in view.parser_classes],
        }


class _ByAddress:
    """Identify a client without a token by the address that the trusted proxy names, else by the connection's."""

    def get_ident(self, request: Request) -> str:
        return client_address(request._request)


class PersonThrottle(_ByAddress, UserRateThrottle):
    """So many requests a minute for one person, whatever their tokens; without the cache nobody counts them."""


class AnonymousThrottle(_ByAddress, AnonRateThrottle):
    """So many requests a minute for one address without a token."""


class SignThrottle(PersonThrottle):
    """So many signatures a minute, right or wrong ones; wrong secrets are counted by ``prove_identity`` besides."""

    scope = "sign"
    rate = "20/min"
