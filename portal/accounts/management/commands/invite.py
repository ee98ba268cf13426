"""`manage.py invite EMAIL`: an invitation without mail, for the operator to hand over."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal.accounts.choices import Role
from portal.accounts.invitations import invite_by_operator
from portal.accounts.models import Laboratory
from portal.errors import DomainError


class Command(BaseCommand):
    help = (
        "Print the link of a new invitation. One that is open gets a new link; the one before stops working."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument(
            "--laboratory", required=True, help="its short name, as in the address of the page Users"
        )
        parser.add_argument("--role", required=True, choices=Role.values)

    def handle(self, *args: Any, email: str, laboratory: str, role: str, **options: Any) -> None:
        house = Laboratory.objects.filter(slug=laboratory).first()
        if house is None:
            known = ", ".join(Laboratory.objects.values_list("slug", flat=True)) or "none yet"
            raise CommandError(f"There is no laboratory {laboratory}. There are: {known}.")
        try:
            invitation, link = invite_by_operator(email=email, laboratory=house, role=role)
        except DomainError as error:
            raise CommandError(error.message) from error
        self.stdout.write(link)
        self.stderr.write(
            f"Give this link to {invitation.email} and nobody else; it holds until {invitation.expires_at:%Y-%m-%d}."
        )
