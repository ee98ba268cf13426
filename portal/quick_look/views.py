"""Quick look: one photograph, the answer within seconds."""

import json
from contextlib import suppress
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from portal.accounts.choices import Action
from portal.accounts.requests import SignedInRequest
from portal.accounts.selectors import laboratories_for
from portal.errors import DomainError, Gone
from portal.inference import heatmap
from portal.inference.choices import OPEN_STATES
from portal.inference.models import QuickLook
from portal.intake.forms import QuickCaseForm
from portal.intake.uploads import uploaded_file
from portal.quick_look import services
from portal.text import visible
from portal.web.pages import add_refusal, page, posts_only, private_file
from smear.classes import CLASSES
from smear.sniff import ACCEPT_ATTRIBUTE


@require_http_methods(["GET", "POST"])
@page
def quick_look(request: SignedInRequest) -> HttpResponse:
    """The drop zone; a photograph posted here is looked at and answered with its address."""
    laboratories = laboratories_for(request.user, Action.SUBMIT_CASE)
    if not laboratories:
        raise PermissionDenied
    if request.method == "GET":
        return render(request, "inference/quick_look.html", _context(request))
    laboratory = (
        get_object_or_404(laboratories, slug=visible(request.POST["laboratory"]))
        if request.POST.get("laboratory")
        else laboratories[0]
    )
    started = services.start(request.user, laboratory, uploaded_file(request))
    url = reverse("inference:quick_look_result", args=[started.pk])
    return JsonResponse({"url": url}, status=201)


def _context(request: SignedInRequest, looked: QuickLook | None = None, **more: Any) -> dict[str, Any]:
    context = {
        "minutes": settings.QUICK_LOOK_MINUTES,
        "max_bytes": settings.UPLOAD_MAX_BYTES,
        "accept": ACCEPT_ATTRIBUTE,
        "submit_laboratories": laboratories_for(request.user, Action.SUBMIT_CASE),
        "classes": CLASSES,
        **more,
    }
    if looked is not None:
        answer = services.shown_answer(request.user, looked)
        context |= {
            "looked": looked,
            "answer": answer,
            "is_open": looked.state in OPEN_STATES,
            "heat_urls": json.dumps(
                {
                    label: reverse("inference:quick_look_heat_map", args=[looked.pk, label])
                    for label in CLASSES
                }
            ),
        }
        context.setdefault("form", QuickCaseForm())
    return context


@require_GET
@page
def quick_look_result(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """One quick look of the person's own, for as long as it lives."""
    looked = services.visible_to(request.user, pk)
    return render(request, "inference/quick_look.html", _context(request, looked))


@require_GET
@page
def live(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """The answer as soon as it is there; 204 until then."""
    looked = services.visible_to(request.user, pk)
    if looked.state in OPEN_STATES:
        return HttpResponse(status=204)
    return render(request, "inference/quick_look_answer.html", _context(request, looked))


@require_GET
@page
def photograph(request: SignedInRequest, pk: UUID) -> HttpResponseBase:
    """The photograph that is looked at."""
    looked = services.visible_to(request.user, pk)
    return private_file(request, looked.file, looked.content_type)


@require_GET
@page
def heat_map(request: SignedInRequest, pk: UUID, label: str) -> HttpResponseBase:
    """What spoke for a class, to lay over the photograph."""
    answer = services.shown_answer(request.user, services.visible_to(request.user, pk))
    if answer is None or label not in CLASSES:
        raise Http404
    return heatmap.picture(request, answer, label)


@posts_only
@page
def discard(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Remove a quick look now. A second press finds it gone, or made a case by a press before."""
    made = services.case_made_of(request.user, pk)
    if made is not None:
        messages.info(request, _("This quick look is already a case."))
        return redirect("cases:detail", made.pk)
    with suppress(Gone):
        services.discard(request.user, services.visible_to(request.user, pk))
    messages.success(request, _("The photograph and its answer are removed."))
    return redirect("inference:quick_look")


@posts_only
@page
def make_case(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Keep a quick look as a draft with its photograph; a second press leads to the draft that the first made."""
    made = services.case_made_of(request.user, pk)
    if made is not None:
        return redirect("cases:detail", made.pk)
    looked = services.visible_to(request.user, pk)
    form = QuickCaseForm(request.POST)
    if not form.is_valid():
        context = _context(request, looked, form=form, making_case=True)
        return render(request, "inference/quick_look.html", context, status=422)
    try:
        case = services.make_case(request.user, looked, **form.case_fields())
    except DomainError as error:
        made = services.case_made_of(request.user, pk)
        if made is not None:
            return redirect("cases:detail", made.pk)
        status = add_refusal(form, error)
        context = _context(request, looked, form=form, making_case=True)
        return render(request, "inference/quick_look.html", context, status=status)
    return redirect("cases:edit", case.pk)
