"""Every code has words, and there are no words of a code that nobody says."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal import words
from smear import headers, jpeg, sniff, tiff
from smear.classes import CLASSES
from smear.contract import Message
from smear.quality import Reason

ROOT = Path(words.__file__).parents[1]
#: Calls whose first argument is the code of a message.
SAYING = {"Message", "ImageRejected", "_away", "_beyond_bounds"}
#: Said by the bounded processes to the portal alone, which has a code of its own for it.
INTERNAL = {"unreadable"}


def first_texts(*called: str) -> Iterator[str]:
    """The constants that these names are called with first, in the sources."""
    for package in ("smear", "confined", "portal", "worker"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                    name = (
                        node.func.attr
                        if isinstance(node.func, ast.Attribute)
                        else getattr(node.func, "id", "")
                    )
                    if name in called:
                        first = node.args[0].value
                        assert isinstance(first, str), path
                        yield first


def test_what_is_said_has_words_and_nothing_else_has() -> None:
    said = {*first_texts(*SAYING)} - INTERNAL
    said |= {reason.value for reason in Reason} | {words.TEXT, "pictures_away"}
    assert said == {*words.WORDS}


def test_kinds_compressions_and_classes_have_names() -> None:
    assert {*first_texts("FileKind")} == {*words.KINDS}
    assert {*words.ADVICE} <= {*words.KINDS} - {*map(str.lower, sniff.ACCEPTED)}
    stored = {*jpeg.NOT_READ.values(), *tiff.NOT_READ.values(), *headers.BMP_INSIDE.values(), "unknown"}
    # A name that is the same in every language is written as it is, a code in small letters.
    assert {name for name in stored if name.islower()} == {*words.COMPRESSIONS}
    assert {*words.CLASSES} == {*CLASSES}


@pytest.mark.parametrize("code", words.WORDS)
def test_words_take_the_values_that_they_name(code: str) -> None:
    names = re.findall(r"%\((\w+)\)(\w)", str(words.WORDS[code]))
    values = {name: 7 if kind == "d" else "png" for name, kind in names if name != "advice"}
    said = words.in_words(Message(code, values).to_json())
    assert "%" not in said
    assert said


def test_a_code_of_another_release_is_shown_as_it_is() -> None:
    assert words.in_words(Message("from_next_year", {"count": 3})) == "from_next_year"
