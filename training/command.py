"""What a command of ``python -m training`` is: a module that has one calls it ``COMMAND``."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


def _never(result: Any) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Command:
    """One command: what the command line shows of it, what it takes, and what it does.

    :param arguments: adds the command's own arguments to its parser.
    :param run: does the work; its result is printed as JSON.
    :param failed: whether a result is bad news, which is exit status 1.
    """

    name: str
    help: str
    arguments: Callable[[ArgumentParser], object]
    run: Callable[[Namespace], Any]
    failed: Callable[[Any], bool] = _never
