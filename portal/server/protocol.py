"""uvicorn's HTTP/1.1 with bounds on slow headers, answers that nobody reads, and connections of one address."""

import asyncio
from collections import Counter
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from portal.server import bounds

_connections: Counter[str] = Counter()


class BoundedProtocol(H11Protocol):
    """One connection. What outlives its time is cut without an answer: its sender would not read one either."""

    _address = ""
    _headers_due: asyncio.TimerHandle | None = None
    _reading_due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        address = self.client[0] if self.client else ""
        if not bounds.BEHIND_PROXY and _connections[address] >= bounds.CONNECTIONS_PER_ADDRESS:
            self.logger.warning("connections.too_many")
            transport.abort()
            return
        self._address = address
        _connections[address] += 1
        self._await_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        self._have_headers()
        self._is_read()
        if self._address:
            _connections[self._address] -= 1
            if not _connections[self._address]:
                del _connections[self._address]
            self._address = ""
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._have_headers()
        elif self._headers_due is None:
            self._await_headers()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        # A closed connection would wait for ever for its last bytes to be taken.
        self.loop.call_later(bounds.READ_SECONDS, self._drop_unread)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._reading_due = self.loop.call_later(bounds.READ_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._is_read()

    def _is_read(self) -> None:
        if self._reading_due is not None:
            self._reading_due.cancel()
            self._reading_due = None

    def _await_headers(self) -> None:
        self._headers_due = self.loop.call_later(bounds.HEADER_SECONDS, self.transport.abort)

    def _have_headers(self) -> None:
        if self._headers_due is not None:
            self._headers_due.cancel()
            self._headers_due = None

    def _drop_unread(self) -> None:
        if self.transport.is_closing() and self.transport.get_write_buffer_size():
            self.transport.abort()
