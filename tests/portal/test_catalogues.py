"""The catalogues: every text that a page can show is there, translated, with the placeholders it has in English."""

import io
import subprocess
import sys
from pathlib import Path

import allauth
import pytest
from babel.messages.catalog import Catalog
from babel.messages.checkers import checkers
from babel.messages.pofile import read_po
from django.conf import settings
from django.test import Client

from tests.portal.kinds import present

ROOT = Path(__file__).parents[2]
LOCALE = ROOT / "portal" / "locale"
WORDING = ROOT / "portal" / "wording"


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """What stands in the sources now, as ``make messages`` finds it."""
    template = tmp_path_factory.mktemp("catalogue") / "django.pot"
    subprocess.run(
        [sys.executable, "-m", "portal.catalogues", "extract", str(template)],
        cwd=ROOT,
        check=True,
        timeout=120,
    )
    return read_po(io.BytesIO(template.read_bytes()))


@pytest.fixture(
    scope="module", params=[code for code, _ in settings.LANGUAGES if code != settings.LANGUAGE_CODE]
)
def translated(request: pytest.FixtureRequest) -> Catalog:
    path = LOCALE / request.param / "LC_MESSAGES" / "django.po"
    return read_po(io.BytesIO(path.read_bytes()), locale=request.param)


def _texts(catalog: Catalog) -> set[tuple[str | None, str]]:
    return {(m.context, m.id if isinstance(m.id, str) else m.id[0]) for m in catalog if m.id}


def test_the_catalogue_has_what_the_sources_have(found: Catalog, translated: Catalog) -> None:
    assert _texts(translated) == _texts(found), "run `make messages`, then translate what is new"


def test_every_text_is_translated(translated: Catalog) -> None:
    missing = [
        m.id
        for m in translated
        if m.id and (m.fuzzy or not all([m.string] if isinstance(m.string, str) else present(m.string)))
    ]
    assert missing == []


def test_placeholders_are_those_of_the_original(translated: Catalog) -> None:
    wrong = []
    for message in translated:
        for check in checkers:
            try:
                check(translated, message)
            except Exception as error:
                wrong.append(f"{message.id}: {error}")
    assert wrong == []


@pytest.mark.parametrize("code", [code for code, _ in settings.LANGUAGES])
def test_every_text_that_is_said_in_other_words_is_a_librarys(code: str) -> None:
    theirs = read_po((Path(allauth.__file__).parent / "locale/es/LC_MESSAGES/django.po").open("rb"))
    ours = read_po((WORDING / code / "LC_MESSAGES" / "django.po").open("rb"))
    assert len(ours)
    assert [message.id for message in ours if message.id and message.id not in theirs] == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("code", "title", "help"),
    [
        ("en", "Reset your password", "ask an administrator"),
        ("es", "Restablecer", "pregunte a un administrador"),
    ],
)
def test_pages_of_libraries_speak_as_ours_do(client: Client, code: str, title: str, help: str) -> None:
    page = client.get("/account/password/reset/", headers={"Accept-Language": code}).content.decode()
    assert title in page
    assert help in page
