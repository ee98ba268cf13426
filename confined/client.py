"""How the portal and its worker have work done within bounds. Imports nothing that reads pictures or makes paper."""

import os
import socket
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from confined import protocol
from confined.protocol import Failed

#: Seconds until a server that is being started again counts as gone.
RESTART_SECONDS = 8.0
#: Seconds after which no server answers any more, whatever it was set to; its own bounds come long before.
LONGEST_SECONDS = 300.0
#: Contents up to so many bytes are handed over from memory, as what is uploaded comes.
_COPIED = 64 * 1024


class JobFailed(Exception):
    """There is no result; ``why`` says what stood in the way."""

    def __init__(self, why: Failed) -> None:
        super().__init__(why.value)
        self.why = why


class JobRefused(Exception):
    """The job says what is wrong with its input; ``why`` is JSON."""

    def __init__(self, why: dict[str, Any]) -> None:
        super().__init__(str(why))
        self.why = why


class ServerGone(Exception):
    """The server cannot be reached, or does not answer."""


class ServerEnded(ServerGone):
    """The server was there and has ended before it answered."""


@dataclass(frozen=True, slots=True)
class Client:
    """A server's door at the socket ``path``. Safe to share between threads and across a fork."""

    path: Path

    def run(
        self,
        job: str,
        arguments: dict[str, Any],
        source: BinaryIO,
        targets: Sequence[BinaryIO] = (),
        patience: float | None = None,
    ) -> Any:
        """Have ``job`` read ``source`` and write ``targets`` (open files); its result.

        It may wait ``patience`` seconds to be started, at most as long as the server lets anybody wait.
        Jobs only read and compute, so one whose server ended in the middle is asked for once more.
        Raises JobRefused, JobFailed, ServerGone.
        """
        with _on_disk(source) as file:
            files = [file.fileno(), *(target.fileno() for target in targets)]
            answer = self._ask({"job": job, "arguments": arguments, "patience": patience}, files)
        if "refused" in answer:
            raise JobRefused(answer["refused"])
        if "failed" in answer:
            raise JobFailed(Failed(answer["failed"]))
        return answer["result"]

    def ping(self, timeout: float = 1.0) -> dict[str, int]:
        """How many jobs run and wait. Raises ServerGone."""
        result: dict[str, int] = self._ask_once({"job": ""}, [], 0.0, timeout)["result"]
        return result

    def _ask(self, message: protocol.Answer, files: Sequence[int]) -> protocol.Answer:
        """Ask, and once more where the server has ended in the middle: of the one that is started next."""
        try:
            return self._ask_once(message, files, RESTART_SECONDS, LONGEST_SECONDS)
        except ServerEnded:
            until = time.monotonic() + RESTART_SECONDS
        while True:
            try:
                return self._ask_once(message, files, until - time.monotonic(), LONGEST_SECONDS)
            except ServerEnded:  # at once: it was still the one that is ending
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)

    def _ask_once(
        self, message: protocol.Answer, files: Sequence[int], patience: float, timeout: float
    ) -> protocol.Answer:
        with self._connected(time.monotonic() + patience) as connection:
            connection.settimeout(timeout)
            try:
                protocol.send(connection, message, files)
                answer, _none = protocol.receive(connection)
            except TimeoutError as error:
                raise ServerGone(f"{self.path.name} does not answer") from error
            except (OSError, EOFError) as error:
                raise ServerEnded(f"{self.path.name}: {error}") from error
        return answer

    def _connected(self, until: float) -> socket.socket:
        while True:
            connection = protocol.new_socket()
            try:
                with protocol.address_of(self.path) as address:
                    connection.connect(address)
            except OSError as error:
                connection.close()
                if time.monotonic() > until:
                    raise ServerGone(f"{self.path.name}: {error}") from error
                time.sleep(0.1)
            else:
                return connection


class _on_disk:  # noqa: N801 - used as a function
    """The same content as a file of the system: itself, or a copy of what has none."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._copy: BinaryIO | None = None

    def __enter__(self) -> BinaryIO:
        try:
            self._source.fileno()
        except (OSError, AttributeError):
            self._copy = scratch()
            self._source.seek(0)
            while chunk := self._source.read(_COPIED):
                self._copy.write(chunk)
            self._copy.flush()
            return self._copy
        return self._source

    def __exit__(self, *error: object) -> None:
        if self._copy is not None:
            self._copy.close()


def scratch() -> BinaryIO:
    """An empty file without a name, for a job to write to; it is gone when it is closed."""
    return tempfile.TemporaryFile()


def server_in(folder: str | os.PathLike[str], name: str) -> Client:
    """The server ``name`` whose socket lies in ``folder``."""
    return Client(Path(folder) / f"{name}.sock")
