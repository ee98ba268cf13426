"""The worklist, filing a case, and the case page."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.forms import Form
from django.http import Http404, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from portal.accounts.choices import Action
from portal.accounts.selectors import laboratories_for
from portal.cases import selectors
from portal.cases.choices import EDITABLE, CaseState
from portal.cases.models import Case, SmearImage
from portal.desk.case_page import CasePage, entered_print_warning, live_version
from portal.errors import DomainError
from portal.inference import heatmap
from portal.inference.selectors import latest_prediction
from portal.intake import services
from portal.intake.forms import CaseForm, NewCaseForm
from portal.intake.uploads import image_json, uploaded_file, wanted_position
from portal.reading import blind
from portal.reading.choices import Confidence, ReadLabel
from portal.web.pages import SignedInRequest, add_refusal, page, posts_only, private_file, wants_json
from smear.classes import CLASSES
from smear.sniff import ACCEPT_ATTRIBUTE

# --- Filing ------------------------------------------------------------------------------------------------


def _visible_case(request: SignedInRequest, pk: UUID) -> Case:
    return get_object_or_404(
        selectors.visible_to(request.user).select_related("laboratory", "created_by"), pk=pk
    )


def _visible_image(request: SignedInRequest, pk: UUID) -> SmearImage:
    return get_object_or_404(selectors.images_visible_to(request.user), pk=pk)


def _draft_json(case: Case) -> dict[str, str]:
    return {
        "accession": case.accession,
        "edit_url": reverse("cases:edit", args=[case.pk]),
        "images_url": reverse("cases:add_image", args=[case.pk]),
        "print_warning": entered_print_warning(case),
    }


def _case_form_page(
    request: SignedInRequest, form: CaseForm, case: Case | None = None, status: int = 200
) -> HttpResponse:
    if wants_json(request) and status >= 400:
        return JsonResponse({"errors": form.errors}, status=status)
    context = {
        "form": form,
        "case": case,
        "draft": _draft_json(case) if case else None,
        "returned": CasePage(case, request.user).returned if case else None,
        "images": [image_json(image) for image in case.images.all()] if case else [],
        "max_bytes": settings.UPLOAD_MAX_BYTES,
        "max_images": settings.UPLOAD_MAX_IMAGES_PER_CASE,
        "accept": ACCEPT_ATTRIBUTE,
    }
    return render(request, "cases/edit.html", context, status=status)


@require_http_methods(["GET", "POST"])
@page
def new(request: SignedInRequest) -> HttpResponse:
    """The empty form; its first save makes the draft, after which the page is the draft's."""
    if not laboratories_for(request.user, Action.SUBMIT_CASE).exists():
        raise PermissionDenied
    form = NewCaseForm(request.user, request.POST or None)
    if request.method == "GET":
        return _case_form_page(request, form)
    if not form.is_valid():
        return _case_form_page(request, form, status=422)
    try:
        case = services.create_case(
            request.user,
            laboratory=form.cleaned_data["laboratory"],
            pk=form.cleaned_data["case_id"],
            **form.case_fields(),
        )
    except DomainError as error:
        return _case_form_page(request, form, status=add_refusal(form, error))
    if wants_json(request):
        return JsonResponse(_draft_json(case), status=201)
    return redirect("cases:edit", case.pk)


@require_http_methods(["GET", "POST"])
@page
def edit(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """A draft: its fields and photographs; ``then=submit`` hands it over."""
    case = _visible_case(request, pk)
    if request.method == "GET":
        if not CasePage(case, request.user).may_edit:
            return redirect("cases:detail", pk)
        return _case_form_page(request, CaseForm(instance=case), case)
    # The form fills its instance while it validates; the page goes on showing the stored case.
    form = CaseForm(request.POST, instance=_visible_case(request, pk))
    if not form.is_valid():
        return _case_form_page(request, form, case, status=422)
    try:
        case = services.update_case(request.user, case, **form.case_fields())
        if not wants_json(request) and form.has_changed() and (words := entered_print_warning(case)):
            messages.warning(request, words)
        if request.POST.get("then") == "submit":
            services.submit(request.user, case)
            return redirect("cases:detail", pk)
    except DomainError as error:
        if _is_submitted_so(_visible_case(request, pk), form, request.POST.get("then")):
            return redirect("cases:detail", pk)
        return _case_form_page(request, form, case, status=add_refusal(form, error))
    if wants_json(request):
        return JsonResponse(_draft_json(case))
    messages.success(request, _("Draft %(accession)s is saved.") % {"accession": case.accession})
    return redirect("cases:worklist")


def _is_submitted_so(case: Case, form: CaseForm, then: str | None) -> bool:
    """Whether a form that is to submit a case has done so already: a second press is no mistake."""
    entered = {name: v.strip() if isinstance(v, str) else v for name, v in form.case_fields().items()}
    is_past = case.state not in EDITABLE and case.state != CaseState.CANCELLED
    return then == "submit" and is_past and all(getattr(case, name) == v for name, v in entered.items())


@posts_only
@page
def cancel(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Withdraw a case that nobody has read."""
    case = _visible_case(request, pk)
    if case.state != CaseState.CANCELLED:
        case = services.cancel(request.user, case)
    messages.success(request, _("%(accession)s is cancelled.") % {"accession": case.accession})
    return redirect("cases:worklist")


@posts_only
@page
def add_image(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Take one photograph; a refusal names what is wrong with the file."""
    case = _visible_case(request, pk)
    position = wanted_position(request.POST.get("position", ""))
    image = services.add_image(request.user, case, uploaded_file(request), position=position)
    return JsonResponse(image_json(image), status=201)


@posts_only
@page
def remove_image(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Take a photograph out of a draft."""
    image = _visible_image(request, pk)
    services.remove_image(request.user, image)
    return JsonResponse({}) if wants_json(request) else redirect("cases:edit", image.case_id)


# --- Case page ---------------------------------------------------------------------------------------------


def case_page(
    request: SignedInRequest, pk: UUID, *, forms: dict[str, Form] | None = None, status: int = 200
) -> HttpResponse:
    """The case page; with ``forms``, by the name the template has for them, it shows again what was refused."""
    context = _case_context(request, pk) | (forms or {})
    return render(request, "cases/detail.html", context, status=status)


def _case_context(request: SignedInRequest, pk: UUID) -> dict[str, Any]:
    try:
        case = selectors.case_detail(request.user, pk)
    except Case.DoesNotExist as error:
        raise Http404 from error
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
    if CasePage(_visible_case(request, pk), request.user).may_edit:
        return redirect("cases:edit", pk)
    return case_page(request, pk)


@require_GET
@page
def live(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """What changed on the case page since the version in ``v``; 204 when nothing did."""
    seen = request.GET.get("v", "")
    if live_version(_visible_case(request, pk)) == seen:
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
    image = _visible_image(request, pk)
    return private_file(request, image.file, image.content_type)


@require_GET
@page
def thumbnail(request: SignedInRequest, pk: UUID) -> HttpResponseBase:
    """The photograph, small."""
    return private_file(request, _visible_image(request, pk).thumbnail, "image/jpeg")


@require_GET
@page
def heat_map(request: SignedInRequest, pk: UUID, label: str) -> HttpResponseBase:
    """What spoke for a class, as a transparent picture to lay over the whole photograph."""
    image = _visible_image(request, pk)
    blind.require_model(request.user, image)
    prediction = latest_prediction(image)
    if prediction is None or label not in CLASSES:
        raise Http404
    return heatmap.picture(request, prediction, label)
