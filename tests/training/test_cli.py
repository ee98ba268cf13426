"""The command line: every command is registered alike, and what the split command writes is read back."""

import importlib
import json
import pkgutil
from pathlib import Path

import numpy as np
import pytest

import training
from training import cli
from training.data import manifest, splits


def test_every_command_is_listed_with_its_help() -> None:
    listed = " ".join(cli.parser().format_help().split())
    for command in cli.COMMANDS:
        assert f" {command.name} {command.help}" in listed


def test_every_module_with_a_command_is_registered() -> None:
    modules = [one.name for one in pkgutil.walk_packages(training.__path__, "training.")]
    found = {
        module.COMMAND.name
        for module in map(importlib.import_module, modules)
        if module.__name__ != "training.__main__" and hasattr(module, "COMMAND")
    }
    assert found == {command.name for command in cli.COMMANDS}
    assert len(cli.COMMANDS) == len(found)


def test_a_written_split_divides_no_slide(
    data_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "split.csv"
    assert cli.main(["split", "--data", str(data_folder), "--out", str(out)]) == 0
    said = json.loads(capsys.readouterr().out)
    photographs = manifest.read_manifest(data_folder / "blood-smears" / "manifest.csv")
    split = splits.read(out, photographs)
    assert sum(said["photographs"].values()) == len(photographs)
    assert said["pseudo_slides"] == len(np.unique(split.slide))
    for slide in np.unique(split.slide):
        assert len(np.unique(split.fold[split.slide == slide])) == 1
