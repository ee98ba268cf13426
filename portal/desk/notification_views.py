"""A person's notifications: the list, the bell, and marking as read."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET

from portal.accounts.requests import SignedInRequest
from portal.desk.bell import Bell, Line
from portal.errors import Invalid
from portal.notifications import selectors, services
from portal.web.pages import page, posts_only

PER_PAGE = 25


@require_GET
@page
def notifications(request: SignedInRequest) -> HttpResponse:
    """All notifications of the person, newest first."""
    pages = Paginator(selectors.visible_to(request.user), PER_PAGE)
    shown = pages.get_page(request.GET.get("page"))
    newest = selectors.visible_to(request.user).values_list("pk", flat=True).first()
    context = {"page_obj": shown, "lines": [Line(notification) for notification in shown], "newest": newest}
    return render(request, "notifications/list.html", context)


@require_GET
@page
def open_notification(request: SignedInRequest, pk: int) -> HttpResponse:
    """Mark a notification as read and lead to what it is about."""
    notification = get_object_or_404(selectors.visible_to(request.user), pk=pk)
    services.mark_read(notification)
    return redirect(Line(notification).address)


@posts_only
@page
def read_all(request: SignedInRequest) -> HttpResponse:
    """Mark as read what the person had before them; what came since stays unread."""
    upto = request.POST.get("upto", "")
    if not upto.isascii() or not upto.isdigit() or len(upto) > 18:
        raise Invalid(_("Reload the page, then mark its notifications as read."), field="upto")
    done = services.mark_all_read(request.user, int(upto))
    messages.success(
        request,
        ngettext("%(count)d notification marked as read.", "%(count)d notifications marked as read.", done)
        % {"count": done},
    )
    return redirect("notifications:list")


@require_GET
@page
def bell(request: SignedInRequest) -> HttpResponse:
    """The bell and the banner of urgent findings since the version in ``v``; 204 while nothing changed."""
    now = Bell(request.user)
    if request.GET.get("v", "") == now.version:
        return HttpResponse(status=204)
    return render(request, "notifications/bell_update.html", {"bell": now})
