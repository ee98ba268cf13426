"""What a text may hold, and how one that holds more is shown.

A comment is signed as it is seen. A character that nobody sees, or that turns the order in which others are read,
makes the two differ: it is refused where a text is entered, with its code and its place, and written out
(``[U+202E]``) where one that was stored before is shown. This is the one place that says which characters those
are; ``portal.text_fields`` puts it into models and forms, ``portal.api.fields`` into the API.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

from portal.errors import Invalid

#: How much of the text before a refused character is quoted, so that the place is found.
QUOTED = 16

_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_ZWNJ, _ZWJ = "\u200c", "\u200d"
#: Letters, marks and symbols that look like nothing although their category says otherwise.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0\ufffc")
#: Marks of numbers and verses in Arabic, Syriac and Kaithi: format characters that are seen.
_SEEN_FORMAT = frozenset(
    "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
)
#: The three flags that are written with invisible letters after a black flag.
_FLAGS = re.compile("\U0001f3f4(?:{})\U000e007f".format("|".join(
    "".join(chr(0xE0000 + ord(letter)) for letter in region) for region in ("gbeng", "gbsct", "gbwls")
)))  # fmt: skip
#: Scripts in which a joiner between letters decides how they are written, by the first word of a letter's name.
_JOINING = re.compile(
    "(ARABIC|SYRIAC|MANDAIC|THAANA|NKO|MONGOLIAN|ADLAM|DEVANAGARI|BENGALI|GURMUKHI|GUJARATI|ORIYA|TAMIL|TELUGU|KANNADA"
    "|MALAYALAM|SINHALA|KHMER|MYANMAR|BALINESE|JAVANESE|SUNDANESE|CHAKMA|GRANTHA|TIRHUTA|NEWA|KAITHI|BRAHMI) "
)
#: Whatever is not in these ranges is looked at one by one; in them everything is welcome, and most texts know no other.
_SAFE = (
    " -~\u00a0-\u00ac\u00ae-\u02ff\u0370-\u0377\u037a-\u037f\u0384-\u038a\u038e-\u03a1\u03a3-\u052f\u2000-\u200a"
    "\u2010-\u2027\u202f-\u205f\u2190-\u2426\u2460-\u27ff\u2801-\u2b73\u3000-\u303f\u3041-\u3096\u30a0-\u30ff"
    "\u4e00-\u9fff\uac00-\ud7a3"
)
_SUSPECT = re.compile(f"[^\n\t{_SAFE}]")
_SUSPECT_IN_A_LINE = re.compile(f"[^{_SAFE}]")
_LINE_ENDS = re.compile("\r\n?|[\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Unwanted:
    """A character that no text may contain, and its place."""

    index: int
    character: str

    @property
    def code(self) -> str:
        return f"U+{ord(self.character):04X}"


def normalised(text: str, *, lines: bool = False) -> str:
    """The same text in one writing: composed letters (NFC), plain blanks, ``\\n`` for every line end, ends trimmed.

    ``lines``: whether line ends and tabs are part of the text.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
        text = "".join(" " if unicodedata.category(one) == "Zs" else one for one in text)
    if lines:
        text = _LINE_ENDS.sub("\n", text)
    return text.strip()


def unwanted(text: str, *, lines: bool = True) -> Iterator[Unwanted]:
    """Every character that is refused, in order. ``lines``: whether line ends and tabs are welcome."""
    flags: set[int] | None = None
    for suspect in (_SUSPECT if lines else _SUSPECT_IN_A_LINE).finditer(text):
        if flags is None:
            flags = {place for flag in _FLAGS.finditer(text) for place in range(*flag.span())}
        index = suspect.start()
        if index not in flags and not _is_welcome(text, index):
            yield Unwanted(index, suspect.group())


