"""``python -m tests.changed``: the test files that belong by name to what changed since ``main``, one a line.

``portal/reading/claims.py`` has ``tests/portal/test_claims.py`` and ``test_reading.py``. Browser, smoke and fault tests
start a whole system and are left to ``make test``.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_WHOLE_SYSTEMS = ("tests/e2e", "tests/smoke", "tests/faults")


def changed(root: Path = ROOT) -> list[Path]:
    """Files that differ from where this branch left ``main``, committed or not; nothing that was removed."""
    base = (
        _git(root, "merge-base", "HEAD", "main")
        or _git(root, "merge-base", "HEAD", "origin/main")
        or ["HEAD"]
    )
    differing = _git(root, "diff", "--name-only", "--diff-filter=d", base[0])
    return [Path(name) for name in (*differing, *_git(root, "ls-files", "--others", "--exclude-standard"))]


def files_for(files: Iterable[Path], root: Path) -> list[str]:
    """The test files of these files, as paths from ``root``."""
    return sorted({test.as_posix() for file in files for test in _files_for(file, root)})


def _files_for(file: Path, root: Path) -> list[Path]:
    if any(file.is_relative_to(folder) for folder in _WHOLE_SYSTEMS):
        return []
    if file.parts[0] == "tests":
        return [file] if file.match("test_*.py") else []
    if file.suffix not in (".py", ".html"):
        return []
    names = {file.stem, *file.parts[1:-1]}
    top = root / "tests" / file.parts[0]
    folders = {top, *(top / name for name in names), *(root / "tests" / name for name in names)}
    tests = (test for folder in folders for test in folder.glob("test_*.py"))
    return [test.relative_to(root) for test in tests if test.stem.removeprefix("test_") in names]


def _git(root: Path, *arguments: str) -> list[str]:
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
    return done.stdout.splitlines() if done.returncode == 0 else []


if __name__ == "__main__":
    print("\n".join(files_for(changed(), ROOT)))
