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
from portal.web.pages import View, add_refusal, page, posts_only

# --- In whose hands ----------------------------------------------------------------------------------------


@posts_only
@page
def take_next(request: SignedInRequest) -> HttpResponse:
    """Take the most pressing case that waits, and open it; the one in hand where that is not answered yet."""
    before = set(claims.in_hand_unread(request.user).values_list("pk", flat=True))
    taken = claims.claim_next(request.user)
    if taken is None:
        messages.info(request, _("Nothing is waiting for you: every case has been read or taken."))
        return redirect("cases:worklist")
    if taken.pk in before:
        words = _("You already have %(accession)s. Answer it or give it back, then take the next case.")
        messages.info(request, words % {"accession": taken.case.accession})
    return redirect("cases:detail", taken.case_id)


@posts_only
@page
def take(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Take a case in hand."""
    claims.claim(request.user, visible_case(request.user, pk))
    return redirect("cases:detail", pk)


@posts_only
@page
def take_over(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Take a case out of a colleague's hands."""
    claims.take_over(request.user, visible_case(request.user, pk))
    return redirect("cases:detail", pk)


@posts_only
@page
def keep(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Say that the reader is still at work; the page does so by itself."""
    claims.keep(request.user, visible_case(request.user, pk))
    return HttpResponse(status=204)


@posts_only
@page
def release(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Give a case back to the others."""
    case = visible_case(request.user, pk)
    try:
        claims.release(request.user, case)
    except WrongState:
        if not repeats.is_released(request.user, case):
            raise
    messages.success(
        request, _("%(accession)s is waiting for the next reader.") % {"accession": case.accession}
    )
    return redirect("cases:worklist")


# --- Answers -----------------------------------------------------------------------------------------------


def _next_case(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """To what comes next: the same case while there is something to do with it, else the worklist."""
    case = visible_case(request.user, pk)
    words = {
        CaseState.AWAITING_SECOND_READ: _("Your read is stored. A second reviewer will read %(accession)s."),
        CaseState.ADJUDICATION: _(
            "Your read is stored. The answers differ: %(accession)s goes to adjudication."
        ),
    }.get(CaseState(case.state))
    if words is None:
        return redirect("cases:detail", pk)
    messages.success(request, words % {"accession": case.accession})
    return redirect("cases:worklist")


def _sent_back(request: SignedInRequest, pk: UUID) -> HttpResponse:
    messages.success(
        request, _("The case has been returned to its submitter, who is informed what is missing.")
    )
    return redirect("cases:worklist")


def _form_view(
    name: str,
    form_class: type[forms.Form],
    store: Callable[..., Any],
    is_stored: Callable[[User, Case, dict[str, Any]], bool],
    then: Callable[[SignedInRequest, UUID], HttpResponse] = _next_case,
) -> View:
    """A view that stores what a form of the case page says, and goes on with ``then``.

    What is refused stays on the page, as ``name`` in its template, with its words. ``is_stored`` recognises a second
    press, which the first has left in the wrong state, from a refusal.
    """

    @require_http_methods(["GET", "POST"])
    @page
    def view(request: SignedInRequest, pk: UUID) -> HttpResponse:
        if request.method == "GET":
            return redirect("cases:detail", pk)
        case = visible_case(request.user, pk)
        form = form_class(request.POST)
        if not form.is_valid():
            return case_page(request, pk, forms={name: form}, status=422)
        try:
            store(request.user, case, **form.cleaned_data)
        except DomainError as error:
            now = visible_case(request.user, pk)
            if not (isinstance(error, WrongState) and is_stored(request.user, now, form.cleaned_data)):
                return case_page(request, pk, forms={name: form}, status=add_refusal(form, error))
        return then(request, pk)

    return view


#: Store the reader's own answer; the case page then shows the model's next to it.
read = _form_view("read_form", ReadForm, services.record_read, repeats.is_read)
#: Keep or change the reader's own answer.
conclude = _form_view("conclusion_form", ConclusionForm, services.conclude, repeats.is_concluded)
#: Decide between two answers.
adjudicate = _form_view("adjudication_form", AdjudicationForm, services.adjudicate, repeats.is_adjudicated)
#: Return a case to its submitter with what is missing.
send_back = _form_view(
    "return_form", ReturnForm, services.return_to_submitter, repeats.is_returned, _sent_back
)
