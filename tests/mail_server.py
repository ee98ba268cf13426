"""A real mail server on loopback that takes, refuses or stalls, as a test asks."""

from __future__ import annotations

import contextlib
import socketserver
import threading
from collections.abc import Iterator


class _Session(socketserver.StreamRequestHandler):
    """Just enough of a mail server to take mail, to refuse a recipient, or to say nothing at all."""

    server: MailServer

    def handle(self) -> None:
        recipient = ""
        if self.server.stalls.is_set():
            self.server.asked.set()
            self.server.go_on.wait(60)
            return
        self._say("220 ready")
        while line := self.rfile.readline().decode().strip():
            verb = line[:4].upper()
            if verb == "DATA":
                self._say("354 go on")
                while self.rfile.readline() != b".\r\n":
                    pass
                self.server.taken.append(recipient)
            elif verb == "RCPT":
                recipient = line.partition("<")[2].rstrip(">")
                if recipient in self.server.refused:
                    self._say("550 no such person")
                    continue
            self._say("221 bye" if verb == "QUIT" else "250 ok")

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


class MailServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Session)
        self.taken: list[str] = []
        self.refused: set[str] = set()
        #: While set, who connects waits for a word that does not come; ``asked`` is set when somebody does.
        self.stalls, self.asked, self.go_on = threading.Event(), threading.Event(), threading.Event()


@contextlib.contextmanager
def serving(port: int) -> Iterator[MailServer]:
    """A mail server on a port of loopback, until the end of the block."""
    with MailServer(port) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.go_on.set()
            server.shutdown()
            thread.join()
