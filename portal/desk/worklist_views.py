"""The worklist: what waits, for whom, and what an administrator hands out."""

import re
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet
from django.http import HttpResponse, HttpResponseRedirect, QueryDict, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET
from django_tables2 import RequestConfig

from portal.accounts.choices import Action
from portal.accounts.models import Laboratory, User
from portal.accounts.requests import SignedInRequest
from portal.accounts.selectors import laboratories_for, may_anywhere
from portal.cases.choices import ASSIGNABLE, MINE, Priority
from portal.cases.selectors import visible_to
from portal.desk import saved_filters, selectors
from portal.desk.filters import BY_URGENCY, NOBODY, STAGES, CaseFilter
from portal.desk.tables import CaseTable
from portal.errors import DomainError, Invalid
from portal.reading import claims
from portal.reports.exports.views import csv_response
from portal.web.pages import page, posts_only

CASES_PER_PAGE = 25
UUID_LIKE = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
#: Filters in the first row of the bar; the others open on demand.
FIRST_FILTERS = ("q", "priority", "specimen", "filed_from", "filed_to")
MORE_FILTERS = ("state", "stain", "assigned", "claimed_by", "laboratory", "mine")


@require_GET
@page
def worklist(request: SignedInRequest) -> HttpResponse:
    """The cases a person may see, with search, filters, sorting and pages."""
    return _worklist_page(request)


def _worklist_page(
    request: SignedInRequest, *, selected: frozenset[str] = frozenset(), refused: str = "", status: int = 200
) -> HttpResponse:
    """The list that the address asks for; ``selected`` and ``refused`` are an assignment that was turned down."""
    user = request.user
    several = len(user.active_memberships) > 1
    may_assign = may_anywhere(user, Action.ASSIGN_CASES)
    reviewers = selectors.reviewer_choices(user)
    cases = selectors.worklist(user)
    case_filter = CaseFilter(request.GET, queryset=cases, request=request, reviewers=reviewers)
    if not several:
        del case_filter.form.fields["laboratory"]
    stage = request.GET.get("stage", "")
    cases = case_filter.qs
    if stage in BY_URGENCY and "sort" not in request.GET:
        cases = cases.by_urgency()
    hidden = [*([] if several else ["laboratory"]), *([] if may_assign else ["select"])]
    table = CaseTable(cases, exclude=hidden, selected=selected)
    # The pages are cut here: the table would take any number of rows to a page from the address.
    RequestConfig(request, paginate=False).configure(table)
    table.paginate(per_page=CASES_PER_PAGE)
    table.page = table.paginator.get_page(request.GET.get("page"))
    query = saved_filters.kept_query(request.GET)
    saved = list(user.saved_filters.all())
    context = {
        "filter": case_filter,
        "first_filters": _fields(case_filter, FIRST_FILTERS),
        "more_filters": _fields(case_filter, MORE_FILTERS),
        "unread_filters": [case_filter.form[name].label for name in case_filter.form.errors],
        "has_more": any(request.GET.get(name) for name in MORE_FILTERS),
        "is_filtered": any(request.GET.get(name) for name in case_filter.filters),
        "table": table,
        "stage": stage if stage in STAGES or stage == MINE else "",
        "stages": _stages(user, stage),
        "query": query,
        "saved_filters": saved,
        "is_saved": any(one.query == query for one in saved),
        "in_hand": claims.holding().filter(reader=user).select_related("case").order_by("expires_at")[:3],
        "waiting": _waiting(user) if may_anywhere(user, Action.READ_CASE) else None,
        "may_assign": may_assign,
        "reviewers": reviewers,
        "refused": refused,
    }
    return render(request, "cases/worklist.html", context, status=status)


def _fields(case_filter: CaseFilter, names: tuple[str, ...]) -> list[Any]:
    return [case_filter.form[name] for name in names if name in case_filter.form.fields]


