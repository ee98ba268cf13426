"""`manage.py issue_token EMAIL`: a bearer token for a script or an instrument."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal.accounts.selectors import user_with_address
from portal.accounts.tokens import issue_token
from portal.errors import DomainError


class Command(BaseCommand):
    """Prints a bearer token and nothing else."""

    help = "Print a new API token of a person. It is shown this once; the database keeps only its hash."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Whose token, its name and how long it holds."""
        parser.add_argument("email")
        parser.add_argument(
            "--name", default="", help="what the token is called in the person's list of them"
        )
        parser.add_argument("--days", type=int, help="how long the token holds (default: API_TOKEN_DAYS, 90)")

    def handle(self, *args: Any, email: str, name: str, days: int | None, **options: Any) -> None:
        """Issue the token."""
        user = user_with_address(email)
        if user is None or not user.is_active:
            raise CommandError(f"There is no active account with the address {email}.")
        try:
            row, token = issue_token(user, name=name, days=days)
        except DomainError as error:
            raise CommandError(error.message) from error
        self.stdout.write(token)
        self.stderr.write(f"{row.name}: for {user}, until {row.expiry:%Y-%m-%d}.")
