"""Which characters the fonts of this machine have, so that a printed report never shows a box over other words.

A character that no font has would be drawn as an empty box, while the text behind the page still said it. It is
printed as its code instead (``[U+4E2D]``), in page and text alike, and the signer is warned before.
"""

import functools
import logging
import subprocess
from collections.abc import Iterable

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

log = logging.getLogger(__name__)

#: What is counted on where the machine does not say which fonts it has.
_LATIN = frozenset(range(0x20, 0x250))
#: How many characters a warning names.
MOST_NAMED = 8
#: Joiners and variation selectors: they shape the letter before them, and no font needs a glyph for them.
_SHAPING = frozenset((0x200C, 0x200D, *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)))


@functools.cache
def covered() -> frozenset[int]:
    """The code points that the installed outline fonts have; Pango falls back from the first font to any other."""
    try:
        listed = subprocess.run(
            ["fc-list", "--format", "%{charset}\n", ":scalable=true:color=false"],
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        log.warning(
            "Which fonts there are is unknown (%s): reports print Latin letters, all else as codes.", error
        )
        return _LATIN
    found: set[int] = set()
    for part in set(listed.split()):
        first, _dash, last = part.partition("-")
        found.update(range(int(first, 16), int(last or first, 16) + 1))
    return frozenset(found) or _LATIN


def code(character: str) -> str:
    """How a character without a font is printed."""
    return f"[U+{ord(character):04X}]"


def printable(text: str) -> str:
    """The text with every character that no font has written as its code."""
    if text.isascii():
        return text
    known, parts, before = covered(), [], True
    for character in text:
        point = ord(character)
        # What shapes a letter goes the way of the letter.
        is_printed = before if point in _SHAPING else point in known or character in "\n\r\t"
        parts.append(character if is_printed else code(character))
        before = is_printed
    return "".join(parts)


def unprintable(texts: Iterable[str]) -> list[str]:
    """The characters of the texts that no font has, each once, in the order in which they come."""
    found = dict.fromkeys(character for text in texts if not text.isascii() for character in text)
    known = covered() if found else _LATIN
    return [c for c in found if ord(c) not in known and ord(c) not in _SHAPING and c not in "\n\r\t"]


def warning(texts: Iterable[str]) -> str:
    """In words which characters of a report cannot be printed here and how it shows them; empty where all can be."""
    lacking = unprintable(texts)
    if not lacking:
        return ""
    named = ", ".join(f"{character} (U+{ord(character):04X})" for character in lacking[:MOST_NAMED])
    more = len(lacking) - MOST_NAMED
    if more > 0:
        named += " " + ngettext("and %(n)d more", "and %(n)d more", more) % {"n": more}
    return _(
        "The server has no font for %(characters)s. The printed report shows codes in their place, such as "
        "%(code)s; the signed text itself keeps the characters."
    ) % {"characters": named, "code": code(lacking[0])}


def words_of(content: object) -> list[str]:
    """Every text within JSON."""
    if isinstance(content, dict):
        return [word for value in content.values() for word in words_of(value)]
    if isinstance(content, list):
        return [word for value in content for word in words_of(value)]
    return [content] if isinstance(content, str) else []
