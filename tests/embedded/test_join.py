"""``manage.py`` works on the instance of `make run` only when it is told to."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Protocol

import pytest

from embedded.settings import ROOT
from tests.live import OF_THE_TESTS

NAME = "from django.conf import settings; print(settings.DATABASES['default']['NAME'])"


class Manage(Protocol):
    """Runs manage.py with these arguments, and ``more`` in its environment."""

    def __call__(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]: ...


@pytest.fixture
def manage(tmp_path: Path) -> Manage:
    """Runs manage.py where an instance's folder is known and nothing else is."""

    def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in os.environ.items() if name not in OF_THE_TESTS}
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env={**environment, "HEMALENS_VAR": str(tmp_path), **more},
            capture_output=True,
            text=True,
        )

    return run


@pytest.fixture
def instance(tmp_path: Path) -> None:
    told = {"DATABASE_URL": "postgres://u:p@127.0.0.1:1/of_the_instance", "SECRET_KEY": "s"}
    (tmp_path / "run.json").write_text(json.dumps({"environment": told}))


def test_without_the_flag_a_running_instance_is_left_alone(manage: Manage, instance: None) -> None:
    refused = manage("shell", "-c", NAME)
    assert refused.returncode == 1
    assert "manage.py --join COMMAND" in refused.stderr
    assert "of_the_instance" not in refused.stdout + refused.stderr


@pytest.mark.parametrize("way", ["flag", "variable"])
def test_with_the_flag_or_the_variable_it_is_joined(manage: Manage, instance: None, way: str) -> None:
    command = ["shell", "-v", "0", "-c", NAME]
    joined = manage("--join", *command) if way == "flag" else manage(*command, HEMALENS_JOIN="1")
    assert (joined.stdout.strip(), joined.returncode) == ("of_the_instance", 0)


def test_where_no_instance_runs_the_flag_says_so(manage: Manage) -> None:
    refused = manage("--join", "check")
    assert refused.returncode == 1
    assert "No instance runs in" in refused.stderr
