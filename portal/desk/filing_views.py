"""Filing a case: its form, its photographs, handing it over, withdrawing it."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from portal.accounts.choices import Action
from portal.accounts.requests import SignedInRequest
from portal.accounts.selectors import laboratories_for
from portal.cases.choices import EDITABLE, CaseState
from portal.cases.found import visible_case, visible_image
from portal.cases.models import Case
from portal.desk.case_page import CasePage, entered_print_warning
from portal.errors import DomainError
from portal.intake import services
from portal.intake.forms import CaseForm, NewCaseForm
from portal.intake.uploads import image_json, uploaded_file, wanted_position
from portal.web.pages import add_refusal, page, posts_only, wants_json
from smear.sniff import ACCEPT_ATTRIBUTE


def _draft_json(case: Case) -> dict[str, Any]:
    return {
        "accession": case.accession,
        "edit_url": reverse("cases:edit", args=[case.pk]),
        "images_url": reverse("cases:add_image", args=[case.pk]),
        "print_warning": entered_print_warning(case),
        "stored": CaseForm(instance=case).stored_values(),
    }


def _case_form_page(
    request: SignedInRequest, form: CaseForm, case: Case | None = None, status: int = 200
) -> HttpResponse:
    if wants_json(request) and status >= 400:
        return JsonResponse({"errors": form.errors, "stored": form.stored_values()}, status=status)
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
    case = visible_case(request.user, pk)
    if request.method == "GET":
        if not CasePage(case, request.user).may_edit:
            return redirect("cases:detail", pk)
        return _case_form_page(request, CaseForm(instance=case), case)
    # The form fills its instance while it validates; the page goes on showing the stored case.
    form = CaseForm(request.POST, instance=visible_case(request.user, pk))
    if not form.is_valid():
        return _case_form_page(request, form, case, status=422)
    try:
        case = services.update_case(request.user, case, **form.changes())
        if not wants_json(request) and form.has_changed() and (words := entered_print_warning(case)):
            messages.warning(request, words)
        if request.POST.get("then") == "submit":
            services.submit(request.user, case)
            return redirect("cases:detail", pk)
    except DomainError as error:
        if _is_submitted_so(visible_case(request.user, pk), form, request.POST.get("then")):
            return redirect("cases:detail", pk)
        return _case_form_page(request, form, case, status=add_refusal(form, error))
    if wants_json(request):
        return JsonResponse(_draft_json(case))
    messages.success(request, _("Draft %(accession)s is saved.") % {"accession": case.accession})
    return redirect("cases:worklist")


def _is_submitted_so(case: Case, form: CaseForm, then: str | None) -> bool:
    """Whether a form that is to submit a case has done so already: a second press is no mistake."""
    entered = {name: v.strip() if isinstance(v, str) else v for name, v in form.changes().items()}
    is_past = case.state not in EDITABLE and case.state != CaseState.CANCELLED
    return then == "submit" and is_past and all(getattr(case, name) == v for name, v in entered.items())


@posts_only
@page
def cancel(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Withdraw a case that nobody has read."""
    case = visible_case(request.user, pk)
    if case.state != CaseState.CANCELLED:
        case = services.cancel(request.user, case)
    messages.success(request, _("%(accession)s is cancelled.") % {"accession": case.accession})
    return redirect("cases:worklist")


@posts_only
@page
def add_image(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Take one photograph; a refusal names what is wrong with the file."""
    case = visible_case(request.user, pk)
    position = wanted_position(request.POST.get("position", ""))
    image = services.add_image(request.user, case, uploaded_file(request), position=position)
    return JsonResponse(image_json(image), status=201)


@posts_only
@page
def remove_image(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Take a photograph out of a draft."""
    image = visible_image(request.user, pk)
    services.remove_image(request.user, image)
    return JsonResponse({}) if wants_json(request) else redirect("cases:edit", image.case_id)
