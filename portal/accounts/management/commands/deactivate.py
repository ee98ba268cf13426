"""`manage.py deactivate EMAIL`: close an account at once."""

from typing import Any

from portal.accounts.commands import AccountCommand
from portal.accounts.services import close_account


class Command(AccountCommand):
    help = "Close an account: sessions, API tokens and every right of an operator end; `reactivate` opens it again."

    def handle(self, *args: Any, email: str, **options: Any) -> None:
        user = self.account(email)
        close_account(user)
        self.stdout.write(f"The account of {user} is closed.")
