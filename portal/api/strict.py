"""The address of an API request means what it says: a parameter that is unknown, or given twice, is refused.

A list that was narrowed by ``prioritty=urgent`` would look like an answer and be none.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, ClassVar

import django_filters as filters
from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError
from rest_framework.filters import OrderingFilter

if TYPE_CHECKING:
    from rest_framework.request import Request


class StrictQuery:
    """Every view of the API has this before REST framework's own class; a test walks them all.

    ``query_parameters``: those that the view reads itself, by action (in a plain view by method, in small letters).
    Those of filters, ordering and pages are known by themselves.
    """

    query_parameters: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """After token, role and throttle: who may not ask at all hears that first."""
        super().initial(request, *args, **kwargs)  # type: ignore[misc]
        known = self.known_parameters(request.method or "")
        errors: dict[str, list[str]] = {}
        for name, values in request.query_params.lists():
            if name not in known:
                errors[name] = [_unknown(name, sorted(known))]
            elif len(values) > 1 and not known[name]:
                errors[name] = [
                    _("This parameter is given %(count)d times. Send it once.") % {"count": len(values)}
                ]
        if errors:
            raise ValidationError(errors)

    def known_parameters(self, method: str) -> dict[str, bool]:
        """The parameters of this operation, and whether each may be given several times."""
        action: str = getattr(self, "action", None) or method.lower().replace("head", "get")
        known = dict.fromkeys(self.query_parameters.get(action, ()), False)
        if action != getattr(self, "list_action", "list"):
            return known
        backends: tuple[Any, ...] = tuple(getattr(self, "filter_backends", ()))
        if filterset := getattr(self, "filterset_class", None):
            several = filters.MultipleChoiceFilter
            known |= {name: isinstance(one, several) for name, one in filterset.base_filters.items()}
        if any(issubclass(backend, OrderingFilter) for backend in backends):
            known[OrderingFilter.ordering_param] = False
        if pages := getattr(self, "pagination_class", None):
            known |= {pages.page_query_param: False, pages.page_size_query_param: False}
        return known


def _unknown(name: str, known: list[str]) -> str:
    if not known:
        return _("There is no such parameter: this address has none.")
    words = {"known": ", ".join(known)}
    if near := get_close_matches(name, known, n=1):
        words["near"] = near[0]
        return _("There is no such parameter. Did you mean %(near)s? Allowed: %(known)s.") % words
    return _("There is no such parameter. Allowed: %(known)s.") % words
