"""The system that ``make run`` started on this machine: its address, an account, a token, its processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parent.parent
SUBMITTER = "submitter@demo.example"


@dataclass(frozen=True)
class Instance:
    """What ``run.json`` and the accounts file in the instance's folder say."""

    var: Path
    state: dict[str, Any]

    @classmethod
    def running(cls, var: Path) -> Instance | None:
        """The instance in this folder, None when none runs."""
        file = var / "run.json"
        state = json.loads(file.read_text()) if file.exists() else {}
        alive = state.get("state") == "ready" and psutil.pid_exists(state["pid"])
        return cls(var, state) if alive else None

    @property
    def url(self) -> str:
        return str(self.state["address"])

    @property
    def triton(self) -> str:
        return str(self.state["environment"]["TRITON_GRPC_URL"])

    @property
    def model(self) -> str:
        """The name of the model it serves."""
        return str(self.state["environment"]["MODEL_NAME"])

    @property
    def sockets(self) -> Path:
        """Where the servers of bounded processes listen."""
        return Path(self.state["environment"]["CONFINED_SOCKETS"])

    @property
    def processes(self) -> dict[str, int]:
        """Process ids by name."""
        named = {name: process["pid"] for name, process in self.state["processes"].items() if process["pid"]}
        return {**named, "supervisor": self.state["pid"]}

    @property
    def account(self) -> tuple[str, str]:
        """Address and password of the demo submitter."""
        lines = (line.split() for line in (self.var / "demo-accounts.txt").read_text().splitlines())
        return SUBMITTER, next(words[1] for words in lines if words and words[0] == SUBMITTER)

    def issue_token(self) -> str:
        done = subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), "issue_token", SUBMITTER, "--days", "1"],
            env={**os.environ, **self.state["environment"]},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()
