"""API clients with real tokens: one for each of the people, and the case they ask about."""

import uuid
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from rest_framework.test import APIClient

from portal.accounts.models import User
from portal.accounts.tokens import issue_token
from tests.factories import draft

ClientFor = Callable[[User], APIClient]


@pytest.fixture
def client_for() -> ClientFor:
    """Return a function: person -> API client that sends a token of theirs."""

    def make(user: User) -> APIClient:
        client = APIClient(HTTP_AUTHORIZATION=f"Bearer {issue_token(user)[1]}")
        client.user = user
        return client

    return make


@pytest.fixture
def clients(people, client_for) -> SimpleNamespace:
    """A client for each of ``people``, and ``anonymous`` without a token."""
    signed_in = {name: client_for(person) for name, person in vars(people).items()}
    return SimpleNamespace(anonymous=APIClient(), **signed_in)


@pytest.fixture
def draft_case(people, lab):
    """A draft with one photograph."""
    return draft(people.submitter, lab)


@pytest.fixture
def sent(monkeypatch) -> list[tuple[str, list]]:
    """The tasks that were handed to the broker: the only thing that is staged about Celery."""
    messages: list[tuple[str, list]] = []
    monkeypatch.setattr(
        "portal.inference.sending.app.send_task",
        lambda name, args, **options: messages.append((name, args)),
    )
    return messages


def is_problem(response, status: int, code: str | None = None) -> dict:
    """Check that the response is a problem document of this status and return it."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    body = response.json()
    assert set(body) == {"type", "title", "status", "detail", "code", "errors"}
    assert body["status"] == status
    assert body["detail"]
    assert all(isinstance(messages, list) for messages in body["errors"].values())
    if code is not None:
        assert body["code"] == code
    return body


@pytest.fixture(name="is_problem")
def is_problem_() -> Callable[..., dict]:
    return is_problem


@pytest.fixture
def unknown_id() -> uuid.UUID:
    return uuid.UUID("00000000-0000-4000-8000-000000000000")
