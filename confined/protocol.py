"""How client and server communicate: one message each way on a UNIX socket, JSON and open files.

The request is ``{"job": name, "arguments": {...}, "patience": seconds}``, its first file what is read, the others what
is written; who has the least patience left goes first. The answer is ``{"result": ...}``, ``{"refused": {...}}`` with
what the job says against its input, or ``{"failed": why}`` with one of `Failed`. An empty job name asks whether the
server lives.
"""

import json
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO

#: Bytes of one message; files carry whatever is large.
LONGEST_MESSAGE = 128 * 1024
MOST_FILES = 4
#: What the name of a socket may have, with room below the kernel's 108 bytes.
LONGEST_NAME = 100

Answer = dict[str, Any]


class Failed(StrEnum):
    """Why a job ended without a result."""

    MEMORY = "memory"  # it took more than one job may
    TIME = "time"  # likewise, of the processor
    BUSY = "busy"  # too many were waiting, or for too long, or the machine is too slow at the moment
    UNAVAILABLE = "unavailable"  # what the job needs is not installed
    BROKEN = "broken"  # its process died, or the program is wrong


def send(connection: socket.socket, message: Answer, files: Sequence[int] = ()) -> None:
    """Send one message together with open files. Raises ValueError when it is too long, OSError."""
    content = json.dumps(message).encode()
    if len(content) > LONGEST_MESSAGE:
        raise ValueError(f"a message of {len(content)} bytes")
    socket.send_fds(connection, [content], files)


def receive(connection: socket.socket) -> tuple[Answer, list[int]]:
    """The next message and its files, which are the caller's to close. Raises EOFError, ValueError, OSError."""
    content, files, _flags, _address = socket.recv_fds(connection, LONGEST_MESSAGE, MOST_FILES)
    try:
        if not content:
            raise EOFError("the other side has closed the connection")
        message = json.loads(content)
        if not isinstance(message, dict):
            raise ValueError("not a message of ours")
    except BaseException:
        close(files)
        raise
    return message, files


def close(files: Sequence[int]) -> None:
    for file in files:
        os.close(file)


def new_socket() -> socket.socket:
    """Messages keep their bounds, so none is ever half there."""
    return socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)


@contextmanager
def address_of(path: Path) -> Iterator[str]:
    """What to bind or connect to for a socket at ``path``, whose name may be longer than the kernel takes."""
    if len(os.fsencode(path)) <= LONGEST_NAME:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


class Bundle:
    """Several contents in one file, one after the other; ``index`` has the length of each."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.index: list[int] = []

    def add(self, content: bytes) -> None:
        self._file.write(content)
        self.index.append(len(content))


def unbundle(file: BinaryIO, index: Sequence[int]) -> Iterator[bytes]:
    """The contents that a `Bundle` wrote, in order."""
    file.seek(0)
    for length in index:
        yield file.read(length)
