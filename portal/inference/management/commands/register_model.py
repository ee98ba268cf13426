"""`manage.py register_model`: make the repository's model version known to the portal."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from portal.inference import services


class Command(BaseCommand):
    help = "Register a model version from its card in the model repository; new cases go to it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--name", default=settings.MODEL_NAME)
        parser.add_argument("--model-version", type=int, default=settings.MODEL_VERSION)
        parser.add_argument(
            "--inactive", action="store_true", help="register it without sending new cases to it"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        path = Path(settings.MODEL_REPOSITORY) / options["name"] / "model_card.json"
        try:
            card = json.loads(path.read_text())
        except FileNotFoundError as error:
            raise CommandError(
                f"There is no model card at {path}. Set MODEL_REPOSITORY and MODEL_NAME."
            ) from error
        if card["version"] != options["model_version"]:
            raise CommandError(
                f"The card describes version {card['version']}, not {options['model_version']}."
            )
        version = services.register_version(
            name=options["name"],
            version=card["version"],
            sha256=card["sha256"],
            labels=card["classes"],
            outlier_threshold=card["outlier_threshold"],
            card=card,
            activate=not options["inactive"],
        )
        self.stdout.write(
            f"{version}, weights {version.sha256[:12]}, {'active' if version.is_active else 'inactive'}"
        )
