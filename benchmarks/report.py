"""Figures as people read them."""

from __future__ import annotations

import os
import platform
import statistics
from pathlib import Path
from typing import Any


def machine() -> str:
    """Processor, cores and load, without which no figure means anything."""
    cpu = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.processor(),
    )
    return f"{cpu}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before the start"


def spread(what: str, seconds: list[float], bar: float | None = None) -> dict[str, Any]:
    """A row with median, 95th percentile and extremes of measured times."""
    ordered = sorted(seconds)
    p95 = statistics.quantiles(ordered, n=20, method="inclusive")[-1] if len(ordered) > 1 else ordered[0]
    return {
        "what": what,
        "n": len(ordered),
        "median": round(statistics.median(ordered), 3),
        "p95": round(p95, 3),
        "least": round(ordered[0], 3),
        "most": round(ordered[-1], 3),
        "bar": bar if bar is not None else "",
    }


def table(title: str, rows: list[dict[str, Any]]) -> str:
    """A Markdown table of rows with the same keys."""
    heads = list(rows[0])
    lines = [heads, ["---"] * len(heads), *([str(row[head]) for head in heads] for row in rows)]
    return "\n".join([f"### {title}", "", *(f"| {' | '.join(line)} |" for line in lines), ""])


def _lines(path: str) -> list[str]:
    file = Path(path)
    return file.read_text().splitlines() if file.exists() else []
