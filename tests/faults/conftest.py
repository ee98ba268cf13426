"""A system of real processes with short times."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.bench import SUBMITTER, Bench, run_python
from tests.live import LiveSystem
from tests.portal_client import Api

#: Seconds; what the same settings do in service, only sooner.
SHORT = {
    "JOB_LEASE_SECONDS": "30",
    "QUICK_LOOK_SECONDS": "20",
    "JOB_RESEND_SECONDS": "5",
    "JOB_GIVE_UP_SECONDS": "600",
    "TRITON_DEADLINE_SECONDS": "8",
    "TRITON_RETRY_SECONDS": "8",
    "CONTRACT_CHECK_SECONDS": "2",
    "REPAIR_SECONDS": "2",
    "QUEUE_RED_SECONDS": "8",
    "HEARTBEAT_SECONDS": "1",
    "HEARTBEAT_TTL_SECONDS": "6",
}
PROCESSES = ("postgres", "valkey", "triton", "pictures", "paper", "worker", "beat", "web")


@pytest.fixture(scope="session")
def _system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("faults")
    with LiveSystem.started(folder / "var", **SHORT) as system:
        issued = run_python(system, "manage.py", "issue_token", SUBMITTER)
        assert issued.returncode == 0, issued.stderr
        yield Bench(system, Api(system.base_url, issued.stdout.strip()))


@pytest.fixture
def bench(_system: Bench) -> Iterator[Bench]:
    """The system with every process up, before the test and after it."""
    _all_up(_system)
    yield _system
    _all_up(_system)


def _all_up(bench: Bench) -> None:
    for name in PROCESSES:
        if bench.system.process(name)["state"] == "stopped":
            bench.system.start(name)
        bench.system.wait_ready(name, timeout=180)
