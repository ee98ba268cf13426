"""Signing, the signed report, and amending it."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods

from portal.accounts.choices import Action
from portal.accounts.permissions import can
from portal.accounts.requests import SignedInRequest
from portal.cases.found import readable_case, visible_case
from portal.cases.models import Case
from portal.desk.views import case_page
from portal.errors import DomainError
from portal.fonts import warning, words_of
from portal.reading import exposure
from portal.reports import selectors, services
from portal.reports.forms import AmendForm, SignForm
from portal.reports.models import Diagnosis
from portal.reports.presenters import ReportPage
from portal.web.pages import add_refusal, page
from smear.classes import CLASSES


def _versions(request: SignedInRequest, case: Case) -> list[Diagnosis]:
    return list(selectors.visible_to(request.user).filter(case=case))


@require_GET
@page
def diagnosis(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """A signed version of a case's report, by default the newest (``?version=``)."""
    case = visible_case(request.user, pk)
    versions = _versions(request, case)
    if not versions:
        return redirect("cases:detail", pk)
    wanted = request.GET.get("version", "")
    shown = next((one for one in versions if str(one.version) == wanted), None) if wanted else versions[0]
    if shown is None:
        raise Http404
    exposure.record_cases(request.user, Case.objects.filter(pk=pk))
    images = {image.position: image for image in case.images.all()}
    context = {
        "case": case,
        "diagnosis": shown,
        "report": ReportPage(shown, versions, images),
        "record": shown.model_record,
        "may_amend": can(request.user, Action.READ_CASE, case.laboratory),
        "class_labels": CLASSES,
    }
    return render(request, "reports/diagnosis.html", context)


@sensitive_post_parameters("secret")
@require_http_methods(["GET", "POST"])
@page
def sign(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Sign what the reads came to; a refusal keeps the words that were entered, never the password."""
    if request.method == "GET":
        return redirect("cases:detail", pk)
    case = visible_case(request.user, pk)
    form = SignForm(request.POST)
    if not form.is_valid():
        return case_page(request, pk, forms={"sign_form": form}, status=422)
    # Asked first: an authenticator's code that is sent twice would be refused the second time.
    if selectors.is_signed_so(request.user, case, form.cleaned_data):
        return redirect("reports:diagnosis", pk)
    try:
        services.sign(request.user, case, **form.cleaned_data)
    except DomainError as error:
        if selectors.is_signed_so(request.user, case, form.cleaned_data):
            return redirect("reports:diagnosis", pk)
        return case_page(request, pk, forms={"sign_form": form}, status=add_refusal(form, error))
    messages.success(request, _("The report is signed and released."))
    return redirect("reports:diagnosis", pk)


@sensitive_post_parameters("secret")
@require_http_methods(["GET", "POST"])
@page
def amend(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Sign a further version of a signed report."""
    case = readable_case(request.user, pk)
    versions = _versions(request, case)
    if not versions:
        return redirect("cases:detail", pk)
    last = versions[0]
    entered = {"label": last.label, "confidence": last.confidence, "comment": last.comment}
    form = AmendForm(request.POST or None, initial=entered)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            if selectors.is_signed_so(request.user, case, form.cleaned_data):
                return redirect("reports:diagnosis", pk)
            try:
                services.amend(request.user, case, **form.cleaned_data)
            except DomainError as error:
                status = add_refusal(form, error)
            else:
                messages.success(request, _("The amended report is signed. The earlier version is kept."))
                return redirect("reports:diagnosis", pk)
    print_warning = warning([request.user.full_name, *words_of(last.content)])
    context = {"case": case, "form": form, "last": last, "print_warning": print_warning}
    return render(request, "reports/amend.html", context, status=status)
