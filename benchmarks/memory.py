"""What each part of a running system holds in memory."""

from __future__ import annotations

from typing import Any

import psutil

MEGABYTE = 2**20


def measure(processes: dict[str, int]) -> list[dict[str, Any]]:
    """A row for each process with its children, in MB; ``pss`` counts shared pages once, so it adds up."""
    rows = [{"process": name, **_family(pid)} for name, pid in processes.items()]
    total = {key: sum(row[key] for row in rows) for key in ("processes", "rss", "pss")}
    return [*rows, {"process": "all", **total}]


def _family(pid: int) -> dict[str, int]:
    process = psutil.Process(pid)
    # The supervisor's children are listed by name.
    family = [process] if _is_supervisor(process) else [process, *process.children(recursive=True)]
    memory = [member.memory_full_info() for member in family]
    return {
        "processes": len(family),
        "rss": sum(info.rss for info in memory) // MEGABYTE,
        "pss": sum(info.pss for info in memory) // MEGABYTE,
    }


def _is_supervisor(process: psutil.Process) -> bool:
    return "embedded" in process.cmdline()
