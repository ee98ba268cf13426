"""Recording a read from the case page."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from portal.cases import selectors
from portal.cases.views import case_page
from portal.errors import DomainError
from portal.pages import SignedInRequest, add_refusal, page
from portal.reading import services
from portal.reading.forms import ReadForm


@require_http_methods(["GET", "POST"])
@page
def read(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Store a read; a refused one stays on the page with what was entered."""
    case = get_object_or_404(selectors.visible_to(request.user), pk=pk)
    if request.method == "GET":
        return redirect("cases:detail", pk)
    form = ReadForm(request.POST)
    if not form.is_valid():
        return case_page(request, pk, read_form=form, status=422)
    try:
        services.record_read(request.user, case, **form.cleaned_data)
    except DomainError as error:
        return case_page(request, pk, read_form=form, status=add_refusal(form, error))
    messages.success(request, _("The diagnosis is signed and stored."))
    return redirect("reports:diagnosis", pk)
