"""A whole running system for the browser, fault and smoke tests, and the handles to disturb it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import psutil

from embedded.control import ask
from embedded.settings import ROOT
from embedded.state import VarFolder

START_TIMEOUT = 240.0

T = TypeVar("T")


def wait_for(condition: Callable[[], T | None], what: str, timeout: float = 60.0, *, pause: float = 0.2) -> T:
    """Poll until ``condition`` gives something true and return it. Raises TimeoutError naming ``what``."""
    deadline = time.monotonic() + timeout
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {timeout:.0f} s in vain for {what}")
        time.sleep(pause)


@dataclass
class LiveSystem:
    """A running ``python -m embedded run``. Process names: postgres, valkey, triton, worker, beat, web."""

    var: VarFolder
    supervisor: subprocess.Popen[str]
    output: Path

    @classmethod
    @contextlib.contextmanager
    def started(cls, folder: Path, **environment: str) -> Iterator[LiveSystem]:
        """Start a system with its state in ``folder`` on a free port; stop it at the end."""
        folder.parent.mkdir(parents=True, exist_ok=True)
        output = folder.parent / "output.txt"
        given = {name: value for name, value in os.environ.items() if name not in OF_THE_TESTS}
        with output.open("w") as file:
            supervisor = subprocess.Popen(
                [sys.executable, "-m", "embedded", "--parent", str(os.getpid()), "run"],
                env={**given, "HEMALENS_VAR": str(folder), "PORT": "0", **environment},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                text=True,
                cwd=ROOT,
            )
        system = cls(VarFolder(folder), supervisor, output)
        try:
            system.wait_started()
            yield system
        finally:
            system.shut_down()

    def wait_started(self) -> None:
        """Wait until all processes are healthy; fails with the system's own words when it gives up."""

        def is_up() -> bool:
            if self.supervisor.poll() is not None:
                raise AssertionError(f"the system did not start:\n{self.output.read_text()}")
            return bool(self.state().get("state") == "ready")

        wait_for(is_up, "the system to start", START_TIMEOUT)

    def shut_down(self) -> int:
        """Stop the system in order and return its exit code."""
        self.supervisor.terminate()
        return self.supervisor.wait(90)

    def state(self) -> dict[str, Any]:
        """The content of ``run.json``."""
        return self.var.read_run()

    @property
    def base_url(self) -> str:
        return str(self.state()["address"])

    @property
    def environment(self) -> dict[str, str]:
        """DATABASE_URL, BROKER_URL, TRITON_GRPC_URL, … of this system."""
        return dict(self.state()["environment"])

    @property
    def accounts(self) -> dict[str, str]:
        """Passwords of the demo accounts by e-mail address."""
        lines = (line.split() for line in self.var.accounts_file.read_text().splitlines())
        return {words[0]: words[1] for words in lines if len(words) >= 2 and "@" in words[0]}

    def process(self, name: str) -> dict[str, Any]:
        """pid, state, restarts, started_at, memory_mb and log of one process."""
        return dict(self.state()["processes"][name])

    def pid(self, name: str) -> int:
        return int(self.process(name)["pid"])

    def log(self, name: str) -> str:
        return Path(self.process(name)["log"]).read_text(errors="replace")

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Send a signal to a process, which is started again when it dies of it; returns the pid it had."""
        pid = self.pid(name)
        os.kill(pid, number)
        return pid

    def kill_and_keep_down(self, name: str) -> None:
        """Kill a process the hard way; it stays down until ``start``."""
        ask(self.var, "kill", name)

    def stop(self, name: str) -> None:
        """Stop a process in order; it stays down until ``start``."""
        ask(self.var, "stop", name)

    def start(self, name: str) -> None:
        """Start a process that was stopped and wait until it is ready."""
        ask(self.var, "start", name)

    def wait_ready(self, name: str, other_than: int | None = None, timeout: float = 90.0) -> int:
        """Wait until a process is ready, with another pid than ``other_than``; returns its pid."""

        def ready() -> int:
            process = self.process(name)
            is_new = process["pid"] and process["pid"] != other_than and psutil.pid_exists(process["pid"])
            return int(process["pid"]) if process["state"] == "ready" and is_new else 0

        return int(wait_for(ready, f"{name} to be ready", timeout))


#: Variables of the tests' own services, which a system of its own must not inherit.
OF_THE_TESTS = (
    *("DATABASE_URL", "BROKER_URL", "CACHE_URL", "TRITON_GRPC_URL", "TRITON_HTTP_URL", "HEMALENS_JOIN"),
    *("SECRET_KEY", "MEDIA_ROOT", "STATIC_ROOT", "HEMALENS_TEST_VAR", "HEMALENS_VAR", "PORT", "DEBUG"),
)
