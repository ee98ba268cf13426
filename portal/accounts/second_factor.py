"""Authenticator codes: each holds once, which the database remembers, not the cache."""

from datetime import timedelta

from allauth.mfa import app_settings
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from django.core.exceptions import ValidationError

from portal.accounts import attempts
from portal.accounts.models import User


def use_once(user: User, code: str) -> None:
    """Note that an authenticator's code is used. Raises ValidationError where it was used before."""
    name = f"used code:{user.pk}:{code.replace(' ', '').replace('-', '')}"
    periods = 2 * app_settings.TOTP_TOLERANCE + 1
    if not attempts.once(name, timedelta(seconds=periods * app_settings.TOTP_PERIOD)):
        raise get_adapter().validation_error("incorrect_code")


def is_authenticators_code(user: User, code: str) -> bool:
    """Whether it is the code that the person's authenticator shows, used for the first time."""
    authenticator = Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).first()
    if authenticator is None or not authenticator.wrap().validate_code(code):
        return False
    try:
        use_once(user, code)
    except ValidationError:
        return False
    return True
