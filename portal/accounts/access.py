"""What lets a person in without a password: sessions and API tokens. The one place that says when they end.

Whatever stores a new password or an account that is no longer active (a page, a command, the shell) saves the row of
the user, and ``on_user_saved`` hears of it in the same transaction. Other sessions end with the password by themselves:
Django signs them with it.
"""

from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.utils import timezone

from portal.accounts.models import ApiToken, User


def on_user_saved(
    sender: type[User], instance: User, created: bool, raw: bool = False, **kwargs: Any
) -> None:
    """End what a new password or a deactivation ends."""
    if created or raw:
        return
    if not instance.is_active:
        end_sessions(instance)
        end_tokens(instance)
    # Set by set_password until the row is saved; None where the hash alone was brought up to date.
    elif getattr(instance, "_password", None) is not None:
        end_tokens(instance)


def end_tokens(user: User) -> int:
    """End every API token of a person; returns how many there were."""
    count, _by_model = ApiToken.objects.filter(user=user).delete()
    return int(count)


def end_sessions(user: User) -> None:
    """Sign a person out everywhere."""
    # Django keeps the person inside the session's data, so there is no query for it.
    for session in Session.objects.filter(expire_date__gt=timezone.now()).iterator():
        if session.get_decoded().get(SESSION_KEY) == str(user.pk):
            session.delete()
