"""The page that says when one may go on, where something was tried too often."""

from collections.abc import Iterator
from contextlib import contextmanager

from allauth.core.exceptions import ImmediateHttpResponse
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from portal.accounts.attempts import Counted, counted
from portal.errors import TooManyAttempts


def locked_page(request: HttpRequest, error: TooManyAttempts) -> HttpResponse:
    """429 with the time in words and in Retry-After."""
    context = {"message": error.message, "until": error.until}
    headers = {"Retry-After": str(error.retry_after), "Cache-Control": "no-store"}
    return HttpResponse(render(request, "429.html", context).content, status=error.status, headers=headers)


@contextmanager
def too_many_page(request: HttpRequest) -> Iterator[None]:
    """Answer with the page where allauth's views and forms are in the way. Raises ImmediateHttpResponse."""
    try:
        yield
    except TooManyAttempts as error:
        raise ImmediateHttpResponse(locked_page(request, error)) from error


@contextmanager
def counted_page(request: HttpRequest, account: Counted, network: Counted | None = None) -> Iterator[None]:
    """``attempts.counted``, answered with the page."""
    with too_many_page(request), counted(account, network):
        yield
