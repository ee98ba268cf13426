"""Markers as the viewer's script asks for them: JSON in, JSON out."""

from contextlib import suppress
from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse, JsonResponse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from portal.accounts.models import User
from portal.accounts.requests import SignedInRequest
from portal.annotations import selectors, services
from portal.annotations.models import Marker
from portal.cases.found import visible_image
from portal.errors import Gone, Invalid
from portal.text import visible
from portal.web import strict_json
from portal.web.pages import page


@require_http_methods(["GET", "POST"])
@page
def markers(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """The markers of a photograph and its scale; POST ``{"x", "y", "note"}``, ``"id"`` where it has one, adds one."""
    image = visible_image(request.user, pk)
    if request.method == "POST":
        entered = _entered(request, new=True)
        if not {"x", "y"} <= set(entered):
            raise Invalid(_("Put the marker on the photograph."), field="x")
        return JsonResponse(
            _as_json(services.add_marker(request.user, image, **entered), request.user), status=201
        )
    seen = [_as_json(marker, request.user) for marker in selectors.markers_for(request.user, image)]
    return JsonResponse({"markers": seen, "microns_per_pixel": image.case.microns_per_pixel})


@require_http_methods(["PATCH", "DELETE"])
@page
def marker(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Change (``{"x", "y", "note"}``, any of them) or remove a marker of one's own."""
    try:
        found = selectors.marker_for(request.user, pk)
    except Marker.DoesNotExist as error:
        raise Http404 from error
    if request.method == "DELETE":
        with suppress(Gone):  # pressed twice
            services.remove_marker(request.user, found)
        return HttpResponse(status=204)
    return JsonResponse(
        _as_json(services.change_marker(request.user, found, **_entered(request)), request.user)
    )


def _entered(request: SignedInRequest, *, new: bool = False) -> dict[str, Any]:
    """The fields of the body that are there, of the right type; ``pk`` of a new marker. Raises Invalid."""
    body = strict_json.body_of(request)
    if not isinstance(body, dict):
        raise Invalid(_("The request is not JSON."), code="not_json")
    key = body.pop("id", None) if new else None
    kinds: dict[str, type | tuple[type, ...]] = {"x": (int, float), "y": (int, float), "note": str}
    for name, value in body.items():
        if name not in kinds or isinstance(value, bool) or not isinstance(value, kinds[name]):
            raise Invalid(_("A marker has numbers x and y from 0 to 1, and a note."), field=name)
    if key is None:
        return body
    try:
        return {**body, "pk": UUID(key)}
    except (AttributeError, TypeError, ValueError) as error:
        raise Invalid(_("A marker has numbers x and y from 0 to 1, and a note."), field="id") from error


def _as_json(marker: Marker, user: User) -> dict[str, Any]:
    return {
        "id": str(marker.pk),
        "x": marker.x,
        "y": marker.y,
        "note": visible(marker.note),
        "author": visible(marker.author.full_name),
        "mine": marker.author_id == user.pk,
        "created_at": marker.created_at.isoformat(),
        "created_in_words": date_format(localtime(marker.created_at), "DATETIME_FORMAT"),
    }
