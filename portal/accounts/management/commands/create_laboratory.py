"""`manage.py create_laboratory`: the first laboratory of an installation, or one more."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal import fonts
from portal.accounts import services
from portal.errors import DomainError


class Command(BaseCommand):
    help = "Open a laboratory and print the link with which its administrator joins."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the laboratory's name")
        parser.add_argument("--email", required=True, help="the administrator's address")

    def handle(self, *args: Any, name: str, email: str, **options: Any) -> None:
        try:
            invitation, link = services.create_laboratory(name, email=email)
        except DomainError as error:
            raise CommandError(error.message) from error
        self.stdout.write(link)
        if words := fonts.warning([invitation.laboratory.name]):
            self.stderr.write(words)
        self.stderr.write(
            f"Give this link to {invitation.email}; it holds until {invitation.expires_at:%Y-%m-%d}."
        )
