"""Message catalogues without GNU gettext: Babel cuts the texts out of Python and, with this, out of templates.

``python -m portal.catalogues extract FILE`` writes the template of all texts, ``update`` brings every language's
``django.po`` in line with the sources, ``compile`` writes the ``django.mo`` that Django reads.
"""

import sys
import tempfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from babel.messages.extract import extract_python
from babel.messages.frontend import CommandLineInterface
from django.utils.translation.template import templatize

LOCALE = Path(__file__).parent / "locale"
#: Texts of libraries that would not read like the rest of our pages; no source of ours holds them.
WORDING = Path(__file__).parent / "wording"
_KEYWORDS = ("gettext_noop", "gettext_lazy", "ngettext_lazy:1,2", "pgettext_lazy:1c,2")
_LAYOUT = ("--no-wrap", "--sort-output", "--no-location")


def extract_template(
    file: BinaryIO, keywords: Any, comment_tags: Any, options: Any
) -> Iterator[tuple[Any, ...]]:
    """Babel's extraction method for Django templates: what ``makemessages`` finds, as Python for Babel to read."""
    code = templatize(file.read().decode())
    # What is between the messages is blanked out, not Python: its indentation would stop the tokenizer.
    lines = "\n".join(line.lstrip() for line in code.split("\n"))
    yield from extract_python(BytesIO(lines.encode()), keywords, comment_tags, {"encoding": "utf-8"})


def extract(template: Path) -> None:
    """Write every text of the portal to ``template``, untranslated."""
    keywords = [part for keyword in _KEYWORDS for part in ("-k", keyword)]
    _babel("extract", "-F", LOCALE / "babel.cfg", *keywords, *_LAYOUT, "-o", template, LOCALE.parent)


def update() -> None:
    """Bring the catalogue of every language in line with the sources; what is new stays empty, never guessed."""
    with tempfile.TemporaryDirectory() as folder:
        template = Path(folder) / "django.pot"
        extract(template)
        layout = ("--no-wrap", "--no-fuzzy-matching", "--ignore-obsolete", "--ignore-pot-creation-date")
        _babel("update", "-D", "django", "-i", template, "-d", LOCALE, *layout)


def compile_all() -> None:
    """Write what Django reads."""
    for folder in (LOCALE, WORDING):
        _babel("compile", "-D", "django", "-d", folder)


def _babel(*arguments: object) -> None:
    CommandLineInterface().run(["pybabel", "-q", *map(str, arguments)])


def main(arguments: list[str]) -> None:
    match arguments:
        case ["extract", template]:
            extract(Path(template))
        case ["update"]:
            update()
        case ["compile"]:
            compile_all()
        case _:
            sys.exit("usage: python -m portal.catalogues extract FILE | update | compile")


if __name__ == "__main__":
    main(sys.argv[1:])
