"""Sign-in is required by default; a view that is for everybody says so with ``login_not_required``."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponseBase

from portal.web import refused_forms
from portal.web.pages import from_script


class SignInRequiredMiddleware(LoginRequiredMiddleware):
    """As Django's, with our answer: a page that is asked for comes after the sign-in, a form is kept and refused."""

    def process_view(
        self,
        request: HttpRequest,
        view_func: Callable[..., HttpResponseBase],
        view_args: tuple[Any, ...],
        view_kwargs: dict[str, Any],
    ) -> HttpResponseBase | None:
        """None lets the request through."""
        if not getattr(view_func, "login_required", True):
            return None  # asked first: who comes to a public page need not be looked up
        # A sign-in would lead back to an address that shows nothing: the view says which method it takes.
        if getattr(view_func, "posts_only", False) and request.method != "POST":
            return None
        answer: HttpResponseBase | None = super().process_view(request, view_func, view_args, view_kwargs)
        return answer

    def handle_no_permission(  # type: ignore[override] # not only a redirect: see the class
        self, request: HttpRequest, view_func: Callable[..., HttpResponseBase]
    ) -> HttpResponseBase:
        """Ask for the sign-in."""
        return refused_forms.ask_to_sign_in(request, from_script=from_script(request))
