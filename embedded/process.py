"""One child process: how it is started, watched and stopped."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)
_LOG_LIMIT = 2 * 2**20
_LOGS_KEPT = 3


@dataclass(frozen=True)
class Spec:
    """How to run one process.

    ``ready`` is asked whether the process does its work; it must answer within about two seconds and raise
    nothing. ``explain`` tells from a process (None once it ended) and its output so far what is broken beyond
    recovery, as a sentence, or "". ``death_signal`` is what the kernel sends when the supervisor itself is killed,
    ``clean_up`` removes what a killed process leaves. What stops first has the highest ``stage``. Once ready, a
    process may fail to answer for ``patience`` before it is started again, without one for ever. Times are in
    seconds.
    """

    name: str
    command: Sequence[str]
    ready: Callable[[], bool]
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGTERM
    stop_grace: float = 10.0
    start_timeout: float = 60.0
    patience: float | None = None
    before_start: Callable[[], None] = lambda: None
    stage: int = 0
    clean_up: Callable[[], None] = lambda: None
    explain: Callable[[psutil.Process | None, str], str] = lambda process, output: ""


def bind_to_parent(death_signal: signal.Signals) -> Callable[[], None]:
    """A ``preexec_fn``: have the kernel send ``death_signal`` to the child when this process dies."""
    parent = os.getpid()

    def preexec() -> None:
        if not die_with(parent, death_signal):
            os._exit(1)

    return preexec


def die_with(parent: int, death_signal: signal.Signals) -> bool:
    """Have the kernel send this process ``death_signal`` when ``parent`` dies; False when it is dead already."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, death_signal)
    return os.getppid() == parent


def rotate(log: Path) -> None:
    """Move a log that has grown large aside, keeping the last few."""
    if not log.exists() or log.stat().st_size < _LOG_LIMIT:
        return
    for number in range(_LOGS_KEPT - 1, 0, -1):
        older = log.with_name(f"{log.name}.{number}")
        if older.exists():
            older.replace(log.with_name(f"{log.name}.{number + 1}"))
    log.replace(log.with_name(f"{log.name}.1"))


class Child:
    """A process started from a Spec, in a session of its own, with its output in a log."""

    def __init__(self, spec: Spec, log: Path) -> None:
        self.spec = spec
        self.log = log
        self.started_at = 0.0
        self._log_start = 0
        self._group: int | None = None
        self._popen: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        return self._popen.pid if self._popen is not None and self._popen.returncode is None else None

    def start(self) -> None:
        self.spec.before_start()
        rotate(self.log)
        with self.log.open("ab") as output:
            self._log_start = output.tell()
            self._popen = subprocess.Popen(
                self.spec.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.spec.folder,
                env=dict(self.spec.environment),
                start_new_session=True,
                preexec_fn=bind_to_parent(self.spec.death_signal),
            )
        self._group = self._popen.pid
        self.started_at = time.time()

    def exit_code(self) -> int | None:
        """The exit code of a process that ended, None while it runs or was never started."""
        return None if self._popen is None else self._popen.poll()

    def family(self) -> list[psutil.Process]:
        """The process and all its descendants."""
        try:
            process = psutil.Process(self.pid) if self.pid is not None else None
            return [process, *process.children(recursive=True)] if process else []
        except psutil.NoSuchProcess:
            return []

    def memory_mb(self) -> int:
        """Memory of the process and its descendants in megabytes; pages they share count once."""
        total = 0
        for process in self.family():
            try:
                total += process.memory_full_info().pss
            except psutil.Error:
                continue
        return total // 2**20

    def output(self, lines: int = 12) -> str:
        """The last lines the process wrote since it was last started, or ""."""
        if not self.log.exists():
            return ""
        with self.log.open("rb") as file:
            file.seek(max(self._log_start, self.log.stat().st_size - 32_768))
            return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])

    def explain(self) -> str:
        """Why the process is not ready, as far as its Spec can tell."""
        family = self.family()
        try:
            return self.spec.explain(family[0] if family else None, self.output(80))
        except psutil.NoSuchProcess:  # it ended while we looked
            return ""

    def ask_to_stop(self) -> None:
        """Send the stop signal; the process has ``spec.stop_grace`` seconds from now."""
        if self._popen is not None and self._popen.poll() is None:
            self._popen.send_signal(self.spec.stop_signal)

    def finish(self, descendants: Sequence[psutil.Process], deadline: float) -> None:
        """Wait until ``deadline`` (monotonic seconds), then kill what is left of it and ``descendants``."""
        if self._popen is None:
            return
        try:
            self._popen.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()
        self._end_group()
        _, left = psutil.wait_procs(list(descendants), timeout=1.0)
        for process in left:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        psutil.wait_procs(left, timeout=5.0)

    def _end_group(self) -> None:
        """Kill what outlived the process in its group: nobody can list its descendants once it is gone."""
        if self._group is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._group, signal.SIGKILL)
        self._group = None  # the number may be given to others from now on
        self.spec.clean_up()

    def kill(self) -> None:
        """End the process and its descendants at once."""
        self.finish(self.family()[1:], time.monotonic())

    def stop(self) -> None:
        """Ask, wait, and kill what is left."""
        descendants = self.family()[1:]
        self.ask_to_stop()
        self.finish(descendants, time.monotonic() + self.spec.stop_grace)
