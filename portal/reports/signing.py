"""Proving at the signature that the person at the screen is the one who signed in."""

from allauth.mfa import app_settings as mfa_settings
from django.utils.translation import gettext as _

from portal.accounts import attempts
from portal.accounts.models import User
from portal.accounts.second_factor import is_authenticators_code
from portal.errors import Invalid, TooManyAttempts
from portal.reports.choices import SignMethod


def prove_identity(user: User, secret: str) -> SignMethod:
    """Check the password or, where the person has one, the authenticator's code; says which it was.

    Raises Invalid (wrong), TooManyAttempts (``SIGN_ATTEMPTS`` wrong ones within ``SIGN_LOCK_SECONDS``).
    """
    if not secret:
        raise Invalid(_("Enter your password or your authenticator code to sign."), field="secret")
    try:
        with attempts.counted(attempts.signature(user.pk)):
            method = _method(user, secret)
            if method is None:
                raise Invalid(
                    _("This is neither your password nor your authenticator code. Nothing is signed yet."),
                    code="wrong_secret",
                    field="secret",
                )
    except TooManyAttempts as error:
        message = _("The report was not signed. %(too_many)s") % {"too_many": error.message}
        raise TooManyAttempts(message, until=error.until, field="secret") from error
    return method


def _method(user: User, secret: str) -> SignMethod | None:
    code = secret.replace(" ", "")
    if code.isdigit() and len(code) == mfa_settings.TOTP_DIGITS and is_authenticators_code(user, code):
        return SignMethod.TOTP
    return SignMethod.PASSWORD if user.check_password(secret) else None
