"""API clients with real tokens: one for each of the people, and the case they ask about."""

import uuid

import pytest
from rest_framework.test import APIClient

from portal.accounts.models import Laboratory, User
from portal.accounts.tokens import issue_token
from portal.cases.models import Case
from tests.documents import Document
from tests.factories import draft
from tests.portal.kinds import (
    ApiResponse,
    ClientFor,
    Clients,
    IsProblem,
    PageResponse,
    People,
    PersonClient,
    Sent,
)


@pytest.fixture
def client_for() -> ClientFor:
    """Return a function: person -> API client that sends a token of theirs."""

    def make(user: User) -> PersonClient:
        client = PersonClient(HTTP_AUTHORIZATION=f"Bearer {issue_token(user)[1]}")
        client.user = user
        return client

    return make


@pytest.fixture
def clients(people: People, client_for: ClientFor) -> Clients:
    """A client for each of ``people``, and ``anonymous`` without a token."""
    signed_in = {name: client_for(person) for name, person in vars(people).items()}
    return Clients(anonymous=APIClient(), **signed_in)


@pytest.fixture
def draft_case(people: People, lab: Laboratory) -> Case:
    """A draft with one photograph."""
    return draft(people.submitter, lab)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    """The tasks that were handed to the broker: the only thing that is staged about Celery."""
    messages: Sent = []
    monkeypatch.setattr(
        "portal.inference.sending.app.send_task",
        lambda name, args, **options: messages.append((name, args)),
    )
    return messages


def is_problem(response: ApiResponse | PageResponse, status: int, code: str | None = None) -> Document:
    """Check that the response is a problem document of this status and return it."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    body: Document = response.json()
    assert set(body) == {"type", "title", "status", "detail", "code", "errors"}
    assert body["status"] == status
    assert body["detail"]
    assert all(isinstance(messages, list) for messages in body["errors"].values())
    if code is not None:
        assert body["code"] == code
    return body


@pytest.fixture(name="is_problem")
def is_problem_() -> IsProblem:
    return is_problem


@pytest.fixture
def unknown_id() -> uuid.UUID:
    return uuid.UUID("00000000-0000-4000-8000-000000000000")
