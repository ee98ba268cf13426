"""What commands about one account share."""

from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError

from portal.accounts.models import User
from portal.accounts.selectors import user_with_address


class AccountCommand(BaseCommand):
    """A command whose first argument is the address that an account signs in with."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")

    def account(self, email: str) -> User:
        """The account with this address. Raises CommandError."""
        user = user_with_address(email)
        if user is None:
            raise CommandError(f"There is no account with the address {email}.")
        return user
