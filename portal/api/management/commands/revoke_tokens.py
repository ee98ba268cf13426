"""`manage.py revoke_tokens EMAIL`: end a person's API tokens, or one of them."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from portal.accounts.commands import AccountCommand
from portal.accounts.tokens import revoke_token, revoke_tokens, tokens_of


class Command(AccountCommand):
    """Ends a person's tokens."""

    help = "End every API token of a person at once, or the one of a name (`list_tokens` shows them)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Whose tokens; all of them, or the one of a name."""
        super().add_arguments(parser)
        parser.add_argument("--name", help="only the token of this name")

    def handle(self, *args: Any, email: str, name: str | None, **options: Any) -> None:
        """Revoke them and say how many there were."""
        user = self.account(email)
        if name is None:
            self.stdout.write(f"{revoke_tokens(user)} tokens of {user} are revoked.")
            return
        row = tokens_of(user).filter(name__iexact=name).first()
        if row is None:
            raise CommandError(f"{user} has no token called {name}.")
        revoke_token(user, row.public_id)
        self.stdout.write(f"The token {row.name} of {user} is revoked.")
