"""What the fixture that submits a case gives."""

from typing import Protocol

from portal.cases.models import Case


class Submit(Protocol):
    """Makes a submitted case with queued jobs; ``fields`` are what is entered about it."""

    def __call__(self, images: int = 1, **fields: str) -> Case: ...
