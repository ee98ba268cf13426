"""`manage.py reactivate EMAIL`: open an account that was closed."""

from typing import Any

from portal.accounts.commands import AccountCommand
from portal.accounts.services import open_account


class Command(AccountCommand):
    help = "Open a closed account again, with the password of before. The rights of an operator do not come back."

    def handle(self, *args: Any, email: str, **options: Any) -> None:
        user = self.account(email)
        open_account(user)
        self.stdout.write(f"The account of {user} is open again.")
        if not user.memberships.filter(is_active=True).exists():
            self.stderr.write("It belongs to no laboratory: invite its owner.")
