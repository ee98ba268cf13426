"""What each part of a running system takes: memory, and processor time, which does not depend on the load."""

from __future__ import annotations

from typing import Any

import psutil

from tests.peaks import MEGABYTE, family


def memory(processes: dict[str, int]) -> list[dict[str, Any]]:
    """A row for each process with its children, in MB; ``pss`` counts shared pages once, so it adds up."""
    rows: list[dict[str, Any]] = [{"process": name, **_memory(pid)} for name, pid in processes.items()]
    total = {key: sum(row[key] for row in rows) for key in ("processes", "rss", "pss")}
    return [*rows, {"process": "all", **total}]


def cpu_seconds(processes: dict[str, int]) -> dict[str, float]:
    """Processor time each process and its children have used since they started."""
    return {name: sum(_used(member) for member in family(pid)) for name, pid in processes.items()}


def cpu_rows(before: dict[str, float], after: dict[str, float], photographs: int) -> list[dict[str, Any]]:
    """A row for each process: milliseconds of processor time a photograph, polling of the page included."""
    used = {name: 1000 * (after[name] - before[name]) / photographs for name in before}
    return [
        {"process": name, "ms a photograph": round(value)}
        for name, value in [*used.items(), ("all", sum(used.values()))]
    ]


def _memory(pid: int) -> dict[str, int]:
    members = family(pid)
    found = [member.memory_full_info() for member in members]
    return {
        "processes": len(members),
        "rss": sum(info.rss for info in found) // MEGABYTE,
        "pss": sum(info.pss for info in found) // MEGABYTE,
    }


def _used(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
