"""`manage.py issue_token EMAIL`: a bearer token for a script or an instrument."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal.accounts.models import User
from portal.api.authentication import issue_token


class Command(BaseCommand):
    help = "Print a new API token of a person. It is shown this once; the database keeps only its hash."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--days", type=int, help="how long the token holds (default: API_TOKEN_DAYS, 90)")

    def handle(self, *args: Any, email: str, days: int | None, **options: Any) -> None:
        if days is not None and days < 1:
            raise CommandError("--days has to be 1 or more.")
        user = User.objects.filter(email__iexact=email, is_active=True).first()
        if user is None:
            raise CommandError(f"There is no active account with the address {email}.")
        row, token = issue_token(user, days=days)
        self.stdout.write(token)
        if row.expiry:
            self.stderr.write(f"For {user}, until {row.expiry:%Y-%m-%d}.")