def _is_welcome(text: str, index: int) -> bool:
    character = text[index]
    if character in (_ZWNJ, _ZWJ):
        return _joins(text, index)
    if character in _BLANK or character == "\ufffd":
        return False
    code, category = ord(character), unicodedata.category(character)
    if 0xFE00 <= code <= 0xFE0F or 0xE0100 <= code <= 0xE01EF:
        # A variation selector chooses between two writings of the visible character before it.
        return index > 0 and unicodedata.category(text[index - 1])[0] in "LNPS"
    if category == "Cf":
        return character in _SEEN_FORMAT
    if category == "Cn":
        # Pictographs that are younger than this Python's tables.
        return 0x1F000 <= code <= 0x1FAFF
    return category not in ("Cc", "Cs", "Co", "Zl", "Zp")


def _joins(text: str, index: int) -> bool:
    """Whether a joiner does what it is for: between letters of a script that needs it, or within one emoji."""
    before, after = text[index - 1 : index], text[index + 1 : index + 2]
    if _is_joining(before):
        return text[index] == _ZWJ or _is_joining(after)
    is_emoji = before and (unicodedata.category(before) in ("So", "Sk", "Cn") or before == "\ufe0f")
    return bool(text[index] == _ZWJ and is_emoji and after and unicodedata.category(after) in ("So", "Cn"))


def _is_joining(character: str) -> bool:
    if not character or unicodedata.category(character)[0] not in "LM":
        return False
    return _JOINING.match(unicodedata.name(character, "")) is not None


def visible(text: str) -> str:
    """The text as it may be shown: what nobody would see is written out by its code, such as ``[U+202E]``.

    Line ends and tabs stay. For reports and pages of what was stored before such characters were refused.
    """
    found = {one.index: one.code for one in unwanted(text)}
    if not found:
        return text
    return "".join(f"[{found[index]}]" if index in found else one for index, one in enumerate(text))


def refusal(text: str, *, lines: bool = False) -> str | None:
    """Why a text cannot be taken, in words that name the character and its place; None where it can be."""
    found = next(unwanted(text, lines=lines), None)
    if found is None:
        return _("Enter at least one visible character.") if text.strip() and not has_visible(text) else None
    before = visible(text[max(0, found.index - QUOTED) : found.index]).replace("\n", " ").strip()
    words = {"what": described(found), "before": before}
    if before:
        return _("The text contains %(what)s after “%(before)s”: delete it.") % words
    return _("The text starts with %(what)s: delete it.") % words


def described(found: Unwanted) -> str:
    """What an unwanted character is, with its code, to go on with in a sentence."""
    character, code = found.character, {"code": found.code}
    if character in "\n\r\u2028\u2029\x85":
        return _("a line break (%(code)s)") % code
    if character == "\t":
        return _("a tab (%(code)s)") % code
    if character in _BIDI:
        return _("an invisible character that changes the reading direction (%(code)s)") % code
    if character == "\ufffd":
        return _("a character that was lost in transfer (%(code)s)") % code
    category = unicodedata.category(character)
    if category == "Cc":
        return _("a control character (%(code)s)") % code
    if category in ("Co", "Cn", "Cs"):
        return _("a character without a meaning (%(code)s)") % code
    return _("an invisible character (%(code)s)") % code


def has_visible(text: str) -> bool:
    """Whether there is anything to see: a letter, a figure, a sign."""
    refused = {one.index for one in unwanted(text)}
    return any(
        index not in refused
        and unicodedata.category(character)[0] in "LNPSC"
        and character not in "\n\t\u200c\u200d"
        for index, character in enumerate(text)
    )


def clean_line(text: str, *, field: str) -> str:
    """A text of one line for a service to store. Raises Invalid with the field."""
    return _clean(text, field, lines=False)


def clean_lines(text: str, *, field: str) -> str:
    """A text that may have several lines, for a service to store. Raises Invalid with the field."""
    return _clean(text, field, lines=True)


def _clean(text: str, field: str, *, lines: bool) -> str:
    text = normalised(text, lines=lines)
    if message := refusal(text, lines=lines):
        raise Invalid(message, code="unseen_character", field=field)
    return text
