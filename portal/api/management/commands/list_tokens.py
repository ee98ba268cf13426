"""`manage.py list_tokens EMAIL`: a person's API tokens, without the tokens themselves."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal.accounts.models import User
from portal.accounts.tokens import tokens_of


class Command(BaseCommand):
    help = "List the API tokens of a person: name, day made, last use, day of its end."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")

    def handle(self, *args: Any, email: str, **options: Any) -> None:
        user = User.objects.filter(email__iexact=email).first()
        if user is None:
            raise CommandError(f"There is no account with the address {email}.")
        for row in tokens_of(user):
            used = f"{row.last_used_at:%Y-%m-%d %H:%M} UTC" if row.last_used_at else "never"
            ends = f"{row.expiry:%Y-%m-%d}" if row.expiry else "never"
            self.stdout.write(f"{row.name}  made {row.created:%Y-%m-%d}, last used {used}, ends {ends}")
