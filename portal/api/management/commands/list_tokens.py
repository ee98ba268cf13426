"""`manage.py list_tokens EMAIL`: a person's API tokens, without the tokens themselves."""

from typing import Any

from portal.accounts.commands import AccountCommand
from portal.accounts.tokens import tokens_of


class Command(AccountCommand):
    """Lists a person's tokens by name."""

    help = "List the API tokens of a person: name, day made, last use, day of its end."

    def handle(self, *args: Any, email: str, **options: Any) -> None:
        """Print one line for each token."""
        for row in tokens_of(self.account(email)):
            used = f"{row.last_used_at:%Y-%m-%d %H:%M} UTC" if row.last_used_at else "never"
            ends = f"{row.expiry:%Y-%m-%d}" if row.expiry else "never"
            self.stdout.write(f"{row.name}  made {row.created:%Y-%m-%d}, last used {used}, ends {ends}")
