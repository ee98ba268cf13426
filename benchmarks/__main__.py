"""``python -m benchmarks``: measure a running Hemalens, print Markdown tables and, with ``--json``, keep the figures.

Without arguments it measures the system that ``make run`` started on this machine. ``--url``, ``--token``,
``--email`` and ``--password`` name another one; the browser, memory, large photographs and
Triton's own throughput need the machine it runs on.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from benchmarks import large, latency, processes, screen, throughput
from benchmarks.instance import Instance
from benchmarks.report import machine, table
from tests.portal_client import Api, Browser

Rows = list[dict[str, Any]]
MEASUREMENTS = ("portal", "screen", "memory", "large", "triton")


def main() -> int:
    arguments = _parser().parse_args()
    instance = Instance.running(arguments.var) if not arguments.url else None
    if instance is None and not (
        arguments.url and arguments.token and arguments.email and arguments.password
    ):
        print(
            f"Nothing runs from {arguments.var}: `make run` first, or name --url, --token, --email, --password."
        )
        return 1
    results: dict[str, Any] = {"machine": machine()}
    print(f"\n{results['machine']}\n")
    if "portal" in arguments.only:
        results["portal"], results["cpu"] = _portal(arguments, instance)
    if "screen" in arguments.only and instance is not None:
        try:
            results["screen"] = screen.measure(instance.url, *instance.account, arguments.repeat)
            print(table("In a browser, seconds", results["screen"]))
        except FileNotFoundError as error:
            print(f"In a browser: not measured, {error}\n")
    if "memory" in arguments.only and instance is not None:
        results["memory"] = processes.memory(instance.processes)
        print(table("Memory, MB", results["memory"]))
    if "large" in arguments.only and instance is not None:
        results["large"] = _large(instance, arguments.repeat)
    if "triton" in arguments.only and instance is not None:
        results["triton"] = throughput.measure(instance.triton, instance.model, arguments.seconds)
        print(table(f"Triton, {instance.model}, photographs of 224 x 224", results["triton"]))
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n")
    return 0


def _portal(arguments: argparse.Namespace, instance: Instance | None) -> tuple[Rows, Rows]:
    if instance is not None:
        url, token, (email, password) = instance.url, instance.issue_token(), instance.account
    else:
        url, token, email, password = arguments.url, arguments.token, arguments.email, arguments.password
    running = instance.processes if instance is not None else {}
    before = processes.cpu_seconds(running)
    rows = latency.measure(Api(url, token), Browser(url, email, password), arguments.repeat)
    used = processes.cpu_rows(before, processes.cpu_seconds(running), latency.photographs(arguments.repeat))
    print(table("Portal, seconds", rows))
    if running:
        print(table("Processor time", used))
    return rows, used


def _large(instance: Instance, repeat: int) -> dict[str, Rows]:
    ordinary = large.ordinary(instance.sockets, repeat)
    print(table("An ordinary photograph, seconds", ordinary))
    api, browser = Api(instance.url, instance.issue_token()), Browser(instance.url, *instance.account)
    times, memory = large.measure(api, browser, instance.processes, instance.sockets)
    print(table("Photographs of 100 megapixels, seconds", times))
    print(table("Peak memory during the run, MB", memory))
    return {"ordinary": ordinary, "seconds": times, "memory": memory}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--var", type=Path, default=Path(os.environ.get("HEMALENS_VAR") or "var"))
    parser.add_argument("--url", help="address of a running portal")
    parser.add_argument("--token", help="API token of a submitter there (manage.py issue_token)")
    parser.add_argument("--email")
    parser.add_argument("--password")
    parser.add_argument("--repeat", type=int, default=20, help="photographs for the medians (default: 20)")
    parser.add_argument("--seconds", type=float, default=6.0, help="for each of Triton's rows (default: 6)")
    parser.add_argument(
        "--only", nargs="+", choices=MEASUREMENTS, default=list(MEASUREMENTS), help="default: all"
    )
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    return parser


if __name__ == "__main__":
    sys.exit(main())
