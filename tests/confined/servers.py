"""Servers of bounded processes for one test, beside those that the whole run of pytest shares."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from confined.client import Client, ServerGone, server_in
from embedded.settings import ROOT
from tests.live import wait_for


@contextlib.contextmanager
def started(name: str, folder: Path, *, module: str = "confined", **environment: str) -> Iterator[Client]:
    """``python -m MODULE NAME`` with its socket in ``folder``; its client, whose ``path`` tells where."""
    with running(name, folder, module=module, **environment):
        yield server_in(folder, name)


@contextlib.contextmanager
def running(
    name: str, folder: Path, *, module: str = "confined", **environment: str
) -> Iterator[subprocess.Popen[bytes]]:
    """The process of such a server, once it answers."""
    process = subprocess.Popen(
        [sys.executable, "-m", module, name],
        env={"PATH": os.environ["PATH"], "CONFINED_SOCKETS": str(folder), **environment},
        cwd=ROOT,
    )

    def answers() -> bool:
        assert process.poll() is None, "the server did not start"
        with contextlib.suppress(ServerGone):
            server_in(folder, name).ping()
            return True
        return False

    try:
        wait_for(answers, f"the server {name}")
        yield process
    finally:
        process.terminate()
        process.wait(20)
