"""What allauth asks the project."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest

from portal.text_fields import validate_line


class AccountAdapter(DefaultAccountAdapter):
    """People come by invitation; nobody signs up."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def clean_email(self, email: str) -> str:
        """An address is read by people: it holds nothing that nobody sees. Raises ValidationError."""
        validate_line(email)
        return str(super().clean_email(email))
