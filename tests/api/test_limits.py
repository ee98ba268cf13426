"""Uploads that are far too large, against a real server process: the sender gets the answer, memory stays small."""

import http.client
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from time import monotonic, sleep

import psutil
import pytest
from django.db import connection

from embedded.process import bind_to_parent
from embedded.settings import ROOT
from portal.api.authentication import issue_token
from tests.factories import draft

MEGABYTE = 1024 * 1024
PART = b'--b\r\nContent-Disposition: form-data; name="file"; filename="slide.tif"\r\n\r\n'
END = b"\r\n--b--\r\n"

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass
class Server:
    port: int
    process: psutil.Process

    def resident(self) -> float:
        """Megabytes that the largest of the processes holds."""
        family = [self.process, *self.process.children(recursive=True)]
        return max(process.memory_info().rss for process in family) / MEGABYTE


@pytest.fixture
def server(tmp_path) -> Iterator[Server]:
    """gunicorn with the portal on the test database."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        database = connection.settings_dict
        address = f"{database['USER']}:{database['PASSWORD']}@{database['HOST']}:{database['PORT']}"
        environment = os.environ | {
            "DATABASE_URL": f"postgres://{address}/{database['NAME']}",
            "MEDIA_ROOT": str(tmp_path / "media"),
            "ALLOWED_HOSTS": "127.0.0.1",
        }
        command = [sys.executable, "-m", "gunicorn", "portal.config.wsgi:application"]
        size = ["--worker-class", "gthread", "--workers", "1", "--threads", "2"]
        process = subprocess.Popen(
            [*command, *size, "--bind", f"fd://{listening.fileno()}"],
            env=environment,
            cwd=ROOT,
            pass_fds=[listening.fileno()],
            preexec_fn=bind_to_parent(signal.SIGTERM),
        )
        try:
            running = Server(listening.getsockname()[1], psutil.Process(process.pid))
            wait_until_live(running.port)
            yield running
        finally:
            process.terminate()
            process.wait(30)


def wait_until_live(port: int) -> None:
    deadline = monotonic() + 60
    while True:
        try:
            client = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            client.request("GET", "/health/live")
            assert client.getresponse().status == 200
        except OSError:
            assert monotonic() < deadline, "the server did not start"
            sleep(0.1)
        else:
            return


def upload(
    client: http.client.HTTPConnection, path: str, token: str, megabytes: int
) -> http.client.HTTPResponse:
    """Send a file of zeros, all of it, before looking at any answer, as many clients do."""
    client.putrequest("POST", path)
    client.putheader("Authorization", f"Bearer {token}")
    client.putheader("Content-Type", "multipart/form-data; boundary=b")
    client.putheader("Content-Length", str(len(PART) + megabytes * MEGABYTE + len(END)))
    client.endheaders()
    client.send(PART)
    for _ in range(megabytes):
        client.send(bytes(MEGABYTE))
    client.send(END)
    return client.getresponse()


@pytest.mark.parametrize(("megabytes", "code"), [(300, b"request_too_large"), (60, b"file_too_large")])
def test_the_sender_of_a_giant_gets_the_answer(server, people, lab, megabytes, code):
    case, (_row, token) = draft(people.submitter, lab), issue_token(people.submitter)
    path = f"/api/v1/cases/{case.pk}/images/"
    client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    client.request("GET", path, headers={"Authorization": f"Bearer {token}"})
    before = client.getresponse().read()
    resident = server.resident()

    answer = upload(client, path, token, megabytes)
    assert (answer.status, answer.getheader("Content-Type")) == (413, "application/problem+json")
    body = answer.read()
    assert code in body
    assert b"50 MB" in body
    assert server.resident() - resident < 30

    # The connection goes on, and nothing was lost.
    client.request("GET", path, headers={"Authorization": f"Bearer {token}"})
    assert client.getresponse().read() == before


def test_a_body_in_chunks_is_not_taken_as_empty(server, people, lab):
    case, (_row, token) = draft(people.submitter, lab), issue_token(people.submitter)
    client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "multipart/form-data; boundary=b"}
    body = iter([PART, bytes(MEGABYTE), END])
    client.request("POST", f"/api/v1/cases/{case.pk}/images/", body, headers, encode_chunked=True)
    answer = client.getresponse()
    assert (answer.status, answer.getheader("Content-Type")) == (411, "application/problem+json")
    assert b"Content-Length" in answer.read()
