"""Which tests `make check` runs."""

import subprocess
from pathlib import Path

import pytest

from tests.changed import ROOT, changed, files_for


def git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=somebody", "-c", "user.email=somebody@laboratory.example"]
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A branch with one commit on top of main."""
    git(tmp_path, "init", "-b", "main")
    for name in ("kept", "edited", "removed"):
        (tmp_path / f"{name}.py").write_text("")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "begin")
    git(tmp_path, "switch", "-c", "branch")
    (tmp_path / "committed.py").write_text("")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "go on")
    return tmp_path


def test_what_is_committed_edited_and_new_has_changed(repository: Path) -> None:
    (repository / "edited.py").write_text("1")
    (repository / "removed.py").unlink()
    (repository / "new.py").write_text("")
    assert {path.name for path in changed(repository)} == {"committed.py", "edited.py", "new.py"}


def test_what_main_did_meanwhile_has_not(repository: Path) -> None:
    git(repository, "switch", "main")
    (repository / "elsewhere.py").write_text("")
    git(repository, "add", ".")
    git(repository, "commit", "-m", "meanwhile")
    git(repository, "switch", "branch")
    assert [path.name for path in changed(repository)] == ["committed.py"]


def test_without_a_main_what_is_not_committed_has_changed(repository: Path) -> None:
    git(repository, "branch", "-D", "main")
    (repository / "edited.py").write_text("1")
    assert [path.name for path in changed(repository)] == ["edited.py"]


@pytest.mark.parametrize(
    ("file", "tests"),
    [
        ("portal/cases/tiles.py", ["tests/portal/test_cases.py", "tests/portal/test_tiles.py"]),
        ("portal/api/health.py", ["tests/portal/api/test_health.py"]),
        ("worker/triton_client.py", ["tests/worker/test_triton_client.py"]),
        ("embedded/supervisor.py", ["tests/embedded/test_supervisor.py"]),
        ("portal/templates/reading/policy.html", ["tests/portal/test_reading.py"]),
        ("tests/portal/test_text.py", ["tests/portal/test_text.py"]),
        ("tests/portal/conftest.py", []),
        ("tests/e2e/test_viewer.py", []),
        ("README.md", []),
        ("frontend/js/keys.js", []),
    ],
)
def test_tests_belong_to_files_by_name(file: str, tests: list[str]) -> None:
    assert files_for([Path(file)], ROOT) == tests
