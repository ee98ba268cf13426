"""What CONTRIBUTING.md points a newcomer to is there."""

import re

from embedded.settings import ROOT

TEXT = (ROOT / "CONTRIBUTING.md").read_text()

#: Of the example, which a newcomer makes.
OF_THE_EXAMPLE = {"portal/reading/teaching.py", "tests/portal/test_teaching.py"}


def test_every_file_it_names_is_there() -> None:
    named = set(re.findall(r"`([\w./]+\.(?:py|md|json|html|toml))`", TEXT)) | set(
        re.findall(r"\]\((docs/[^)]+)\)", TEXT)
    )
    assert len(named) > 15
    bases = (ROOT, ROOT / "portal", ROOT / "portal" / "desk")
    missing = {
        name
        for name in named - OF_THE_EXAMPLE
        if not any((base / name).exists() for base in bases)
        and not any(list((ROOT / folder).rglob(name)) for folder in ("portal", "tests"))
    }
    assert missing == set()


def test_every_make_target_it_names_is_there() -> None:
    makefile = (ROOT / "Makefile").read_text()
    named = set(re.findall(r"`make ([a-z0-9-]+)", TEXT))
    assert {"test", "messages"} <= named
    assert {name for name in named if not re.search(rf"^{name}:", makefile, re.MULTILINE)} == set()
