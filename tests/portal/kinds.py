"""What the portal's fixtures give, by type, and how a test says that something is there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias, TypeVar

from django.core.mail import EmailMessage
from django.http import HttpResponse
from pytest_django.fixtures import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks
from rest_framework.response import Response
from rest_framework.test import APIClient

from portal.accounts.models import User
from tests.documents import Document

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse
    from rest_framework.response import _MonkeyPatchedResponse

    #: What a test's client and a test's API client return: a response with ``json()``, ``context`` and the like.
    PageResponse: TypeAlias = _MonkeyPatchedWSGIResponse
    ApiResponse: TypeAlias = _MonkeyPatchedResponse
else:
    PageResponse, ApiResponse = HttpResponse, Response

#: The tasks that were handed to the broker, by name, with their arguments.
Sent: TypeAlias = list[tuple[str, list[object]]]

Mails: TypeAlias = list[EmailMessage]
OnCommit: TypeAlias = DjangoCaptureOnCommitCallbacks
Queries: TypeAlias = DjangoAssertNumQueries

T = TypeVar("T")


def present(thing: T | None) -> T:
    """The thing, which has to be there."""
    assert thing is not None
    return thing


@dataclass
class People:
    """One person per role of a laboratory, and ``stranger``, a reviewer of another one."""

    submitter: User
    reviewer: User
    lab_admin: User
    stranger: User


class PersonClient(APIClient):
    """An API client that sends a token of ``user``."""

    user: User


@dataclass
class Clients:
    """A client for each of ``People``, and ``anonymous`` without a token."""

    anonymous: APIClient
    submitter: PersonClient
    reviewer: PersonClient
    lab_admin: PersonClient
    stranger: PersonClient


#: Person -> API client that sends a token of theirs.
ClientFor: TypeAlias = Callable[[User], PersonClient]


class IsProblem(Protocol):
    """Checks that a response is a problem document of this status, and returns it."""

    def __call__(
        self, response: ApiResponse | PageResponse, status: int, code: str | None = None
    ) -> Document: ...
