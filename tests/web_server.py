"""The web server as a process of its own, on the test database."""

import http.client
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from django.conf import settings
from django.db import connection

from embedded.process import bind_to_parent
from embedded.settings import ROOT
from embedded.state import free_port
from tests.live import wait_for

MEGABYTE = 1024 * 1024


@dataclass
class Server:
    port: int
    process: psutil.Process

    def resident(self) -> float:
        """Megabytes that the largest of the processes holds."""
        family = [self.process, *self.process.children(recursive=True)]
        return max(process.memory_info().rss for process in family) / MEGABYTE

    def clients(self) -> int:
        """Connections that the server has open to clients."""
        ours = (one for one in self.process.net_connections("tcp") if one.laddr.port == self.port)
        return sum(one.status != psutil.CONN_LISTEN for one in ours)

    def get(self, path: str, timeout: float = 10.0) -> http.client.HTTPResponse:
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        client.request("GET", path)
        return client.getresponse()


@contextmanager
def serving(folder: Path, root: Path = ROOT, **environment: str) -> Iterator[Server]:
    """``python -m portal.server`` of the source in ``root``, with one process of two threads.

    Needs a test with ``transaction=True``.
    """
    database, port = connection.settings_dict, free_port()
    address = f"{database['USER']}:{database['PASSWORD']}@{database['HOST']}:{database['PORT']}"
    process = subprocess.Popen(
        [sys.executable, "-m", "portal.server"],
        env={
            **os.environ,
            "DATABASE_URL": f"postgres://{address}/{database['NAME']}",
            "MEDIA_ROOT": str(settings.MEDIA_ROOT),
            "ALLOWED_HOSTS": "127.0.0.1",
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "HEMALENS_WEB_WORKERS": "1",
            "HEMALENS_WEB_THREADS": "2",
            "TMPDIR": str(folder),
            **environment,
        },
        cwd=root,
        preexec_fn=bind_to_parent(signal.SIGTERM),
    )
    running = Server(port, psutil.Process(process.pid))
    try:
        wait_for(lambda: _is_live(running), "the server to start")
        yield running
    finally:
        process.terminate()
        process.wait(30)


def _is_live(server: Server) -> bool:
    try:
        return server.get("/health/live").status == http.client.OK
    except OSError:
        return False
