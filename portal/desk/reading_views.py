"""What a reviewer does with a case: take it, answer, conclude, adjudicate, give it back, send it back."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from portal.accounts.models import User
from portal.accounts.requests import SignedInRequest
from portal.cases.choices import CaseState
from portal.cases.found import visible_case
from portal.cases.models import Case
from portal.desk.views import case_page
from portal.errors import DomainError, WrongState
from portal.reading import claims, repeats, services
from portal.reading.forms import AdjudicationForm, ConclusionForm, ReadForm, ReturnForm
from portal.web.pages import add_refusal, page, posts_only

# --- In whose hands ----------------------------------------------------------------------------------------


@posts_only
@page
def take_next(request: SignedInRequest) -> HttpResponse:
    """Take the most pressing case that waits, and open it; the one in hand where that is not answered yet."""
    before = set(claims.in_hand_unread(request.user).values_list("pk", flat=True))
    taken = claims.claim_next(request.user)
    if taken is None:
        messages.info(request, _("Nothing waits for you: every case is read or in somebody's hands."))
        return redirect("cases:worklist")
    if taken.pk in before:
        words = _("You have %(accession)s in hand. Answer it or give it back; then take the next.")
        messages.info(request, words % {"accession": taken.case.accession})
    return redirect("cases:detail", taken.case_id)


@posts_only
@page
def take(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Take a case in hand."""
    claims.claim(request.user, visible_case(request, pk))
    return redirect("cases:detail", pk)


@posts_only
@page
def take_over(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Take a case out of a colleague's hands."""
    claims.take_over(request.user, visible_case(request, pk))
    return redirect("cases:detail", pk)


@posts_only
@page
def keep(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Say that the reader is still at work; the page does so by itself."""
    claims.keep(request.user, visible_case(request, pk))
    return HttpResponse(status=204)


@posts_only
@page
def release(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Give a case back to the others."""
    case = visible_case(request, pk)
    try:
        claims.release(request.user, case)
    except WrongState:
        if not repeats.is_released(request.user, case):
            raise
    messages.success(request, _("%(accession)s waits for the next reader.") % {"accession": case.accession})
    return redirect("cases:worklist")


# --- Answers -----------------------------------------------------------------------------------------------


def _answer(
    request: SignedInRequest,
    pk: UUID,
    form: forms.Form,
    name: str,
    store: Callable[..., Any],
    is_stored: Callable[[User, Case, dict[str, Any]], bool],
) -> HttpResponse | None:
    """Store what was entered; what is refused stays on the page with its words. None where it is stored."""
    case = visible_case(request, pk)
    if not form.is_valid():
        return case_page(request, pk, forms={name: form}, status=422)
    try:
        store(request.user, case, **form.cleaned_data)
    except DomainError as error:
        if isinstance(error, WrongState) and is_stored(
            request.user, visible_case(request, pk), form.cleaned_data
        ):
            return None
        return case_page(request, pk, forms={name: form}, status=add_refusal(form, error))
    return None


def _on_with(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """To what comes next: the same case while there is something to do with it, else the worklist."""
    case = visible_case(request, pk)
    words = {
        CaseState.AWAITING_SECOND_READ: _("Your read is stored. A second reviewer reads %(accession)s."),
        CaseState.ADJUDICATION: _(
            "Your read is stored. The answers differ: %(accession)s goes to adjudication."
        ),
    }.get(CaseState(case.state))
    if words is None:
        return redirect("cases:detail", pk)
    messages.success(request, words % {"accession": case.accession})
    return redirect("cases:worklist")


@require_http_methods(["GET", "POST"])
@page
def read(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Store the own answer; the case page then shows the model's beside it."""
    if request.method == "GET":
        return redirect("cases:detail", pk)
    form = ReadForm(request.POST)
    refused = _answer(request, pk, form, "read_form", services.record_read, repeats.is_read)
    return refused or _on_with(request, pk)


@require_http_methods(["GET", "POST"])
@page
def conclude(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Keep or change the own answer."""
    if request.method == "GET":
        return redirect("cases:detail", pk)
    form = ConclusionForm(request.POST)
    refused = _answer(request, pk, form, "conclusion_form", services.conclude, repeats.is_concluded)
    return refused or _on_with(request, pk)


@require_http_methods(["GET", "POST"])
@page
def adjudicate(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Decide between two answers."""
    if request.method == "GET":
        return redirect("cases:detail", pk)
    form = AdjudicationForm(request.POST)
    refused = _answer(request, pk, form, "adjudication_form", services.adjudicate, repeats.is_adjudicated)
    return refused or _on_with(request, pk)


@require_http_methods(["GET", "POST"])
@page
def send_back(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Return a case to its submitter with what is missing."""
    if request.method == "GET":
        return redirect("cases:detail", pk)
    form = ReturnForm(request.POST)
    refused = _answer(request, pk, form, "return_form", services.return_to_submitter, repeats.is_returned)
    if refused is not None:
        return refused
    messages.success(request, _("The case is back with its submitter, who is told what is missing."))
    return redirect("cases:worklist")
