"""`manage.py seed_demo`: a demo laboratory with one account per role."""

import os
import secrets
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction

from portal.accounts.choices import Role
from portal.accounts.models import Laboratory, Membership, User

ACCOUNTS: tuple[tuple[str, str, Role, bool], ...] = (
    ("submitter@demo.example", "Sam Submitter", Role.SUBMITTER, False),
    ("reviewer@demo.example", "Rosa Reviewer", Role.REVIEWER, False),
    ("reviewer2@demo.example", "Ravi Reviewer", Role.REVIEWER, False),
    ("reviewer3@demo.example", "Rita Reviewer", Role.REVIEWER, False),
    ("labadmin@demo.example", "Lena Labadmin", Role.LAB_ADMIN, False),
    ("admin@demo.example", "Ada Admin", Role.LAB_ADMIN, True),
)


class Command(BaseCommand):
    help = "Make the demo laboratory and one account per role; their passwords go into a file that only you can read."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--accounts-file", type=Path, required=True, help="where the passwords are kept")

    @transaction.atomic
    def handle(self, *args: Any, accounts_file: Path, **options: Any) -> None:
        laboratory, _ = Laboratory.objects.get_or_create(
            slug="demo", defaults={"name": "Demo Haematology Laboratory"}
        )
        known = self._read(accounts_file)
        for email, name, role, superuser in ACCOUNTS:
            user = User.objects.filter(email=email).first() or User(email=email, full_name=name)
            user.is_superuser = user.is_staff = superuser
            # A password that is in the file still holds; without one the account gets a new one.
            if email not in known or user.pk is None:
                known.setdefault(email, secrets.token_urlsafe(12))
                user.set_password(known[email])
            user.save()
            Membership.objects.get_or_create(user=user, laboratory=laboratory, defaults={"role": role})
        self._write(accounts_file, known)
        # What is written out here lands in a log.
        self.stdout.write(f"{len(known)} demo accounts; their passwords are in {accounts_file}")

    @staticmethod
    def _read(path: Path) -> dict[str, str]:
        if not path.exists():
            return {}
        lines = (line.split() for line in path.read_text().splitlines())
        return {parts[0]: parts[1] for parts in lines if len(parts) == 2}

    @staticmethod
    def _write(path: Path, accounts: dict[str, str]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.writelines(f"{email}  {password}\n" for email, password in accounts.items())
        path.chmod(0o600)
