"""One job in a process of its own: what it may use, and how its end is reported."""

import ctypes
import logging
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from confined import protocol
from confined.bounds import Bounds
from confined.protocol import Failed

log = logging.getLogger("confined")

MEGABYTE = 1024 * 1024
#: Exit codes of a child; any other, or a signal, means that it broke.
DONE, OUT_OF_MEMORY, IS_LARGE = 0, 64, 65
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_LIBC = ctypes.CDLL(None, use_errno=True)


class Refused(Exception):
    """What a job has against its input, in JSON, for who asked."""

    def __init__(self, why: dict[str, Any]) -> None:
        super().__init__(str(why))
        self.why = why


class Unavailable(Exception):
    """What the job needs is not installed on this machine."""


class IsLarge(Exception):
    """The job will take more memory than the small jobs get."""


@dataclass(frozen=True)
class Work:
    """A job's arguments and files: what it reads, what it writes, and whether it has the memory of a large one."""

    arguments: dict[str, Any]
    source: BinaryIO
    targets: list[BinaryIO]
    is_large: bool


#: A job gives back JSON of a few kilobytes. It may raise Refused, Unavailable, IsLarge, MemoryError.
Job = Callable[[Work], Any]


@dataclass(eq=False)
class Request:
    """A request as it came: the connection to answer on, what is asked, and the open files that are its own."""

    connection: socket.socket
    job: str
    arguments: dict[str, Any]
    files: list[int]
    #: Until when it may wait to be started, in monotonic seconds.
    until: float
    is_large: bool = False

    def close(self) -> None:
        protocol.close(self.files)
        self.connection.close()


def do(jobs: Mapping[str, Job], request: Request, memory: int, bounds: Bounds, parent: int) -> NoReturn:
    """Do the request within ``memory`` bytes beyond what the server has, answer it, and end this process.

    What is the server's alone has to be closed before: who asks would find it open when the server has ended.
    """
    code = 1
    try:
        _confine(memory, bounds, parent)
        code = _answer(jobs[request.job], request)
    except MemoryError:
        code = OUT_OF_MEMORY
    except BaseException:
        log.exception("job %s failed", request.job)
    finally:
        sys.stderr.flush()
        os._exit(code)


def _confine(memory: int, bounds: Bounds, parent: int) -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # the server died before this was set
        os._exit(1)
    _LIBC.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(name, signal.SIG_DFL)
    signal.set_wakeup_fd(-1)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    written = bounds.file_mb * MEGABYTE
    resource.setrlimit(resource.RLIMIT_FSIZE, (written, written))
    resource.setrlimit(resource.RLIMIT_CPU, (bounds.seconds, bounds.seconds + 2))
    whole = _address_space() + memory
    resource.setrlimit(resource.RLIMIT_AS, (whole, whole))


def _address_space() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize()


def _answer(job: Job, request: Request) -> int:
    source = os.fdopen(os.dup(request.files[0]), "rb")
    targets: list[BinaryIO] = [os.fdopen(os.dup(file), "wb") for file in request.files[1:]]
    source.seek(0)
    for file in targets:  # an earlier try may have written to it
        file.seek(0)
        file.truncate()
    answer: protocol.Answer
    try:
        answer = {"result": job(Work(request.arguments, source, targets, request.is_large))}
        for file in targets:
            file.flush()
    except Refused as refused:
        answer = {"refused": refused.why}
    except Unavailable as error:
        log.error("%s", error)
        answer = {"failed": Failed.UNAVAILABLE}
    except IsLarge:
        return IS_LARGE
    protocol.send(request.connection, answer)
    return DONE
