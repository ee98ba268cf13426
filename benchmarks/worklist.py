"""``python -m benchmarks.worklist``: what the worklist and a case page ask and take with 10 and with 10,000 cases.

Starts a PostgreSQL and a Valkey of its own in a temporary folder, fills them in bulk and asks for each page through
Django's test client: all of the portal runs, without the network and the browser. Nothing else has to run. The exit
status is 1 when a page asks more queries of the full database than of the small one.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from benchmarks.report import machine, table

if TYPE_CHECKING:
    from django.test import Client

ROOT = Path(__file__).resolve().parent.parent
FEW = 10

#: What is asked for, by whom; ``{case}`` is a case that waits to be read.
PAGES: tuple[tuple[str, str, str], ...] = (
    ("worklist", "submitter", "/cases/"),
    ("worklist", "reviewer", "/cases/"),
    ("worklist", "lab_admin", "/cases/"),
    ("to read, by urgency", "reviewer", "/cases/?stage=reading"),
    ("my cases", "reviewer", "/cases/?stage=mine"),
    ("reported, by priority", "reviewer", "/cases/?stage=reported&sort=priority"),
    ("search: accession", "reviewer", "/cases/?q=HL-2026-0000"),
    ("search: a word of notes", "reviewer", "/cases/?q=petechiae"),
    ("search: a word of signed comments", "reviewer", "/cases/?q=chromatin"),
    ("last page", "reviewer", "/cases/?page=9999"),
    ("case page", "reviewer", "/cases/{case}/"),
)


def main() -> int:
    arguments = _parser().parse_args()
    with _database() as environment:
        os.environ.update(environment)
        return _measure(arguments)


def _measure(arguments: argparse.Namespace) -> int:
    import django

    django.setup()
    from django.core.management import call_command

    from tests.many_cases import fill

    call_command("migrate", verbosity=0)
    laboratory, people = _people()
    submitters, reviewers = (
        [people["submitter"], people["reviewer"]],
        [people["reviewer"], people["reviewer2"]],
    )
    print(f"\n{machine()}\n")
    few = _ask_all(people, fill(laboratory, submitters, reviewers, FEW), arguments.repeat)
    began = perf_counter()
    cases = fill(laboratory, submitters, reviewers, arguments.cases - FEW)
    print(f"{len(cases)} cases added in {perf_counter() - began:.1f} s\n")
    _analyse()
    many = _ask_all(people, cases, arguments.repeat)
    rows = [
        {
            "page": name,
            "by": role,
            f"queries at {FEW}": few[name, role]["queries"],
            f"queries at {arguments.cases}": found["queries"],
            f"median at {FEW}, ms": few[name, role]["median"],
            f"median at {arguments.cases}, ms": found["median"],
            f"least at {arguments.cases}, ms": found["least"],
            f"most at {arguments.cases}, ms": found["most"],
        }
        for (name, role), found in many.items()
    ]
    print(table(f"Pages, {arguments.repeat} times each", rows))
    if arguments.json:
        arguments.json.write_text(json.dumps({"machine": machine(), "pages": rows}, indent=1) + "\n")
    grown = [key for key, found in many.items() if found["queries"] > few[key]["queries"]]
    if grown:
        print("More queries with more cases: " + ", ".join(f"{name} ({role})" for name, role in grown))
    return 1 if grown else 0


def _people() -> tuple[Any, dict[str, Any]]:
    from portal.accounts.models import Laboratory, Membership, User

    laboratory = Laboratory.objects.create(name="Benchmark", slug="benchmark")
    people = {}
    for name in ("submitter", "reviewer", "reviewer2", "lab_admin"):
        user = User.objects.create_user(f"{name}@benchmark.example", full_name=name.title())
        Membership.objects.create(user=user, laboratory=laboratory, role=name.removesuffix("2"))
        people[name] = user
    return laboratory, people


def _ask_all(people: dict[str, Any], cases: list[Any], repeat: int) -> dict[tuple[str, str], dict[str, Any]]:
    from django.test import Client

    waiting = next((case for case in cases if case.state == "awaiting_read"), cases[0])
    found = {}
    for name, role, address in PAGES:
        client = Client()
        client.force_login(people[role])
        found[name, role] = _ask(client, address.format(case=waiting.pk), repeat)
    return found


def _ask(client: Client, address: str, repeat: int) -> dict[str, Any]:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    _get(client, address)  # the first one compiles templates
    with CaptureQueriesContext(connection) as queries:
        _get(client, address)
    asked = len(queries)
    times = []
    for _number in range(repeat):
        began = perf_counter()
        _get(client, address)
        times.append(1000 * (perf_counter() - began))
    return {
        "queries": asked,
        "median": round(statistics.median(times), 1),
        "least": round(min(times), 1),
        "most": round(max(times), 1),
    }


def _get(client: Client, address: str) -> None:
    response = client.get(address)
    if response.status_code != 200:
        raise RuntimeError(f"{response.status_code} from {address}")


def _analyse() -> None:
    """Bring the planner's statistics up to date, as autovacuum would soon."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


@contextmanager
def _database() -> Iterator[dict[str, str]]:
    """The environment of a portal with an empty database of its own."""
    command = [sys.executable, "-m", "embedded", "--parent", str(os.getpid())]
    with tempfile.TemporaryDirectory(prefix="hemalens-benchmark-") as folder:
        process = subprocess.Popen(
            [*command, "--var", folder, "services", "--only", "postgres,valkey"],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                raise SystemExit(f"The services did not start (exit code {process.wait()}): see above.")
            yield {
                **json.loads(line),
                "DJANGO_SETTINGS_MODULE": "portal.config.settings",
                "SECRET_KEY": "only-for-measuring",
                "MEDIA_ROOT": f"{folder}/media",
                "STATIC_ROOT": str(ROOT / "staticfiles"),
                "ALLOWED_HOSTS": "testserver",
                "LOG_LEVEL": "ERROR",
            }
        finally:
            process.terminate()
            process.wait(60)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.worklist", description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000, help="default: 10000")
    parser.add_argument("--repeat", type=int, default=20, help="requests for each median (default: 20)")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    return parser


if __name__ == "__main__":
    sys.exit(main())
