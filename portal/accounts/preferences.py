"""What a person prefers: language, mail and keys."""

from collections.abc import Callable, Mapping
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponseBase
from django.utils import translation
from django.utils.translation import gettext as _

from portal.accounts.choices import Language, MailChoice
from portal.accounts.models import Preferences, User
from portal.errors import Invalid
from portal.preferences.shortcuts import checked, effective

#: Where the session keeps the language, so that no request has to ask the database for it.
SESSION_LANGUAGE = "language"


def preferences_of(user: User) -> Preferences:
    """A person's preferences, the defaults where nothing was ever chosen; remembered on the user for a request."""
    known: Preferences | None = getattr(user, "_known_preferences", None)
    if known is None:
        known = Preferences.objects.filter(user=user).first() or Preferences(user=user)
        user._known_preferences = known  # type: ignore[attr-defined]
    return known


def keys_of(user: User) -> dict[str, list[str]]:
    """The keys that work for a person, by action."""
    preferred = preferences_of(user)
    return effective(preferred.keys, single_keys_on=preferred.single_keys_on)


@transaction.atomic
def save_preferences(
    by: User, *, language: str, mail: str, single_keys_on: bool, keys: Mapping[str, str]
) -> Preferences:
    """Store all of a person's preferences. ``keys`` by action; the others have their default.

    Raises Invalid, Duplicate; ``field`` is the name of the preference or the action.
    """
    if language not in ("", *Language.values):
        raise Invalid(_("The pages are not available in this language."), field="language")
    if mail not in MailChoice.values:
        raise Invalid(_("Choose when the portal may write to you."), field="mail")
    chosen = {"language": language, "mail": mail, "single_keys_on": single_keys_on, "keys": checked(keys)}
    saved, _created = Preferences.objects.update_or_create(user=by, defaults=chosen)
    by._known_preferences = saved  # type: ignore[attr-defined]
    return saved


# --- The language of a session


def use_language(request: HttpRequest, language: str) -> None:
    """Have this session's pages in a language from now on; empty: in the browser's."""
    if language:
        request.session[SESSION_LANGUAGE] = language
    else:
        request.session.pop(SESSION_LANGUAGE, None)
    translation.activate(language or translation.get_language_from_request(request))


def on_sign_in(sender: object, request: HttpRequest, user: User, **kwargs: Any) -> None:
    """Whoever signs in gets the pages in the language they chose, on whatever machine."""
    if language := preferences_of(user).language:
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
