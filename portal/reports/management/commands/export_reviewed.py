"""`manage.py export_reviewed --out DIR`: signed cases as a data set that `python -m training` takes."""

import json
from argparse import ArgumentParser
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal.accounts.models import Laboratory
from portal.reports.exports.data_sets import ExportRefused, export_reviewed
from portal.reports.exports.reviewed import Selection


class Command(BaseCommand):
    help = (
        "Write the photographs of signed cases with the readers' labels for `python -m training … --reviewed DIR`. "
        "No pseudonym, note, name or accession number goes out. Prints a summary as JSON."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--out", type=Path, required=True, help="a new or empty folder, or an earlier export"
        )
        parser.add_argument("--laboratory", metavar="SLUG", help="only this laboratory's cases")
        parser.add_argument(
            "--since",
            type=date.fromisoformat,
            metavar="YYYY-MM-DD",
            help="signed or amended that day or later",
        )
        parser.add_argument(
            "--include-disputed",
            action="store_true",
            help="cases that were adjudicated or amended too; the manifest marks them",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        laboratory = None
        if slug := options["laboratory"]:
            laboratory = Laboratory.objects.filter(slug=slug).first()
            if laboratory is None:
                raise CommandError(f"There is no laboratory {slug}.")
        selection = Selection(laboratory, options["since"], options["include_disputed"])
        try:
            summary = export_reviewed(options["out"], selection)
        except ExportRefused as problem:
            raise CommandError(str(problem)) from problem
        self.stdout.write(json.dumps({"folder": str(options["out"]), **summary}, indent=2))
