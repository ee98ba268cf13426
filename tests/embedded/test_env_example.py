"""``.env.example`` names every setting there is, and no other."""

import re

from embedded.settings import ROOT

READERS = ("portal/config/settings/*.py", "embedded/settings.py", "confined/*.py", "portal/server/*.py")


def documented() -> set[str]:
    return set(re.findall(r"^#?([A-Z][A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))


def read_by_the_code() -> set[str]:
    text = "".join(path.read_text() for reader in READERS for path in ROOT.glob(reader))
    call = r'(?:env(?:\.\w+)?|environ\.get|environment\.get|_\w+)\(\s*(?:environment,\s*)?"([A-Z][A-Z0-9_]+)"'
    return set(re.findall(call, text))


def test_the_code_is_read_for_what_it_reads() -> None:
    assert {"PORT", "HEMALENS_VAR", "DATABASE_URL", "JOB_LEASE_SECONDS"} <= read_by_the_code()


def test_every_setting_is_documented_and_every_documented_one_exists() -> None:
    assert read_by_the_code() - documented() == set()
    assert documented() - read_by_the_code() == set()
