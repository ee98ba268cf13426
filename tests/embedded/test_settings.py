"""Settings from the environment: what is taken, and how a wrong value is named."""

import pytest

from embedded.errors import EmbeddedError
from embedded.settings import ROOT, Settings


def test_nothing_needs_to_be_set() -> None:
    assert Settings.from_environment({}) == Settings()


def test_empty_values_count_as_not_set() -> None:
    assert Settings.from_environment({"PORT": " ", "HOST": "", "HEMALENS_VAR": ""}) == Settings()


def test_values_are_taken_and_relative_folders_start_at_the_repository() -> None:
    settings = Settings.from_environment(
        {"PORT": "9001", "HOST": "0.0.0.0", "HEMALENS_VAR": "var/two", "HEMALENS_RESTART": "0"}
    )
    assert (settings.port, settings.host, settings.restart) == (9001, "0.0.0.0", False)
    assert settings.var == ROOT / "var" / "two"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "eighty"),
        ("PORT", "65536"),
        ("PORT", "-1"),
        ("HEMALENS_TRITON_TIMEOUT", "0"),
        ("HEMALENS_RESTART", "yes"),
    ],
)
def test_a_wrong_value_is_named_with_its_variable(name: str, value: str) -> None:
    with pytest.raises(EmbeddedError, match=rf"^{name} must be .*'{value}': set it again\.$"):
        Settings.from_environment({name: value})
