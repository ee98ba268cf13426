"""``python -m embedded`` as a user meets it: every failure is one sentence, and nothing is left behind."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from embedded.settings import ROOT
from tests.live import wait_for

EMBEDDED = [sys.executable, "-m", "embedded"]
#: The process that started services, their addresses, and every process that belongs to them.
Running = tuple[subprocess.Popen[str], dict[str, str], list[psutil.Process]]


def command(var: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run ``python -m embedded`` to its end."""
    return subprocess.run(
        [*EMBEDDED, "--var", str(var), *arguments],
        env={**os.environ, **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@contextlib.contextmanager
def running_services(var: Path) -> Iterator[Running]:
    """PostgreSQL and Valkey from ``var``, with all processes that belong to them."""
    process = subprocess.Popen(
        [*EMBEDDED, "--parent", str(os.getpid()), "--var", str(var), "services", "--only", "postgres,valkey"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdout is not None
    try:
        addresses = json.loads(process.stdout.readline())
        yield process, addresses, psutil.Process(process.pid).children(recursive=True)
    finally:
        process.terminate()
        process.wait(60)


@pytest.fixture
def var(tmp_path: Path) -> Path:
    return tmp_path / "var"


def test_a_port_in_use_is_named_with_its_owner_and_a_way_out(var: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        result = command(var, "run", PORT=str(port))
    assert result.returncode == 1
    assert f"Port {port} is in use by " in result.stderr
    assert f"(process {os.getpid()}): stop that program, or choose another port" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_full_disk_is_named(var: Path) -> None:
    result = command(var, "run", HEMALENS_MIN_FREE_MB="999999999")
    assert result.returncode == 1
    assert "needs 999999999 MB: free some space" in result.stderr
    assert not var.exists()


def test_a_wrong_setting_is_named(var: Path) -> None:
    result = command(var, "run", PORT="http")
    assert (result.returncode, result.stderr) == (
        1,
        "PORT must be a whole number from 0 to 65535, not 'http': set it again.\n",
    )


def test_a_model_that_was_not_exported_is_named(var: Path, tmp_path: Path) -> None:
    version = tmp_path / "models" / "leukemia_vgg16" / "1"
    version.mkdir(parents=True)
    (version.parent / "config.pbtxt").write_text("")
    result = command(var, "run", PORT="0", MODEL_REPOSITORY=str(tmp_path / "models"))
    assert result.stderr == "Version 1 of the model leukemia_vgg16 has no model.pt: run 'make export'.\n"


@pytest.mark.parametrize("arguments", [("status",), ("start", "web"), ("kill", "web")])
def test_asking_a_system_that_does_not_run_says_how_to_start_it(
    var: Path, arguments: tuple[str, ...]
) -> None:
    var.mkdir()
    result = command(var, *arguments)
    assert (result.returncode, result.stderr) == (
        1,
        f"Hemalens does not run from {var}: start it with 'make run'.\n",
    )


def test_stopping_in_order_leaves_no_process_and_a_second_start_keeps_the_data(var: Path) -> None:
    with running_services(var) as (process, addresses, family):
        assert len(family) > 5
        second = command(var, "services")
        assert f"already runs from {var} (process {process.pid}" in second.stderr
        refused = command(var, "reset")
        assert (refused.returncode, "stop it first with 'make stop'" in refused.stderr) == (1, True)
        assert command(var, "shutdown").stdout == "Hemalens has stopped.\n"
        assert process.wait(10) == 0
        assert psutil.wait_procs(family, timeout=1)[1] == []
    with running_services(var) as (_, again, _):
        assert again == addresses
    emptied = command(var, "reset")
    assert (emptied.returncode, list(var.iterdir())) == (0, [])


def test_reset_leaves_a_folder_alone_that_is_not_its_own(var: Path) -> None:
    var.mkdir()
    (var / "thesis.txt").write_text("my only copy")
    result = command(var, "reset")
    assert (result.returncode, "nothing was removed" in result.stderr) == (1, True)
    assert (var / "thesis.txt").exists()


def test_killing_the_supervisor_itself_leaves_no_process(var: Path) -> None:
    with running_services(var) as (process, _, family):
        process.kill()
        process.wait(10)
        assert psutil.wait_procs(family, timeout=20)[1] == []


def test_a_killed_database_comes_back_with_its_data(var: Path) -> None:
    with running_services(var) as (_, addresses, _):
        pid = json.loads((var / "run.json").read_text())["processes"]["postgres"]["pid"]
        os.kill(pid, signal.SIGKILL)

        def restarted() -> bool:
            state = json.loads((var / "run.json").read_text())["processes"]["postgres"]
            return bool(state["state"] == "ready" and state["pid"] != pid)

        wait_for(restarted, "PostgreSQL to come back")
        assert "postgres://" in addresses["DATABASE_URL"]


def test_a_system_bound_to_its_parent_goes_with_it(var: Path) -> None:
    """As the tests' own services do when pytest is killed."""
    code = (
        "import os, subprocess, sys\n"
        "services = subprocess.Popen([sys.executable, '-m', 'embedded', '--parent', str(os.getpid()), '--var',\n"
        f"    {str(var)!r}, 'services', '--only', 'valkey'], stdout=subprocess.PIPE)\n"
        "services.stdout.readline()\n"
        "print(services.pid, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    wait_for(lambda: not psutil.pid_exists(int(result.stdout)), "the services to stop", 20)
    assert result.returncode == -signal.SIGKILL
