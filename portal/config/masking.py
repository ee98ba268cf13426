"""What a log line may say: places, numbers and kinds of things, and nothing about people or what they typed.

Logs are kept by other rules than cases and read by other people. Every line of every process ends in ``formatter``, and
what it is made of passes ``masked`` there: addresses of people, links, secrets and password hashes go, and an exception
is logged by its class and place, with its own words only as far as they contain no values (``description``).
"""

import io
import logging
import re
import sys
import traceback
from collections.abc import Iterator
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

MASK = "[…]"
_MOST_WORDS = 300

_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
#: What a part of a path may be: a word, a number, an id. Anything else may be a key or what somebody typed.
_KNOWN_PART = re.compile(rf"{_UUID}|[0-9]*|[a-z_.-]+[0-9]{{0,2}}|\w{{1,4}}")
_QUOTED = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|“[^”]*”|«[^»]*»|‘[^’]*’""", re.DOTALL)
_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    # What PostgreSQL adds to the message contains the values of the row.
    (re.compile(r"\n?\s*(?:DETAIL|CONTEXT|HINT|QUERY|STATEMENT|LINE \d+):.*", re.DOTALL), ""),
    (re.compile(r"://[^/\s@]+@"), f"://{MASK}@"),
    # celery@host is the name of a worker.
    (re.compile(r"(?<![\w.+%-])(?!celery@)[\w.+-]+(?:@|%40)[\w-]+(?:\.[\w-]+)*"), "[address]"),
    (re.compile(r"\b(?:argon2|pbkdf2_\w+|bcrypt\w*|scrypt|md5)\$\S+"), "[hash]"),
    (re.compile(r"\b(Bearer|Token|Basic)\s+[\w.+/=~-]{8,}", re.IGNORECASE), rf"\1 {MASK}"),
    (re.compile(r"""\?[^\s'"?]*=[^\s'"]*"""), f"?{MASK}"),
)
_LINK = re.compile(r"""(https?://[^/\s'"]+)(/[^\s'"<>]*)""")


def masked(text: str) -> str:
    """A text without addresses of people, keys of links, query strings, password hashes and values of a row."""
    for pattern, instead in _RULES:
        text = pattern.sub(instead, text)
    return _LINK.sub(lambda link: link[1] + masked_parts(link[2]), text)


def masked_parts(path: str) -> str:
    """A path without its query and without parts that are no word, number or id."""
    parts = path.partition("?")[0].split("/")
    return "/".join(part if _KNOWN_PART.fullmatch(part) else MASK for part in parts)


def description(error: BaseException) -> str:
    """What an exception says of itself, without values: they are quoted, or in what PostgreSQL adds."""
    diagnostics: Any = getattr(error, "diag", None) or getattr(error.__cause__, "diag", None)
    if getattr(diagnostics, "sqlstate", None):
        named = {
            "table": diagnostics.table_name,
            "column": diagnostics.column_name,
            "constraint": diagnostics.constraint_name,
        }
        return " ".join([diagnostics.sqlstate, *(f"{key} {name}" for key, name in named.items() if name)])
    words = str(error)
    if not isinstance(error, OSError):  # whose quoted words are names of files and hosts
        words = _QUOTED.sub(f"'{MASK}'", words)
    return masked(words.strip()).partition("\n")[0][:_MOST_WORDS]


def safe_traceback(error: BaseException) -> str:
    """A traceback as Python writes it, with ``description`` in place of each exception's own words."""
    text = io.StringIO()
    for link, follows in reversed(list(_chain(error))):
        kind = type(link)
        module = "" if kind.__module__ in ("builtins", "__main__") else f"{kind.__module__}."
        text.write("Traceback (most recent call last):\n")
        text.write("".join(traceback.format_tb(link.__traceback__)))
        text.write(f"{module}{kind.__qualname__}: {description(link)}\n{follows}")
    return text.getvalue().rstrip("\n")


def _chain(error: BaseException) -> Iterator[tuple[BaseException, str]]:
    """The exception and what led to it, each with the words between it and the one that it led to."""
    link: BaseException | None = error
    follows, seen = "", set()
    while link is not None and id(link) not in seen:
        yield link, follows
        seen.add(id(link))
        follows = "\nThe above exception was the direct cause of the following exception:\n\n"
        if link.__cause__ is None and not link.__suppress_context__:
            follows = "\nDuring handling of the above exception, another exception occurred:\n\n"
            link = link.__context__
        else:
            link = link.__cause__


def format_exception(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """A structlog processor: ``exc_info`` becomes a traceback without values."""
    given = event.pop("exc_info", None)
    if given is True:
        given = sys.exc_info()
    error = given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        event["exception"] = safe_traceback(error)
    return event


def mask_values(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """A structlog processor: everything that a line says, masked; tracebacks are by then."""
    for key, value in event.items():
        if key.startswith("_") or key == "exception":
            continue
        if isinstance(value, BaseException):
            event[key] = description(value)
        elif isinstance(value, str):
            event[key] = masked(value)
        elif isinstance(value, dict | list | tuple):
            event[key] = masked(str(value))
    return event


class MaskArguments(logging.Filter):
    """What other libraries put into their messages: paths lose what may be a key, exceptions their values."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(_masked_argument(value) for value in record.args)
        elif isinstance(record.args, dict) and "exc" in record.args:
            # Celery reports what a task raised as ``repr`` writes it, with its values in quotes.
            record.args = {**record.args, "exc": _QUOTED.sub(f"'{MASK}'", str(record.args["exc"]))}
        return True


def _masked_argument(value: Any) -> Any:
    if isinstance(value, BaseException):
        return description(value)
    return masked_parts(value) if isinstance(value, str) and value.startswith("/") else value


def formatter(style: str = "line") -> structlog.stdlib.ProcessorFormatter:
    """How each line of each process is written: ``line`` for people, ``json`` for collectors."""
    renderer: Processor = (
        structlog.processors.JSONRenderer()
        if style == "json"
        else structlog.dev.ConsoleRenderer(colors=False)
    )
    return structlog.stdlib.ProcessorFormatter(
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, mask_values, renderer],
        foreign_pre_chain=[
            structlog.stdlib.add_logger_name,
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            format_exception,
        ],
    )
