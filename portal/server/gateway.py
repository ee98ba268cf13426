"""One request through a WSGI application, by the standard library's handler."""

import sys
from collections.abc import Mapping
from typing import IO, Any
from urllib.parse import unquote_to_bytes
from wsgiref.handlers import BaseHandler
from wsgiref.headers import Headers
from wsgiref.types import WSGIApplication

from portal.server.outbox import Outbox

Scope = Mapping[str, Any]


def answer(application: WSGIApplication, scope: Scope, body: IO[bytes], outbox: Outbox) -> None:
    """Run the application in this thread and put its answer into the outbox."""
    try:
        _Handler(environ(scope), body, outbox).run(application)
    finally:
        outbox.end()


def environ(scope: Scope) -> dict[str, Any]:
    """The WSGI variables of an ASGI request: bytes of the address and headers as they came, one character for each."""
    host, port = scope.get("server") or ("localhost", 80)
    variables = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(scope["raw_path"]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": host,
        "SERVER_PORT": str(port or 80),
        "REMOTE_ADDR": scope["client"][0] if scope.get("client") else "",
    }
    for name, value in scope["headers"]:
        # An underscore would make a header pass for another one: x_forwarded_for for x-forwarded-for.
        if b"_" in name:
            continue
        key = name.decode("latin-1").upper().replace("-", "_")
        key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
        text = value.decode("latin-1")
        joint = "; " if key == "HTTP_COOKIE" else ","
        variables[key] = f"{variables[key]}{joint}{text}" if key in variables else text
    return variables


class _Handler(BaseHandler):
    """Where the standard library's handler reads from and writes to."""

    # The library makes them for each request; its stubs leave them out.
    environ: dict[str, Any]
    status: str
    headers: Headers

    http_version = "1.1"
    wsgi_multithread = True
    wsgi_multiprocess = True
    os_environ: dict[str, str] = {}

    def __init__(self, variables: dict[str, Any], body: IO[bytes], outbox: Outbox) -> None:
        self._variables = variables
        self._body = body
        self._outbox = outbox

    def add_cgi_vars(self) -> None:
        self.environ.update(self._variables)

    def get_stdin(self) -> Any:
        return self._body

    def get_stderr(self) -> Any:
        return sys.stderr

    def send_headers(self) -> None:
        self.cleanup_headers()
        self.headers_sent = True
        # Django writes a blank before each cookie, which h11 refuses.
        fields = [
            (name.lower().encode("latin-1"), value.strip().encode("latin-1"))
            for name, value in self.headers.items()
        ]
        self._outbox.start(int(self.status.split()[0]), fields)

    def _write(self, data: bytes) -> None:
        self._outbox.put(data)

    def _flush(self) -> None:
        pass
