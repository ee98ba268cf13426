"""The most memory that processes take while something goes on, children that come and go included. Linux only."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path

import psutil

MEGABYTE = 2**20

#: Seconds between two looks at processes that live for a job only.
_PAUSE = 0.1


@dataclass
class Peak:
    """Megabytes: of the process that held most, and of all together as far as was looked at one moment; the most
    children at once."""

    largest: float = 0.0
    together: float = 0.0
    children: int = 0


@dataclass
class Peaks:
    """Watches processes and their children from ``with`` to its end; ``found`` has a `Peak` for each name.

    The kernel keeps each process's largest resident set (VmHWM), so nothing short is missed as long as the process is
    seen at all. What all hold together is counted in proportional sets: shared pages once.
    """

    processes: dict[str, int]
    found: dict[str, Peak] = field(default_factory=dict)
    _ended: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Peaks:
        self.found = {name: Peak() for name in self.processes}
        for pid in self.processes.values():
            for member in family(pid):
                # VmHWM restarts (proc_pid_clear_refs(5)).
                Path(f"/proc/{member.pid}/clear_refs").write_text("5")
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        self._look()

    def _watch(self) -> None:
        while not self._ended.wait(_PAUSE):
            self._look()

    def _look(self) -> None:
        for name, pid in self.processes.items():
            try:
                members = family(pid)
            except psutil.NoSuchProcess:  # killed and restarted under another id
                continue
            peak = self.found[name]
            sizes = [size for member in members if (size := _memory(member.pid))]
            peak.largest = max([peak.largest, *(most for most, _share in sizes)])
            peak.together = max(peak.together, sum(share for _most, share in sizes))
            peak.children = max(peak.children, len(members) - 1)


def family(pid: int) -> list[psutil.Process]:
    """A process and its children, whose names are not those of others. Raises psutil.NoSuchProcess."""
    process = psutil.Process(pid)
    # The supervisor's children are listed by name.
    return [process] if "embedded" in process.cmdline() else [process, *process.children(recursive=True)]


def _memory(pid: int) -> tuple[float, float] | None:
    """The largest resident set of a process so far and its proportional set now, MB; None when it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except (OSError, ProcessLookupError):
        return None
    most, share = _kilobytes(status, "VmHWM:"), _kilobytes(rollup, "Pss:")
    return (most * 1024 / MEGABYTE, share * 1024 / MEGABYTE)


def _kilobytes(text: str, name: str) -> int:
    return next((int(line.split()[1]) for line in text.splitlines() if line.startswith(name)), 0)
