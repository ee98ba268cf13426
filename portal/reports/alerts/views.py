"""Urgent findings of a laboratory, and saying that the news has arrived."""

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from portal import mail
from portal.accounts.choices import Action
from portal.accounts.models import User
from portal.accounts.requests import SignedInRequest
from portal.accounts.selectors import may_anywhere
from portal.errors import DomainError, Invalid, WrongState
from portal.reports.alerts import selectors, services
from portal.reports.alerts.forms import AcknowledgeForm
from portal.reports.alerts.presenters import shown
from portal.web.pages import add_refusal, page, posts_only

PER_PAGE = 25


@require_GET
@page
def alerts(request: SignedInRequest) -> HttpResponse:
    """Open and acknowledged findings of the person's laboratories."""
    return _page(request)


def _page(
    request: SignedInRequest, *, refused: AcknowledgeForm | None = None, pk: int = 0, status: int = 200
) -> HttpResponse:
    pages = Paginator(selectors.acknowledged(request.user), PER_PAGE)
    done = pages.get_page(request.GET.get("page"))
    waiting = list(selectors.open_in_laboratories(request.user))
    rows = shown(request, [*waiting, *done], refused=refused, refused_pk=pk)
    context = {
        "overdue": [row for row in rows if row.is_overdue],
        "waiting": [row for row in rows if row.is_open and not row.is_overdue],
        "acknowledged": [row for row in rows if not row.is_open],
        # What was entered on a finding that another window has acknowledged since, or that is another person's.
        "refused": None if any(row.form is refused for row in rows) else refused,
        "page_obj": done,
        "mail_failure": mail.last_failure(),
        "has_mail": mail.is_configured(),
        "says_mail": may_anywhere(request.user, Action.SET_POLICY),
        "remind_minutes": settings.ALERT_REMIND_MINUTES,
    }
    return render(request, "reports/alerts.html", context, status=status)


@posts_only
@page
def acknowledge(request: SignedInRequest, pk: int) -> HttpResponse:
    """Store that the news has arrived; a refused one stays on the page with its note."""
    alert = get_object_or_404(selectors.visible_to(request.user), pk=pk)
    form = AcknowledgeForm(request.POST, alert_pk=pk)
    if not form.is_valid():
        return _page(request, refused=form, pk=pk, status=422)
    try:
        services.acknowledge(request.user, alert, note=form.cleaned_data["note"])
    except DomainError as error:
        alert.refresh_from_db()
        # A second press finds what the first has stored.
        stored = (alert.person_id, alert.acknowledged_at is not None, alert.note)
        if stored != (request.user.pk, True, form.cleaned_data["note"]):
            return _page(request, refused=form, pk=pk, status=add_refusal(form, error))
    accession = alert.diagnosis.case.accession
    messages.success(
        request, _("You have acknowledged the finding in %(accession)s.") % {"accession": accession}
    )
    return redirect("alerts:list")


@posts_only
@page
def mail_again(request: SignedInRequest, pk: int) -> HttpResponse:
    """Try the mail about an open finding now."""
    alert = get_object_or_404(selectors.visible_to(request.user), pk=pk)
    if not mail.is_configured():
        raise WrongState(_("E-mail is not set up here. Phone the person, or name another."))
    services.mail_again(request.user, alert)
    messages.success(
        request,
        _("The e-mail to %(person)s is being sent now. If it cannot be sent, it stays on this page.")
        % {"person": alert.person.full_name},
    )
    return redirect("alerts:list")


@posts_only
@page
def hand_over(request: SignedInRequest, pk: int) -> HttpResponse:
    """Name another person for an open finding."""
    alert = get_object_or_404(selectors.visible_to(request.user), pk=pk)
    chosen = request.POST.get("person", "")
    is_number = chosen.isascii() and chosen.isdigit() and len(chosen) < 19
    person = User.objects.filter(pk=chosen).first() if is_number else None
    if person is None:
        raise Invalid(_("Choose the person to notify."), field="person")
    services.hand_over(request.user, alert, person)
    messages.success(
        request,
        _("%(person)s is being notified of the finding in %(accession)s.")
        % {"person": person.full_name, "accession": alert.diagnosis.case.accession},
    )
    return redirect("alerts:list")
