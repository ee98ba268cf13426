"""`manage.py deactivate EMAIL`: close an account at once."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal.accounts.selectors import user_with_address
from portal.accounts.services import close_account


class Command(BaseCommand):
    help = "Close an account: sessions, API tokens and every right of an operator end; `reactivate` opens it again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")

    def handle(self, *args: Any, email: str, **options: Any) -> None:
        user = user_with_address(email)
        if user is None:
            raise CommandError(f"There is no account with the address {email}.")
        close_account(user)
        self.stdout.write(f"The account of {user} is closed.")
