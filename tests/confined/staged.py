"""A server whose jobs misbehave, within small bounds: ``python -m tests.confined.staged NAME``."""

import os
import signal
import sys
import time
from pathlib import Path

from confined.bounds import Bounds
from confined.child import IsLarge, Refused, Work
from confined.server import Server, listen

MEGABYTE = 1024 * 1024
BOUNDS = Bounds(
    at_once=3,
    large_at_once=1,
    small_mb=64,
    large_mb=160,
    seconds=int(os.environ.get("STAGED_SECONDS", "60")),
    clock=float(os.environ.get("STAGED_CLOCK", "120")),
    most_waiting=2,
    patience=30.0,
    file_mb=8,
)


def copy(work: Work) -> int:
    content = work.source.read()
    work.targets[0].write(content)
    return len(content)


def take(work: Work) -> bool:
    """Takes so many megabytes; whether as a large job."""
    held = bytearray(work.arguments["mb"] * MEGABYTE)
    return work.is_large and bool(held)


def wait(work: Work) -> int:
    """Writes its process id and waits until the file ``until`` is there; its process id."""
    if work.arguments.get("large") and not work.is_large:
        raise IsLarge
    Path(work.arguments["started"]).write_text(str(os.getpid()))
    while not Path(work.arguments["until"]).exists():
        time.sleep(0.02)
    return os.getpid()


def spin(work: Work) -> None:
    while True:
        pass


def die(work: Work) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def refuse(work: Work) -> None:
    raise Refused({"words": "not this one"})


def fail(work: Work) -> None:
    raise ZeroDivisionError


def fill(work: Work) -> None:
    while True:
        work.targets[0].write(bytes(MEGABYTE))


JOBS = {job.__name__: job for job in (copy, take, wait, spin, die, refuse, fail, fill)}

if __name__ == "__main__":
    folder = Path(os.environ["CONFINED_SOCKETS"])
    Server(listen(folder / f"{sys.argv[1]}.sock"), JOBS, BOUNDS).serve()
