"""What is answered to a form that is not taken because of who is signed in: nobody, or somebody else.

A form says whose page it was on (``from_person``; a script's request in a header) and whether the browser keeps what
was typed (``portal.web.kept``). The answer says what happened and leads back to the form.
"""

from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlencode, urlsplit, urlunsplit

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware import csrf
from django.shortcuts import render, resolve_url
from django.urls import Resolver404, resolve, reverse
from django.utils.functional import Promise
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _

from portal.web import kept

PERSON_FIELD, PERSON_HEADER = "from_person", "X-From-Person"


@dataclass(frozen=True)
class Refusal:
    """One reason with its words. ``code`` is for scripts."""

    code: str
    status: HTTPStatus
    title: str | Promise
    message: str | Promise


SIGNED_OUT = Refusal(
    "signed_out",
    HTTPStatus.UNAUTHORIZED,
    _("You are signed out"),
    _("Your session had ended before this was sent. Nothing was saved."),
)
OTHER_PERSON = Refusal(
    "other_person",
    HTTPStatus.FORBIDDEN,
    _("Another person is signed in"),
    _(
        "%(name)s is now signed in on this browser, and this page belongs to another person. Nothing was saved."
    ),
)
OLD_PAGE = Refusal(
    "old_page",
    HTTPStatus.FORBIDDEN,
    _("This page is older than your sign-in"),
    _(
        "Somebody has signed in on this browser since the page was opened. Nothing was saved. Reopen the "
        "page and submit the form again."
    ),
)
NO_COOKIE = Refusal(
    "no_cookie",
    HTTPStatus.FORBIDDEN,
    _("Your browser sent no cookie"),
    _("Allow cookies for this site, reopen the page and submit the form again. Nothing was saved."),
)
OTHER_ADDRESS = Refusal(
    "other_address",
    HTTPStatus.FORBIDDEN,
    _("The form came from another address"),
    _(
        "Forms are accepted only from this site's own pages. Nothing was saved. Open Hemalens at its usual "
        "address; if this happens again there, notify the operator of Hemalens."
    ),
)


def sender(request: HttpRequest) -> str:
    """Key of the person whose page sent the request; empty where it does not say."""
    said = request.headers.get(PERSON_HEADER, "")
    return said or (request.POST.get(PERSON_FIELD, "") if request.method == "POST" else "")


def is_from_another(request: HttpRequest) -> bool:
    """Whether the request comes from a page of somebody else than the person signed in."""
    return bool(said := sender(request)) and said != str(request.user.pk)


def page_of_form(request: HttpRequest) -> str:
    """Local address of the page that sent the form, by the browser's word; the worklist where it cannot be opened."""
    url = request.headers.get("HX-Current-URL") or request.headers.get("Referer", "")
    parts = urlsplit(url if _is_ours(url, request) else "")
    local = urlunsplit(("", "", parts.path, parts.query, ""))
    if not _is_ours(local, request):
        return reverse("home")
    try:
        match = resolve(parts.path)
    except Resolver404:
        return reverse("home")
    is_page = not getattr(match.func, "posts_only", False) and match.view_name != "account_login"
    return local if is_page else reverse("home")


def _is_ours(url: str, request: HttpRequest) -> bool:
    return url_has_allowed_host_and_scheme(url, {request.get_host()}, require_https=request.is_secure())


def ask_to_sign_in(request: HttpRequest, *, from_script: bool) -> HttpResponse:
    """For somebody who is signed out: a page that is asked for comes after the sign-in; a form does not."""
    if from_script or request.method == "POST":
        return _answer(request, SIGNED_OUT, from_script=from_script)
    return redirect_to_login(request.get_full_path())


def other_person(request: HttpRequest, *, from_script: bool) -> HttpResponse:
    """For a request from a page of somebody else."""
    return _answer(request, OTHER_PERSON, from_script=from_script)


def untrusted(request: HttpRequest, reason: str, *, from_script: bool) -> HttpResponse:
    """For a form whose token does not fit. Every sign-in changes the token; ``reason`` is Django's."""
    refusal = OLD_PAGE
    if reason == csrf.REASON_NO_CSRF_COOKIE:
        refusal = NO_COOKIE
    elif not reason.startswith("CSRF token"):
        refusal = OTHER_ADDRESS
    elif not request.user.is_authenticated:
        refusal = SIGNED_OUT
    elif is_from_another(request):
        refusal = OTHER_PERSON
    return _answer(request, refusal, from_script=from_script)


def _answer(request: HttpRequest, refusal: Refusal, *, from_script: bool) -> HttpResponse:
    message = str(refusal.message)
    if refusal is OTHER_PERSON:
        message %= {"name": request.user.full_name}  # type: ignore[union-attr]
    if from_script:
        return JsonResponse({"code": refusal.code, "message": message}, status=refusal.status)
    back = page_of_form(request)
    if refusal is SIGNED_OUT:
        back = f"{resolve_url('account_login')}?{urlencode({'next': back})}"
    elif refusal is OTHER_PERSON:
        back = ""
    context = {
        "refusal": refusal,
        "message": message,
        "back": back,
        "is_kept": bool(kept.kept_id(request)),
        "is_lost": kept.is_lost(request),
    }
    return render(request, "form_refused.html", context, status=refusal.status)
