"""When and in which language people wish to have their mail."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings

from portal.accounts.choices import MailChoice
from portal.accounts.models import Preferences


@dataclass(frozen=True, slots=True)
class MailWish:
    """When a person wants mail, and in which language."""

    mail: str = MailChoice.DIGEST
    language: str = settings.LANGUAGE_CODE


def mail_wishes(user_ids: Iterable[int]) -> dict[int, MailWish]:
    """The wishes of these people; the defaults for those who have chosen nothing."""
    wishes = {user_id: MailWish() for user_id in user_ids}
    chosen = Preferences.objects.filter(user__in=list(wishes)).values_list("user_id", "mail", "language")
    for user_id, mail, language in chosen:
        wishes[user_id] = MailWish(mail, language or settings.LANGUAGE_CODE)
    return wishes
