"""Requests to a running supervisor, passed as small files: no port, no socket path that may be too long."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from embedded.errors import EmbeddedError
from embedded.state import VarFolder, write_private_json

_REQUEST, _ANSWER = ".request", ".answer"


@dataclass(frozen=True)
class Request:
    """Asks for ``start``, ``stop``, ``restart`` or ``kill`` of the process ``name``."""

    action: str
    name: str
    answer_file: Path

    def answer(self, done: bool, message: str) -> None:
        write_private_json(self.answer_file, {"done": done, "message": message})


def waiting_requests(folder: Path) -> Iterator[Request]:
    """Take the requests that wait in ``folder``."""
    for file in sorted(folder.glob(f"*{_REQUEST}")):
        content = json.loads(file.read_text())
        file.unlink()
        yield Request(content["action"], content["name"], file.with_suffix(_ANSWER))


def ask(var: VarFolder, action: str, name: str, timeout: float = 300.0) -> str:
    """Have the running supervisor carry out ``action`` and return its answer, a sentence.

    Raises EmbeddedError when nothing runs, the supervisor refuses, or no answer comes in ``timeout`` seconds.
    """
    if not var.is_running():
        raise EmbeddedError(f"Hemalens does not run from {var.path}: start it with 'make run'.")
    request = var.control / f"{time.time_ns()}-{uuid.uuid4().hex}{_REQUEST}"
    answer = request.with_suffix(_ANSWER)
    write_private_json(request, {"action": action, "name": name})
    deadline = time.monotonic() + timeout
    while not answer.exists():
        if time.monotonic() > deadline or not var.is_running():
            request.unlink(missing_ok=True)
            raise EmbeddedError(f"The running Hemalens did not answer '{action} {name}': see 'make status'.")
        time.sleep(0.1)
    content = json.loads(answer.read_text())
    answer.unlink()
    if not content["done"]:
        raise EmbeddedError(content["message"])
    return str(content["message"])
