"""Bearer tokens: issued by command, stored hashed, expiring."""

from datetime import timedelta

from django.utils.translation import gettext as _
from knox.auth import TokenAuthentication
from knox.models import AuthToken
from rest_framework.exceptions import AuthenticationFailed

from portal.accounts.models import User


class BearerAuthentication(TokenAuthentication):
    """Knox's tokens; bytes that cannot be a token are refused before they reach the database."""

    def authenticate_credentials(self, token: bytes) -> tuple[User, AuthToken]:
        if not token.isalnum():
            raise AuthenticationFailed(_("The token is not valid or has expired. Ask for a new one."))
        user, auth_token = super().authenticate_credentials(token)
        return user, auth_token


def issue_token(user: User, *, days: int | None = None) -> tuple[AuthToken, str]:
    """Make a token for a person; returns its row and, this once, the token itself.

    ``days`` is how long it holds, by default ``REST_KNOX["TOKEN_TTL"]``.
    """
    lifetime = {} if days is None else {"expiry": timedelta(days=days)}
    row, token = AuthToken.objects.create(user, **lifetime)
    return row, token


def revoke_tokens(user: User) -> int:
    """End every token of a person; returns how many there were."""
    count, _by_model = AuthToken.objects.filter(user=user).delete()
    return count
