"""Codes of other people's systems and of our own, kept as data (``data/codes.json``) with their source and version.

A code is here only where it is certain to have the intended meaning. Everything else has a code of the installation's
own systems, below ``<SITE_URL>/fhir/CodeSystem/``.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings

DATA = Path(__file__).parent / "data" / "codes.json"
Coding = dict[str, str]


@cache
def table() -> dict[str, Any]:
    """What the file holds: ``systems``, ``codes``, ``specimens`` and ``local``."""
    loaded: dict[str, Any] = json.loads(DATA.read_text(encoding="utf-8"))
    return loaded


def standard(name: str) -> Coding:
    """A code of somebody else's system, as a FHIR Coding. Raises KeyError."""
    return _coding(table()["codes"][name])


def specimen(value: str) -> Coding | None:
    """The standard code of a specimen, or None where none is certain."""
    entry = table()["specimens"].get(value)
    return _coding(entry) if entry else None


def own(system: str, code: str, display: str = "") -> Coding:
    """A code of one of our own systems; ``display`` where the file does not name the code."""
    local = table()["local"]
    words = display or local[system][code]
    return {
        "system": address("CodeSystem", system),
        "version": local["version"],
        "code": code,
        "display": words,
    }


def address(kind: str, name: str) -> str:
    """An address of this installation's: a CodeSystem, a NamingSystem or a StructureDefinition (an extension)."""
    return f"{settings.SITE_URL.rstrip('/')}/fhir/{kind}/{name}"


def _coding(entry: dict[str, str]) -> Coding:
    system = table()["systems"][entry["system"]]
    return {
        "system": system["url"],
        "version": system["version"],
        "code": entry["code"],
        "display": entry["display"],
    }
