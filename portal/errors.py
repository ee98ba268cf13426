"""What the portal refuses, in the user's words.

Services raise these; pages show ``message`` next to ``field``, the API answers with problem+json. Each carries the
HTTP status that both use.
"""

from collections.abc import Iterable
from datetime import datetime
from http import HTTPStatus
from typing import ClassVar, Self

from django.core.exceptions import ValidationError
from django.utils import timezone


class DomainError(Exception):
    """A request that the portal understands and refuses."""

    status: int = HTTPStatus.BAD_REQUEST
    default_code: ClassVar[str] = "invalid"

    def __init__(self, message: str, *, code: str | None = None, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.field = field


class Invalid(DomainError):
    """What was entered cannot be accepted."""

    @classmethod
    def of(cls, error: ValidationError) -> Self:
        """What a model's own check found first, with its field."""
        name, messages = next(iter(error.message_dict.items()))
        return cls(" ".join(messages), field=name)


class NotAllowed(DomainError):
    """The person's role does not cover this."""

    status = 403
    default_code = "not_allowed"


class WrongState(DomainError):
    """The case, claim or account is not in a state in which this can be done."""

    status = 409
    default_code = "wrong_state"


class Duplicate(DomainError):
    """The same thing is there already."""

    status = 409
    default_code = "duplicate"


class FileRefused(DomainError):
    """A file, or a request that brings one, that is not taken."""

    def __init__(self, message: str, *, code: str, status: int = HTTPStatus.UNPROCESSABLE_ENTITY) -> None:
        super().__init__(message, code=code, field="file")
        self.status = status


class Gone(DomainError):
    """It was there and has expired."""

    status = 410
    default_code = "expired"


class TooManyAttempts(DomainError):
    """It was tried too often; ``until`` is when one may go on."""

    status = 429
    default_code = "too_many_attempts"

    def __init__(self, message: str, *, until: datetime, field: str | None = None) -> None:
        super().__init__(message, field=field)
        self.until = until

    @property
    def retry_after(self) -> int:
        """Seconds to wait, at least one."""
        return max(1, round((self.until - timezone.now()).total_seconds()))


def only_fields(names: Iterable[str], known: Iterable[str]) -> None:
    """Raise TypeError, as Python does for an unknown argument, for a name that a service does not take."""
    if unknown := set(names) - set(known):
        raise TypeError(f"unknown fields: {', '.join(sorted(unknown))}")
