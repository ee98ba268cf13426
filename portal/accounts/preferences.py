"""What a person prefers, and the language of a session; what can be chosen is in ``portal.preferences``."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.utils import translation

from portal.accounts.models import User

#: Where the session keeps the language, so that no request has to ask the database for it.
SESSION_LANGUAGE = "language"


# --- The language of a session


def use_language(request: HttpRequest, language: str) -> None:
    """Have this session's pages in a language from now on; empty: in the browser's."""
    if language:
        request.session[SESSION_LANGUAGE] = language
    else:
        request.session.pop(SESSION_LANGUAGE, None)
    translation.activate(language or translation.get_language_from_request(request))


def on_sign_in(sender: object, request: HttpRequest, user: User, **kwargs: Any) -> None:
    """People who sign in get the pages in the language they chose, on any machine."""
    if language := user.chosen_preferences.language:
        use_language(request, language)


class LanguageMiddleware:
    """The person's language goes before the browser's, which LocaleMiddleware has set."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if language := request.session.get(SESSION_LANGUAGE):
            translation.activate(language)
            request.LANGUAGE_CODE = translation.get_language()
        return self.get_response(request)
