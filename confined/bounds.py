"""What jobs may take; ``.env.example`` documents the settings."""

from collections.abc import Mapping
from dataclasses import dataclass

#: Seconds by the clock for each second of processor time.
CLOCK = 1.5


@dataclass(frozen=True)
class Bounds:
    """How many jobs at once, how many of them large; megabytes and processor seconds of one, its seconds by the clock,
    and megabytes of a file it writes; how many may wait, and for how many seconds.

    The clock is the machine's affair: a job that has not had its processor time by then may be asked for again.
    A job starts with ``small_mb`` and, if that is not enough, is run again with ``large_mb``.
    """

    at_once: int
    large_at_once: int
    small_mb: int
    large_mb: int
    seconds: int
    clock: float
    most_waiting: int = 32
    patience: float = 60.0
    file_mb: int = 1024


def of_pictures(environment: Mapping[str, str]) -> Bounds:
    """Raises ValueError naming the variable whose value cannot be used."""
    at_once = _whole(environment, "PICTURE_JOBS", 4)
    large = _whole(environment, "PICTURE_MEMORY_MB", 1088)
    return Bounds(
        at_once=at_once,
        large_at_once=min(2, at_once),
        small_mb=min(320, large),
        large_mb=large,
        seconds=(seconds := _whole(environment, "PICTURE_SECONDS", 60)),
        clock=CLOCK * seconds,
    )


def of_paper(environment: Mapping[str, str]) -> Bounds:
    """Raises ValueError naming the variable whose value cannot be used."""
    at_once = _whole(environment, "PAPER_JOBS", 2)
    memory = _whole(environment, "PAPER_MEMORY_MB", 512)
    return Bounds(
        at_once=at_once,
        large_at_once=at_once,
        small_mb=memory,
        large_mb=memory,
        seconds=(seconds := _whole(environment, "PAPER_SECONDS", 60)),
        clock=CLOCK * seconds,
    )


def _whole(environment: Mapping[str, str], name: str, default: int) -> int:
    value = environment.get(name, "").strip() or str(default)
    if not (value.isascii() and value.isdigit() and int(value) > 0):
        raise ValueError(f"{name} must be a whole number above 0, not {value!r}: set it again.")
    return int(value)
