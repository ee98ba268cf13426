"""The hooks before a commit are the stages of `make lint`, no second list."""

import re
import subprocess
import sys

import yaml

from embedded.settings import ROOT


def stages() -> set[str]:
    return set(re.findall(r"^(lint-[a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_the_configuration_is_one_that_pre_commit_reads() -> None:
    command = [sys.executable, "-m", "pre_commit", "validate-config", ".pre-commit-config.yaml"]
    subprocess.run(command, cwd=ROOT, check=True)


def test_every_stage_is_a_hook_and_nothing_is_fetched() -> None:
    [source] = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert source["repo"] == "local"
    assert {hook["entry"] for hook in source["hooks"]} == {
        f"make --no-print-directory {name}" for name in stages()
    }
    assert {hook["language"] for hook in source["hooks"]} == {"system"}
    assert not any(hook["pass_filenames"] for hook in source["hooks"])
