"""``make dev``: what starts again when its source changes."""

import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from embedded import reloading
from embedded.process import Child, Spec
from embedded.settings import ROOT
from tests.live import wait_for

#: Writes its id, and waits to be stopped.
NOTED = "import os, sys, time; print(os.getpid(), file=open(sys.argv[1], 'a')); time.sleep(600)"


def spec(name: str, *arguments: str) -> Spec:
    command = [sys.executable, "-c", NOTED, *arguments]
    return Spec(name=name, command=command, ready=lambda: True, environment=dict(os.environ), patience=60.0)


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of every process's source, in the place of ours."""
    monkeypatch.setattr(reloading, "ROOT", tmp_path)
    for folders in reloading._SOURCES.values():
        for folder in folders:
            (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    return tmp_path


@pytest.mark.parametrize("name", ["worker", "beat", "pictures", "paper"])
def test_a_process_starts_again_when_its_source_changes_and_leaves_nothing_behind(
    name: str, source: Path
) -> None:
    noted = source / "started by 'us'"  # a name that a shell would take apart
    [watched] = reloading.reloading([spec(name, str(noted))])
    child = Child(watched, source / "log")
    child.start()
    try:

        def started() -> list[int]:
            return [int(line) for line in noted.read_text().split()] if noted.exists() else []

        def is_watching() -> bool:
            """Whether a change has been seen; the first ones may come before anybody looks."""
            (source / reloading._SOURCES[name][-1] / "changed.py").write_text(os.urandom(8).hex())
            return len(started()) > 1

        wait_for(started, "the process to start")
        wait_for(is_watching, "the process to start again")
        first = started()[0]
        wait_for(lambda: not psutil.pid_exists(first), "the old one to end")
    finally:
        child.stop()
    assert not any(psutil.pid_exists(pid) for pid in started())


def test_services_stay_as_they_are_and_a_broken_web_server_waits_for_its_repair() -> None:
    services = [spec("postgres"), spec("valkey"), spec("triton")]
    assert reloading.reloading(services) == services
    [web] = reloading.reloading([spec("web")])
    assert web.command == spec("web").command
    assert web.patience is None


def test_every_folder_that_is_watched_is_there() -> None:
    for folders in reloading._SOURCES.values():
        for folder in folders:
            assert (ROOT / folder).is_dir()


def test_scripts_and_styles_are_built_again(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "frontend", tmp_path / "frontend")
    (tmp_path / "node_modules").symlink_to(ROOT / "node_modules")
    dist = tmp_path / "portal" / "static" / "dist"
    child = Child(replace(reloading.assets(), folder=tmp_path), tmp_path / "log")
    child.start()
    try:
        wait_for(lambda: "watching" in child.output(), "the first build")
        assert (dist / "worklist.js").exists()
        assert not (dist / ".built").exists(), "make would take this for a whole build"
        with (tmp_path / "frontend/scss/_tokens.scss").open("a") as file:
            file.write("\n.changed-style { color: red }\n")
        with (tmp_path / "frontend/js/worklist.js").open("a") as file:
            file.write('\ndocument.title = "changed-script";\n')
        wait_for(lambda: "changed-style" in (dist / "app.css").read_text(), "the changed style")
        wait_for(lambda: "changed-script" in (dist / "worklist.js").read_text(), "the changed script")
    finally:
        child.stop()
