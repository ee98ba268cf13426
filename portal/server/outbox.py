"""An answer on its way from the thread that makes it to the client that reads it."""

import asyncio
import threading
from tempfile import SpooledTemporaryFile

from portal.server import bounds

Headers = list[tuple[bytes, bytes]]


class ReaderGoneError(ConnectionAbortedError):
    """Nobody reads the answer any more."""


class Outbox:
    """Takes an answer as fast as it is made and gives it as slowly as it is read; what lies between is on the disk."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._lock = threading.Lock()
        self._news = asyncio.Event()
        self._file = SpooledTemporaryFile(max_size=bounds.IN_MEMORY)  # noqa: SIM115 - closed by close()
        self._written = self._read = 0
        self._ended = self._gone = False
        self.started: tuple[int, Headers] | None = None

    # the thread's side

    def start(self, status: int, headers: Headers) -> None:
        self.started = (status, headers)
        self._tell()

    def put(self, data: bytes) -> None:
        """Add to the answer. Raises ReaderGoneError."""
        with self._lock:
            if self._gone:
                raise ReaderGoneError
            self._file.seek(self._written)
            self._file.write(data)
            self._written += len(data)
        self._tell()

    def end(self) -> None:
        self._ended = True
        self._tell()

    # the event loop's side

    async def take(self) -> bytes | None:
        """The next piece of the answer, b"" when only its head is there, None after its end."""
        while True:
            self._news.clear()
            ended = self._ended
            if data := self._next():
                return data
            if ended:
                return None
            await self._news.wait()

    def _next(self) -> bytes:
        with self._lock:
            if self._read == self._written:
                return b""
            self._file.seek(self._read)
            data = self._file.read(bounds.CHUNK)
            self._read += len(data)
            if self._read == self._written:
                self._read = self._written = 0
                self._file.seek(0)
                self._file.truncate()
            return data

    def close(self) -> None:
        """Forget the rest: the thread finds out when it puts more."""
        with self._lock:
            self._gone = True
            self._file.close()

    def _tell(self) -> None:
        self._loop.call_soon_threadsafe(self._news.set)
