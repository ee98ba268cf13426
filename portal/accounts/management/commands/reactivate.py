"""`manage.py reactivate EMAIL`: open an account that was closed."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal.accounts.selectors import user_with_address
from portal.accounts.services import open_account


class Command(BaseCommand):
    help = "Open a closed account again, with the password of before. The rights of an operator do not come back."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")

    def handle(self, *args: Any, email: str, **options: Any) -> None:
        user = user_with_address(email)
        if user is None:
            raise CommandError(f"There is no account with the address {email}.")
        open_account(user)
        self.stdout.write(f"The account of {user} is open again.")
        if not user.memberships.filter(is_active=True).exists():
            self.stderr.write("It belongs to no laboratory: invite its owner.")
