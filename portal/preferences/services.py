"""Storing what a person prefers, and the keys that follow from it."""

from collections.abc import Mapping

from django.db import transaction
from django.utils.translation import gettext as _

from portal.accounts.choices import Language, MailChoice
from portal.accounts.models import Preferences, User
from portal.errors import Invalid
from portal.preferences.shortcuts import checked, effective


def keys_of(user: User) -> dict[str, list[str]]:
    """The keys that work for a person, by action."""
    preferred = user.chosen_preferences
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
        raise Invalid(_("Choose when the portal may send you e-mail."), field="mail")
    chosen = {"language": language, "mail": mail, "single_keys_on": single_keys_on, "keys": checked(keys)}
    saved, _created = Preferences.objects.update_or_create(user=by, defaults=chosen)
    by.chosen_preferences = saved
    return saved
