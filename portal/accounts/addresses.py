"""The address an account signs in with is always a verified one, and the only one that counts.

It is set when the account is made (the invitation, or the operator, vouches for it) and changed by verifying another.
What somebody has entered and not verified signs nobody in and resets no password.
"""

from typing import Any

from allauth.account.models import EmailAddress
from django.db import transaction

from portal.accounts.models import User


@transaction.atomic
def vouch_for_address(user: User) -> EmailAddress:
    """Note that the address the account signs in with is verified, and the account's first."""
    email = user.email.lower()
    own = EmailAddress.objects.filter(user=user)
    own.exclude(email=email).filter(primary=True).update(primary=False)
    address, _new = own.update_or_create(user=user, email=email, defaults={"verified": True, "primary": True})
    return address


def on_user_saved(sender: object, instance: User, created: bool, raw: bool = False, **kwargs: Any) -> None:
    """A new account begins with its address verified."""
    if created and not raw:
        vouch_for_address(instance)
