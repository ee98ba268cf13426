"""`manage.py revoke_tokens EMAIL`: end every API token of a person."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal.accounts.models import User
from portal.api.authentication import revoke_tokens


class Command(BaseCommand):
    help = "End every API token of a person at once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")

    def handle(self, *args: Any, email: str, **options: Any) -> None:
        user = User.objects.filter(email__iexact=email).first()
        if user is None:
            raise CommandError(f"There is no account with the address {email}.")
        self.stdout.write(f"{revoke_tokens(user)} tokens of {user} are revoked.")
