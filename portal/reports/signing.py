"""Proving at the signature that the person at the screen is the one who signed in."""

from allauth.mfa import app_settings as mfa_settings
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from django.conf import settings
from django.core.cache import cache
from django.utils.translation import gettext as _

from portal.accounts.models import User
from portal.errors import Invalid, NotAllowed
from portal.reports.choices import SignMethod


def prove_identity(user: User, secret: str) -> SignMethod:
    """Check the password or, where the person has one, the authenticator's code; says which it was.

    Raises Invalid (wrong), NotAllowed (too many wrong ones: ``SIGN_ATTEMPTS`` within ``SIGN_LOCK_SECONDS``).
    """
    key = f"sign:{user.pk}"
    if (cache.get(key) or 0) >= settings.SIGN_ATTEMPTS:
        raise NotAllowed(
            _("Too many wrong passwords. Nothing is signed; try again in %(minutes)d minutes.")
            % {"minutes": -(-settings.SIGN_LOCK_SECONDS // 60)},
            code="too_many_attempts",
        )
    if not secret:
        raise Invalid(_("Enter your password, or your authenticator's code, to sign."), field="secret")
    method = _method(user, secret)
    if method is None:
        cache.add(key, 0, settings.SIGN_LOCK_SECONDS)
        cache.incr(key)
        raise Invalid(
            _("This is neither your password nor your authenticator's code. Nothing is signed yet."),
            code="wrong_secret",
            field="secret",
        )
    cache.delete(key)
    return method


def _method(user: User, secret: str) -> SignMethod | None:
    code = secret.replace(" ", "")
    if code.isdigit() and len(code) == mfa_settings.TOTP_DIGITS:
        authenticator = Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).first()
        if authenticator is not None and TOTP(authenticator).validate_code(code):
            return SignMethod.TOTP
    return SignMethod.PASSWORD if user.check_password(secret) else None
