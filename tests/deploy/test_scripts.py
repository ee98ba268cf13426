"""What runs inside the containers besides the portal: the wait for the database, the health of worker and beat."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from celery.utils.nodenames import default_nodename
from django.core.cache import cache

from embedded.settings import ROOT
from embedded.triton import server
from portal.inference.selectors import BEAT_HEARTBEAT, WORKER_HEARTBEAT_PREFIX


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_wait_ends_when_the_database_answers() -> None:
    assert run("deploy/wait_for_database.py").returncode == 0


def test_the_wait_gives_up_and_says_what_to_look_at() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound, so that nobody else takes it, and not listening
        port = closed.getsockname()[1]
        done = run(
            "deploy/wait_for_database.py",
            DATABASE_URL=f"postgres://hemalens:wrong@127.0.0.1:{port}/hemalens",
            DATABASE_WAIT_SECONDS="0.5",
        )
    assert done.returncode == 1
    assert "check that it runs" in done.stderr
    assert "Connection refused" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("name", "key"), [("worker", WORKER_HEARTBEAT_PREFIX + default_nodename("")), ("beat", BEAT_HEARTBEAT)]
)
def test_health_is_the_heartbeat_of_this_machine(name: str, key: str) -> None:
    cache.delete(key)
    silent = run("-m", "worker.health", name)
    assert (silent.returncode, silent.stderr.strip()) == (
        1,
        f"no heartbeat at {key}, or no cache to read it from",
    )
    cache.set(key, {"pid": 1, "at": 0.0}, 60)
    try:
        assert run("-m", "worker.health", name).returncode == 0
    finally:
        cache.delete(key)


def test_health_without_the_cache_is_bad_and_says_so_in_a_line() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        done = run("-m", "worker.health", "beat", CACHE_URL=f"redis://127.0.0.1:{closed.getsockname()[1]}/1")
    assert done.returncode == 1
    assert "valkey.away" in done.stderr
    assert done.stderr.splitlines()[-1] == "no heartbeat at beat:heartbeat, or no cache to read it from"
    assert "Traceback" not in done.stderr


def test_health_of_nothing_in_particular_is_a_question_to_correct() -> None:
    assert run("-m", "worker.health").returncode == 2


def test_the_image_closes_of_triton_what_make_run_closes(tmp_path: Path) -> None:
    """The script runs with a tritonserver that only says what it was asked to do."""
    said = tmp_path / "tritonserver"
    said.write_text("#!/bin/sh\nprintf '%s\\n' \"$@\"\n")
    said.chmod(0o755)
    started = [
        subprocess.run(
            [ROOT / "deploy" / "serve-model", "--model-config-name=gpu"],
            env={"PATH": f"{tmp_path}:{os.defpath}"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()
        for _ in range(2)
    ]
    assert started[0][-1] == "--model-config-name=gpu"
    assert "--allow-metrics=false" in started[0]
    for flag, what in server.CLOSED_TO_ALL.items():
        found = [next(line for line in lines if line.startswith(f"{flag}=")) for lines in started]
        assert all(
            re.fullmatch(f"{flag}={what}:{re.escape(server.KEY)}=[0-9a-f]{{64}}", line) for line in found
        )
        assert found[0] != found[1], "the value is another at every start"
