"""The checks before anything is installed, by a Python that may be the wrong one."""

import ctypes
import json
import shutil
import sys
import sysconfig
from pathlib import Path
from types import SimpleNamespace

import pytest

from embedded import install


def test_this_machine_has_what_is_needed() -> None:
    assert install.problem() == ""


def test_another_python_is_refused_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    assert "needs Python 3.11, and" in install.problem()
    assert "is 3.9: install it" in install.problem()


def test_a_missing_venv_module_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "find_spec", lambda name: None if name == "ensurepip" else object())
    assert "apt-get install python3-venv" in install.problem()


def test_a_missing_libpython_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sysconfig, "get_config_var", lambda name: "/nowhere")
    monkeypatch.setattr(ctypes, "CDLL", lambda name: (_ for _ in ()).throw(OSError(name)))
    assert "apt-get install libpython3.11" in install.problem()


def test_a_library_for_pdfs_is_named_and_stops_nothing_but_the_check(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(install, "loads", lambda name: "pangoft2" not in name)
    monkeypatch.setattr(install, "install", lambda lock: pytest.fail("nothing is to be installed"))
    statuses = {}
    for lock in ("check", "local"):
        monkeypatch.setattr(sys, "argv", ["install.py", lock])
        monkeypatch.setattr(install, "wanted", lambda lock: None)
        statuses[lock] = install.main()
        told = capsys.readouterr().err
        assert "libpangoft2-1.0.so.0 is missing" in told
        assert "apt-get install libpango-1.0-0" in told
    assert statuses == {"check": 1, "local": 0}


def test_a_small_disk_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(install, "STAMP", tmp_path / "none.json")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=3 * 2**20))
    assert "has 3 MB: free some space" in install.problem()


@pytest.mark.parametrize(
    ("kept", "asked", "installs"),
    [("local", "local", False), ("dev", "local", False), ("dev", "dev", False), ("local", "dev", True)],
)
def test_what_is_there_is_not_installed_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kept: str, asked: str, installs: bool
) -> None:
    stamp = tmp_path / "installed.json"
    stamp.write_text(json.dumps({kept: install.wanted(kept)}))
    installed: list[str] = []
    monkeypatch.setattr(install, "STAMP", stamp)
    monkeypatch.setattr(install, "install", installed.append)
    monkeypatch.setattr(sys, "argv", ["install.py", asked])
    assert install.main() == 0
    assert installed == ([asked] if installs else [])


def test_a_changed_lock_is_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stamp = tmp_path / "installed.json"
    stamp.write_text(json.dumps({"dev": install.wanted("dev") | {"lock": "older"}}))
    installed: list[str] = []
    monkeypatch.setattr(install, "STAMP", stamp)
    monkeypatch.setattr(install, "install", installed.append)
    monkeypatch.setattr(sys, "argv", ["install.py", "dev"])
    assert install.main() == 0
    assert installed == ["dev"]
    assert json.loads(stamp.read_text()) == {"dev": install.wanted("dev")}
