"""Uploads that are far too large, against a real server process: the sender gets the answer, memory stays small."""

import http.client
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.accounts.models import Laboratory
from portal.accounts.tokens import issue_token
from tests.factories import draft
from tests.portal.kinds import People
from tests.web_server import MEGABYTE, Server, serving

PART = b'--b\r\nContent-Disposition: form-data; name="file"; filename="slide.tif"\r\n\r\n'
END = b"\r\n--b--\r\n"

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with serving(tmp_path) as running:
        yield running


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
def test_the_sender_of_a_giant_gets_the_answer(
    server: Server, people: People, lab: Laboratory, megabytes: int, code: bytes
) -> None:
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


def test_a_body_in_chunks_is_not_taken_as_empty(server: Server, people: People, lab: Laboratory) -> None:
    case, (_row, token) = draft(people.submitter, lab), issue_token(people.submitter)
    client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "multipart/form-data; boundary=b"}
    body = iter([PART, bytes(MEGABYTE), END])
    client.request("POST", f"/api/v1/cases/{case.pk}/images/", body, headers, encode_chunked=True)
    answer = client.getresponse()
    assert (answer.status, answer.getheader("Content-Type")) == (411, "application/problem+json")
    assert b"Content-Length" in answer.read()
