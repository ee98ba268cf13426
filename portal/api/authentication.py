"""Bearer tokens of the API (``portal.accounts.tokens`` issues them)."""

from django.utils.translation import gettext as _
from knox.auth import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed

from portal.accounts.models import ApiToken, User
from portal.accounts.tokens import note_use


class BearerAuthentication(TokenAuthentication):
    """Knox's tokens; bytes that cannot be a token are refused before they reach the database."""

    def authenticate_credentials(self, token: bytes) -> tuple[User, ApiToken]:
        """The person whose token this is. Raises AuthenticationFailed."""
        if not token.isalnum():
            raise AuthenticationFailed(_("The token is not valid or has expired. Create a new one."))
        user, row = super().authenticate_credentials(token)
        note_use(row)
        return user, row
