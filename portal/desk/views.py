"""The case page and its pictures."""

from typing import Any
from uuid import UUID

from django.forms import Form
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET

from portal.accounts.requests import SignedInRequest
from portal.cases.found import visible_case, visible_image
from portal.desk import selectors
from portal.desk.case_page import CasePage, live_version
from portal.inference import heatmap
from portal.inference.selectors import latest_prediction
from portal.reading import blind
from portal.reading.choices import Confidence, ReadLabel
from portal.web.pages import page, private_file
from smear.classes import CLASSES


def case_page(
    request: SignedInRequest, pk: UUID, *, forms: dict[str, Form] | None = None, status: int = 200
) -> HttpResponse:
    """The case page; with ``forms``, by the name the template has for them, it shows again what was refused."""
    context = _case_context(request, pk) | (forms or {})
    return render(request, "cases/detail.html", context, status=status)


def _case_context(request: SignedInRequest, pk: UUID) -> dict[str, Any]:
    case = get_object_or_404(selectors.case_detail(request.user), pk=pk)
    return {
        "page": CasePage(case, request.user),
        "case": case,
        "classes": CLASSES,
        "answers": ReadLabel.choices,
        "confidences": Confidence.choices,
    }


@require_GET
@page
def detail(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """The case page; somebody who may edit a draft is taken to its form."""
    if CasePage(visible_case(request.user, pk), request.user).may_edit:
        return redirect("cases:edit", pk)
    return case_page(request, pk)


@require_GET
@page
def live(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """What changed on the case page since the version in ``v``; 204 when nothing did."""
    seen = request.GET.get("v", "")
    if live_version(visible_case(request.user, pk)) == seen:
        return HttpResponse(status=204)
    context = _case_context(request, pk)
    context["is_update"] = True
    # A form that somebody is filling in is only replaced when the case has moved on.
    context["state_changed"] = seen.split("-")[0] != context["page"].version.split("-")[0]
    return render(request, "cases/live.html", context)


@require_GET
@page
def photograph(request: SignedInRequest, pk: UUID) -> HttpResponseBase:
    """The photograph as it is stored."""
    image = visible_image(request.user, pk)
    return private_file(request, image.file, image.content_type)


@require_GET
@page
def thumbnail(request: SignedInRequest, pk: UUID) -> HttpResponseBase:
    """The photograph, small."""
    return private_file(request, visible_image(request.user, pk).thumbnail, "image/jpeg")


@require_GET
@page
def heat_map(request: SignedInRequest, pk: UUID, label: str) -> HttpResponseBase:
    """What spoke for a class, as a transparent picture to lay over the whole photograph."""
    image = visible_image(request.user, pk)
    blind.require_model(request.user, image)
    prediction = latest_prediction(image)
    if prediction is None or label not in CLASSES:
        raise Http404
    return heatmap.picture(request, prediction, label)
