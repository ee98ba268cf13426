"""`manage.py register_model`: make the repository's model version known to the portal."""

import json
import subprocess
import sys
from argparse import ArgumentParser
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pghistory
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from portal.inference import versions
from portal.inference.models import ModelVersion

#: What a card has to state for its version to be registered.
NEEDED = ("version", "sha256", "classes", "outlier_threshold")


class Command(BaseCommand):
    help = (
        "Register a model version from its card in the model repository; new cases go to it, and cases that wait for "
        "another version. A version whose gate has not passed is refused."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--name", default=settings.MODEL_NAME)
        parser.add_argument(
            "--model-version", type=int, default=settings.MODEL_VERSION, help="default: the card's version"
        )
        parser.add_argument(
            "--inactive", action="store_true", help="register it without sending new cases to it"
        )
        parser.add_argument(
            "--run-gate",
            action="store_true",
            help="measure first (python -m training gate); needs torch and the photographs on this machine",
        )
        parser.add_argument(
            "--despite-gate",
            metavar="REASON",
            default="",
            help="activate it although its gate has not passed; the reason is shown on the model's page",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        folder = Path(settings.MODEL_REPOSITORY) / options["name"]
        card = _card(folder, options["name"], options["model_version"])
        number = card["version"]
        if options["run_gate"]:
            self._run_gate(folder, number)
        gate = _gate(folder, number)
        despite = options["despite_gate"].strip() or _known_to_miss(folder, card, gate)
        try:
            with pghistory.context(command="register_model"):
                version = versions.register_version(
                    options["name"],
                    card,
                    gate=gate,
                    despite_gate=despite,
                    activate=not options["inactive"],
                )
        except versions.GateNotPassed as problem:
            raise CommandError(
                f"{options['name']} version {number} was not activated: {problem} What was in use stays in use. Run "
                f"`python -m training gate {number}` where torch and the photographs are, or give a reason with "
                "--despite-gate; --inactive registers the version without using it."
            ) from problem
        except ValueError as problem:
            raise CommandError(str(problem)) from problem
        self.stdout.write(
            f"{version}, weights {version.sha256[:12]}, {'active' if version.is_active else 'inactive'}"
        )
        if version.is_active and version.despite_gate:
            self.stderr.write(f"{version} is used despite its gate: {version.despite_gate}")

    def _run_gate(self, folder: Path, number: int) -> None:
        """Measure the version in a process of its own: the portal imports neither training nor torch."""
        for package in ("training", "torch"):
            if find_spec(package) is None:
                raise CommandError(
                    f"The gate cannot be run here: the package {package} is not installed with the portal. Run "
                    f"`python -m training gate {number}` where it is, and put gate.json next to the weights."
                )
        result = folder / str(number) / "gate.json"
        before = result.stat().st_mtime_ns if result.exists() else None
        command = [sys.executable, "-m", "training", "gate", str(number), "--model", str(folder)]
        # Its progress and complaints go to this command's own standard error; the figures are in gate.json.
        ended = subprocess.run(command, cwd=settings.BASE_DIR, stdout=subprocess.DEVNULL, check=False)
        after = result.stat().st_mtime_ns if result.exists() else None
        if ended.returncode not in (0, 1) or after in (None, before):
            raise CommandError(
                f"The gate ended with status {ended.returncode} and without a new {result}; what went wrong is "
                "shown above. Nothing was registered."
            )


def _card(folder: Path, name: str, number: int | None) -> dict[str, Any]:
    """The card of the wanted version, by default of the one the repository describes."""
    path = folder / "model_card.json"
    card = _json(path)
    if card is None:
        raise CommandError(f"There is no model card at {path}. Set MODEL_REPOSITORY and MODEL_NAME.")
    if number is not None and card.get("version") != number:
        # An earlier version can be taken up again: its card is kept with it in the database.
        known = ModelVersion.objects.filter(name=name, version=number).first()
        if known is None:
            raise CommandError(f"The card describes version {card.get('version')}, not {number}.")
        card = known.card
    missing = [key for key in NEEDED if key not in card]
    if missing:
        raise CommandError(f"The model card {path} lacks {', '.join(missing)}.")
    if card.get("name", name) != name:
        raise CommandError(f"The model card {path} is that of {card['name']}, not of {name}.")
    return card


def _gate(folder: Path, number: int) -> dict[str, Any] | None:
    return _json(folder / str(number) / "gate.json")


def _known_to_miss(folder: Path, card: dict[str, Any], gate: dict[str, Any] | None) -> str:
    """The reason that ``despite_gate.json`` next to the weights gives, if it names every criterion that failed.

    It says which criteria the delivered version misses and why it is used even so; a failure that is
    not named there still stops the version.
    """
    if not gate or gate.get("weights_sha256") != card["sha256"]:
        return ""
    stated = _json(folder / str(card["version"]) / "despite_gate.json") or {}
    failed = {one.get("key") for one in gate.get("criteria", []) if one.get("passed") is not True}
    return str(stated.get("reason", "")) if failed and failed <= set(stated.get("criteria", [])) else ""


def _json(path: Path) -> dict[str, Any] | None:
    """A JSON object from a file, None where there is no file. Raises CommandError when it is not one."""
    try:
        content = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise CommandError(f"{path} is not JSON: {error}.") from error
    if not isinstance(content, dict):
        raise CommandError(f"{path} holds no JSON object.")
    return content
