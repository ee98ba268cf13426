"""Dates are written in one way: every template and module names a format of ``portal/formats``, and none spells one."""

import re
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

import pytest
from django.conf import settings
from django.template import Context, Template
from django.utils import translation
from django.utils.formats import date_format

import portal

PORTAL = Path(portal.__file__).parent
#: ``date`` and ``time`` as filters, with what they are given; the machine-readable form is no matter of taste.
FILTER = re.compile(r"\|(?:date|time)\b(?::(\"[^\"]*\"|'[^']*'|\w+))?")
CALL = re.compile(
    r"\b(?:date_format|time_format)\([^)]*\)|\bstrftime\(|\bdateStyle\b|\btoLocale(?:Date|Time)?String\("
)
ENGLISH = import_module("portal.formats.en.formats")
NAMES = {name for name in vars(ENGLISH) if name.endswith("_FORMAT")}


def test_templates_name_a_format() -> None:
    found = {
        f"{path.relative_to(PORTAL)}: {match.group()}"
        for path in PORTAL.rglob("*")
        if path.suffix in (".html", ".txt")
        for match in FILTER.finditer(path.read_text(encoding="utf-8"))
        if (match[1] or "").strip("\"'") not in NAMES | {"c"}
    }
    assert not found
    # Or the search would have found nothing because it looked nowhere.
    assert FILTER.search((PORTAL / "templates/reports/diagnosis.html").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("spelled", "refused"),
    [('x|date:"j M Y"', True), ("x|date", True), ('x|date:"DATE_FORMAT"', False), ("x.date", False)],
)
def test_the_search_knows_what_it_looks_for(spelled: str, refused: bool) -> None:
    found = [match[1] or "" for match in FILTER.finditer("{{ " + spelled + " }}")]
    assert any(name.strip('"') not in NAMES for name in found) is refused


def test_modules_and_scripts_name_a_format() -> None:
    sources = [*PORTAL.rglob("*.py"), *(PORTAL.parent / "frontend/js").glob("*.js")]
    found = {
        f"{path.name}: {match.group()}"
        for path in sources
        for match in CALL.finditer(path.read_text(encoding="utf-8"))
        if not any(
            f'"{name}"' in path.read_text(encoding="utf-8")[match.start() : match.end() + 80]
            for name in NAMES
        )
    }
    assert not found


@pytest.mark.parametrize(
    ("language", "day", "moment"),
    [("en", "30 Aug 2026", "30 Aug 2026, 14:05"), ("es", "30 ago 2026", "30 ago 2026, 14:05")],
)
def test_each_form_in_both_languages(language: str, day: str, moment: str) -> None:
    when = datetime(2026, 8, 30, 14, 5, 9, tzinfo=UTC)
    with translation.override(language):
        assert [date_format(when, name) for name in ("DATE_FORMAT", "SHORT_DATE_FORMAT")] == [day, day]
        assert date_format(when, "DATETIME_FORMAT") == moment
        assert date_format(when, "DATETIME_SECONDS_FORMAT") == f"{moment}:09"
        assert date_format(when, "TIME_FORMAT") == "14:05"
        assert date_format(when, "MONTH_DAY_FORMAT") == day.removesuffix(" 2026")
        # A value without any filter is written in the same way.
        assert Template("{{ when }}").render(Context({"when": when}, use_tz=False)) == moment


def test_every_language_has_every_format() -> None:
    for code, _name in settings.LANGUAGES:
        module = import_module(f"portal.formats.{code}.formats")
        assert {name for name in vars(module) if name.endswith("_FORMAT")} == NAMES, code
