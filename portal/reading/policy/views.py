"""How a laboratory reads: the page on which its administrators decide."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from portal.accounts.choices import ROLE_ACTIONS, Action
from portal.accounts.models import Laboratory
from portal.accounts.requests import SignedInRequest
from portal.accounts.selectors import laboratories_for
from portal.errors import DomainError
from portal.reading.choices import SecondRead
from portal.reading.models import ReadingPolicy
from portal.reading.policy.forms import PolicyForm
from portal.reading.policy.history import policy_trail
from portal.reading.policy.services import policy_for, set_policy
from portal.web.pages import add_refusal, page


@require_http_methods(["GET", "POST"])
@page
def edit(request: SignedInRequest) -> HttpResponse:
    """The policy of one laboratory that the person administers; a POST changes it."""
    laboratories = laboratories_for(request.user, Action.SET_POLICY)
    if not laboratories:
        raise PermissionDenied
    slug = request.GET.get("laboratory")
    laboratory = get_object_or_404(laboratories, slug=slug) if slug else laboratories[0]
    members = laboratory.memberships.filter(is_active=True, user__is_active=True)
    # A form fills its instance while it validates; the page goes on showing the stored policy.
    stored = ReadingPolicy.objects.filter(laboratory=laboratory).first() or ReadingPolicy(
        laboratory=laboratory
    )
    form = PolicyForm(request.POST or None, instance=stored, members=members.values("user"))
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                set_policy(request.user, laboratory, **form.changes())
            except DomainError as error:
                status = add_refusal(form, error)
            else:
                messages.success(
                    request,
                    _("The new reading policy of %(laboratory)s applies from now on.")
                    % {"laboratory": laboratory.name},
                )
                return redirect(f"{reverse('reading_policy:edit')}?laboratory={laboratory.slug}")
    readers = [role for role, actions in ROLE_ACTIONS.items() if Action.READ_CASE in actions]
    reviewers = members.filter(role__in=readers).count()
    context = {
        "laboratory": laboratory,
        "laboratories": laboratories,
        "form": form,
        "reviewers": reviewers,
        "warnings": _warnings(laboratory, reviewers),
        "trail": policy_trail(laboratory),
    }
    return render(request, "reading/policy.html", context, status=status)


def _warnings(laboratory: Laboratory, reviewers: int) -> list[str]:
    """What the stored policy asks for and the laboratory's people cannot give."""
    if reviewers == 0:
        return [
            _("The laboratory has no active reviewer: no case can be read. Invite one on the page Users.")
        ]
    if policy_for(laboratory).second_read == SecondRead.NEVER or reviewers > 2:
        return []
    has = ngettext(
        "The laboratory has %(count)d active reviewer.",
        "The laboratory has %(count)d active reviewers.",
        reviewers,
    ) % {"count": reviewers}
    if reviewers == 1:
        needs = _(
            "A second read needs another reviewer; until there is one, such cases wait and cannot be signed."
        )
    else:
        needs = _("When the two differ, a third reviewer has to adjudicate; until then the case waits.")
    return [f"{has} {needs}"]
