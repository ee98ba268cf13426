"""JSON as it comes in: read once and for all, so that nothing in it is lost, guessed or a surprise further on."""

import json
from collections.abc import Iterator
from math import isfinite
from typing import Any, NoReturn

from django.http import HttpRequest, RawPostDataException
from django.utils.translation import gettext as _

from portal.errors import Invalid
from portal.text import visible

#: No body of ours is nested deeper than three; what goes on and on is no request.
DEEPEST = 32
#: A number of more digits is larger than any that the database takes.
MOST_DIGITS = 18


def loads(body: bytes) -> Any:
    """The value of a JSON text in UTF-8 (RFC 8259).

    Raises Invalid, with the place as ``field`` where there is one: for what is not JSON, for a key that is given twice
    in one object, for numbers beyond what can be stored, NaN and infinities, for texts with NUL or half a character
    (a lone surrogate), and where it is nested too deeply.
    """
    try:
        value = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_each_once,
            parse_constant=_no_number,
            parse_int=_int,
            parse_float=_float,
        )
    except UnicodeDecodeError as error:
        raise _refused(_("The body is not UTF-8. Send JSON in UTF-8.")) from error
    except RecursionError as error:
        raise _too_deep() from error
    except ValueError as error:
        raise _refused(_("The body is not JSON: %(error)s") % {"error": error}) from error
    for path, text in _texts(value):
        if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
            raise _refused(
                _(
                    "“%(text)s” contains a character that is not text (NUL, or half a character). Leave it "
                    "out."
                )
                % {"text": visible(text)[:80]},
                field=visible(path) or None,
            )
    return value


def body_of(request: HttpRequest) -> Any:
    """The value of a request's JSON body. Raises Invalid as `loads` does, and for a form that was sent instead."""
    try:
        body = request.body
    except RawPostDataException as error:  # a form, and its fields have been read
        raise _refused(_("The body is not JSON: %(error)s") % {"error": request.content_type}) from error
    return loads(body)


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            shown = visible(name)[:80]
            raise _refused(
                _("“%(name)s” is given twice. Send it once.") % {"name": shown}, field=shown or None
            )
        found[name] = value
    return found


def _no_number(literal: str) -> NoReturn:
    raise _refused(_("%(literal)s is not a number in JSON.") % {"literal": literal})


def _int(literal: str) -> int:
    if len(literal.lstrip("-")) > MOST_DIGITS:
        raise _refused(_("The number %(literal)s… is too large.") % {"literal": literal[:20]})
    return int(literal)


def _float(literal: str) -> float:
    value = float(literal)
    if not isfinite(value):
        raise _refused(_("The number %(literal)s… is too large.") % {"literal": literal[:20]})
    return value


def _texts(value: Any) -> Iterator[tuple[str, str]]:
    """Every text in a value, keys included, with the path to it. Raises Invalid where it is nested too deeply."""
    left = [("", value, 0)]
    while left:
        path, found, depth = left.pop()
        if depth > DEEPEST:
            raise _too_deep()
        if isinstance(found, str):
            yield path, found
        elif isinstance(found, list):
            left += [
                (f"{path}.{place}" if path else str(place), one, depth + 1) for place, one in enumerate(found)
            ]
        elif isinstance(found, dict):
            yield from ((path, name) for name in found)
            left += [(f"{path}.{name}" if path else name, one, depth + 1) for name, one in found.items()]


def _too_deep() -> Invalid:
    return _refused(_("The JSON is nested too deeply."))


def _refused(message: str, *, field: str | None = None) -> Invalid:
    return Invalid(message, code="invalid" if field else "parse_error", field=field)
