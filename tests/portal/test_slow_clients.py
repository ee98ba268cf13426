"""Clients that send or read slowly, or not at all, hold no thread, and are cut after their time."""

import http.client
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import monotonic

import pytest
from pytest_django.fixtures import Settings

from embedded.settings import ROOT
from portal.accounts.models import Laboratory
from portal.accounts.tokens import issue_token
from portal.server.gateway import environ
from tests.factories import draft
from tests.live import wait_for
from tests.portal.kinds import People
from tests.web_server import MEGABYTE, Server, serving

#: What a stalled client sends before it falls silent. The headers break off, the bodies are of a form and of JSON.
STALLED = {
    "nothing": b"",
    "headers": b"POST /account/login/ HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: a",
    "form": (
        b"POST /account/login/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        b"Content-Length: 900\r\n\r\nlogin="
    ),
    "upload": (
        b"POST /api/v1/cases/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: multipart/form-data; boundary=b\r\n"
        b"Content-Length: 9000000\r\n\r\n--b\r\n"
    ),
    "chunks": (
        b"POST /api/v1/cases/ HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"
    ),
}
SHORT = {
    "WEB_HEADER_SECONDS": "4",
    "WEB_STALL_SECONDS": "4",
    "WEB_READ_SECONDS": "4",
    "WEB_BODY_SECONDS": "6",
    "WEB_CONNECTIONS_PER_ADDRESS": "80",
}


@pytest.fixture
def server(transactional_db: None, tmp_path: Path, settings: Settings) -> Iterator[Server]:
    settings.MEDIA_ROOT = tmp_path / "media"
    with serving(tmp_path, ROOT, **SHORT) as running:
        yield running


@contextmanager
def silent(server: Server, sent: bytes, count: int = 1) -> Iterator[list[socket.socket]]:
    """Connections that sent so much and nothing more."""
    with ExitStack() as stack:
        clients = []
        for _ in range(count):
            client = stack.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.settimeout(30)
            client.connect(("127.0.0.1", server.port))
            client.sendall(sent)
            clients.append(client)
        yield clients


def promptly(server: Server) -> None:
    """A page that asks the database answers; a thread that waited for a stalled client would not."""
    began = monotonic()
    answer = server.get("/account/login/")
    assert answer.status == 200
    assert b"</html>" in answer.read()
    assert monotonic() - began < 10


def until_closed(client: socket.socket) -> bytes:
    """Everything the server says until it closes the connection."""
    received = b""
    try:
        while piece := client.recv(65536):
            received += piece
    except ConnectionResetError:
        pass
    return received


def test_stalled_senders_hold_nobody_up_and_are_cut(server: Server) -> None:
    with ExitStack() as stack:
        stalled = {name: stack.enter_context(silent(server, sent, 12)) for name, sent in STALLED.items()}
        for _ in range(3):
            promptly(server)
        answers = {
            name: {until_closed(client)[:12] for client in clients} for name, clients in stalled.items()
        }
    assert answers.pop("chunks") == {b"HTTP/1.1 411"}
    assert answers == {
        "nothing": {b""},
        "headers": {b""},
        "form": {b"HTTP/1.1 408"},
        "upload": {b"HTTP/1.1 408"},
    }
    promptly(server)


def test_a_body_that_trickles_is_cut_in_the_end(server: Server) -> None:
    with silent(server, STALLED["form"]) as (client,):
        client.settimeout(1)
        answer = b""
        for _ in range(20):
            client.send(b"a")
            try:
                answer = client.recv(4096)
            except TimeoutError:
                continue
            break
        assert answer.startswith(b"HTTP/1.1 408")


def test_answers_that_nobody_reads_hold_nobody_up(server: Server, people: People, lab: Laboratory) -> None:
    image = draft(people.submitter, lab).images.get()
    with open(image.file.path, "wb") as file:
        file.truncate(12 * MEGABYTE)
    _row, token = issue_token(people.submitter)
    path = f"/api/v1/cases/{image.case_id}/images/{image.pk}/file/"
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    with silent(server, request, 6) as readers:
        heads = [client.recv(12) for client in readers]
        assert heads == [b"HTTP/1.1 200"] * 6
        promptly(server)
        wait_for(lambda: not server.clients(), "the readers to be cut", 30)
    # Whoever reads gets all of it.
    client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    client.request("GET", path, headers={"Authorization": f"Bearer {token}"})
    assert len(client.getresponse().read()) == 12 * MEGABYTE


def test_one_address_has_a_bounded_number_of_connections(server: Server) -> None:
    with silent(server, b"", int(SHORT["WEB_CONNECTIONS_PER_ADDRESS"])), silent(server, b"GET") as (further,):
        assert until_closed(further) == b""
    wait_for(lambda: _answers(server), "connections to be taken again", 20)


def _answers(server: Server) -> bool:
    try:
        return server.get("/health/live").status == http.client.OK
    except OSError:
        return False


def test_a_request_reaches_the_portal_as_it_was_sent() -> None:
    scope = {
        "method": "GET",
        "raw_path": b"/cases/%FF%00",
        "query_string": b"q=%E2%80%AE",
        "http_version": "1.1",
        "server": ("127.0.0.1", 8000),
        "client": ("192.0.2.7", 50000),
        "headers": [
            (b"content-type", b"text/plain"),
            (b"x-forwarded-for", b"198.51.100.1"),
            (b"x_forwarded_for", b"203.0.113.9"),
            (b"cookie", b"a=1"),
            (b"cookie", b"b=2"),
        ],
    }
    variables = environ(scope)
    assert variables["PATH_INFO"] == "/cases/\xff\x00"
    assert variables["QUERY_STRING"] == "q=%E2%80%AE"
    assert variables["REMOTE_ADDR"] == "192.0.2.7"
    assert variables["HTTP_X_FORWARDED_FOR"] == "198.51.100.1"
    assert variables["HTTP_COOKIE"] == "a=1; b=2"
    assert variables["CONTENT_TYPE"] == "text/plain"
