"""`manage.py create_laboratory`: the first laboratory of an installation, or one more."""

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email

from portal.accounts import services
from portal.errors import DomainError


class Command(BaseCommand):
    help = "Open a laboratory and print the link with which its administrator sets a password."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the laboratory's name")
        parser.add_argument("--email", required=True, help="the administrator's address")
        parser.add_argument("--full-name", required=True, help="the administrator's name, as reports show it")

    def handle(self, *args: Any, name: str, email: str, full_name: str, **options: Any) -> None:
        try:
            validate_email(email)
            invitation = services.create_laboratory(name, email=email, full_name=full_name)
        except ValidationError as error:
            raise CommandError(f"{email} is not an e-mail address.") from error
        except DomainError as error:
            raise CommandError(error.message) from error
        self.stdout.write(services.invitation_url(invitation))
        self.stderr.write(f"Give this link to {full_name}; it holds until {invitation.expires_at:%Y-%m-%d}.")