def _stages(user: User, current: str) -> list[dict[str, Any]]:
    """The tabs with their counts and, where somebody waits, since when the oldest case does."""
    standing = selectors.standing_by_state(user)
    mine = selectors.standing_of(visible_to(user).filter(selectors.waits_for(user)))
    zero = selectors.Standing()
    entries = [
        (MINE, _("My cases"), mine),
        ("", _("All"), sum(standing.values(), zero)),
        *((key, label, sum((standing[s] for s in states), zero)) for key, (label, states) in STAGES.items()),
    ]
    return [
        {
            "key": key,
            "label": label,
            "count": found.count,
            "oldest": found.oldest if key in BY_URGENCY else None,
            "is_current": key == current,
        }
        for key, label, found in entries
    ]


def _waiting(user: User) -> dict[str, int]:
    """How many cases the reviewer could take now, and how many of them are pressing."""
    pressing = Q(priority__in=[Priority.STAT, Priority.URGENT])
    return claims.claimable_by(user).aggregate(all=Count("pk"), pressing=Count("pk", filter=pressing))


def _back_to_list(query: str) -> HttpResponse:
    return HttpResponseRedirect(
        f"{reverse('cases:worklist')}?{query}" if query else reverse("cases:worklist")
    )


# --- Filters by name ---------------------------------------------------------------------------------------


@posts_only
@page
def save_filter(request: SignedInRequest) -> HttpResponse:
    """Keep the list's filters under a name."""
    query = saved_filters.kept_query(QueryDict(request.POST.get("query", "")))
    try:
        saved = saved_filters.save_filter(request.user, name=request.POST.get("name", ""), query=query)
    except Invalid as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("The filters are saved as “%(name)s”.") % {"name": saved.name})
    return _back_to_list(query)


@posts_only
@page
def forget_filter(request: SignedInRequest, pk: int) -> HttpResponse:
    """Remove a saved filter; the list stays as it is. Pressed twice, it is still removed once."""
    saved_filters.forget_filter(request.user, pk)
    messages.success(request, _("Saved filter removed."))
    return _back_to_list(saved_filters.kept_query(QueryDict(request.POST.get("query", ""))))


# --- Handing out -------------------------------------------------------------------------------------------


@posts_only
@page
def assign(request: SignedInRequest) -> HttpResponse:
    """Mean the chosen cases for one reviewer or for nobody; the list's filters are in the address."""
    laboratories = laboratories_for(request.user, Action.ASSIGN_CASES)
    if not laboratories.exists():
        raise PermissionDenied
    selected = frozenset(request.POST.getlist("case"))
    try:
        changed = _assign(request, laboratories, selected)
    except DomainError as error:
        return _worklist_page(request, selected=selected, refused=error.message, status=error.status)
    messages.success(
        request,
        ngettext("%(count)d case reassigned.", "%(count)d cases reassigned.", changed) % {"count": changed},
    )
    return _back_to_list(request.GET.urlencode())


def _assign(request: SignedInRequest, laboratories: QuerySet[Laboratory], selected: frozenset[str]) -> int:
    to = _assignee(request)
    chosen = visible_to(request.user).filter(laboratory__in=laboratories, state__in=ASSIGNABLE)
    cases = chosen.filter(pk__in=[UUID(pk) for pk in selected if UUID_LIKE.fullmatch(pk)])
    if not cases.exists():
        raise Invalid(_("Select cases that are waiting or being read, then assign them."))
    return claims.assign(request.user, cases, to)


def _assignee(request: SignedInRequest) -> User | None:
    """Raises Invalid where nobody that the person may know of was chosen."""
    key = request.POST.get("to", "")
    if key == NOBODY:
        return None
    if key not in dict(selectors.reviewer_choices(request.user)):
        raise Invalid(_("Choose a reviewer, or nobody."), field="to")
    return User.objects.get(pk=key)


@require_GET
@page
def cases_csv(request: SignedInRequest) -> StreamingHttpResponse:
    """The cases that the worklist shows for the same address, as CSV."""
    cases = selectors.worklist(request.user)
    case_filter = CaseFilter(request.GET, queryset=cases, request=request)
    if not case_filter.is_valid():
        # The page leaves out a filter that it cannot read; in a file nobody would notice.
        raise Invalid(_("A filter could not be read. Clear it on the worklist, then export again."))
    return csv_response(request.user, case_filter.qs, mark=True)
