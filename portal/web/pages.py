"""What the pages of every app share: whose page it is, and how a refusal is shown."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate

from django import forms
from django.db.models.fields.files import FieldFile
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from portal.errors import DomainError
from portal.web import refused_forms
from portal.web.caching import kept

#: A view behind ``page`` is called with a ``portal.accounts.requests.SignedInRequest``.
View = Callable[Concatenate[Any, ...], HttpResponseBase]


def wants_json(request: HttpRequest) -> bool:
    """Whether a page's script asks, rather than the browser."""
    return request.headers.get("Accept", "").startswith("application/json")


def from_script(request: HttpRequest) -> bool:
    """Whether a script of a page, or one of its live parts, asks: the answer must not lead the page away."""
    return wants_json(request) or bool(request.headers.get("HX-Request"))


def page(view: View) -> View:
    """For people on their own pages; what a service refuses becomes a page (or JSON) with its words.

    That somebody is signed in is seen to by ``portal.web.sign_in``, for every view that does not say otherwise.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if refused_forms.is_from_another(request):
            return refused_forms.other_person(request, from_script=from_script(request))
        try:
            return view(request, *args, **kwargs)
        except DomainError as error:
            return refusal(request, error)

    return guarded


def posts_only(view: View) -> View:
    """For an address that takes forms and shows nothing: nobody is sent there to look."""
    guarded: View = require_POST(view)
    guarded.posts_only = True  # type: ignore[attr-defined]
    return guarded


def refusal(request: HttpRequest, error: DomainError) -> HttpResponse:
    """What was refused and why, with the status that belongs to it."""
    if wants_json(request):
        body = {"code": error.code, "message": error.message, "field": error.field}
        return JsonResponse(body, status=error.status)
    return render(request, "refused.html", {"message": error.message}, status=error.status)


def add_refusal(form: forms.BaseForm, error: DomainError) -> int:
    """Put a refusal next to the field it is about; returns the status to answer with."""
    form.add_error(error.field if error.field in form.fields else None, error.message)
    return error.status


def private_file(request: HttpRequest, file: FieldFile, content_type: str) -> HttpResponseBase:
    """A stored picture for the person who asked and nobody between."""

    def whole() -> FileResponse:
        return FileResponse(file.open("rb"), content_type=content_type)

    try:
        return kept(request, (file.name, file.storage.get_modified_time(file.name or "")), whole)
    except FileNotFoundError as error:
        raise Http404 from error
