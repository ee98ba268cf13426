"""A Valkey that is away, or takes connections and never answers."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

from portal.config import valkey


@dataclass
class DeadValkey:
    """Listens and stays silent (``stalling``), or does not listen (``refusing``); counts who came."""

    mode: str
    url: str = ""
    came: list[socket.socket] = field(default_factory=list)

    @contextlib.contextmanager
    def staged(self) -> Iterator[DeadValkey]:
        with socket.socket() as server:
            server.bind(("127.0.0.1", 0))
            self.url = f"redis://127.0.0.1:{server.getsockname()[1]}"
            if self.mode == "stalling":
                server.listen(50)
                threading.Thread(target=self._take, args=(server,), daemon=True).start()
            try:
                yield self
            finally:
                for connection in self.came:
                    connection.close()

    def _take(self, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                self.came.append(server.accept()[0])


def forget_failures() -> None:
    """As if a moment had passed since cache and broker last failed."""
    for breaker in (valkey.cache_breaker, valkey.broker_breaker):
        breaker.answered()
