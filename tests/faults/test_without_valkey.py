"""Valkey away or stalled under real people: they sign in, file, read and sign, and afterwards all of it drains."""

import os
import signal
from collections.abc import Callable
from functools import partial
from time import monotonic
from typing import TypeVar

import pytest

from tests.faults.bench import Bench, run_python
from tests.live import wait_for
from tests.portal_client import Api, Browser

REVIEWER = "reviewer@demo.example"
#: Seconds; the two of a page, and as many for a machine that does other work.
PATIENCE = 4.0

T = TypeVar("T")
#: Does harm, and returns what ends it.
Fault = Callable[[Bench], Callable[[], None]]


def stall(bench: Bench) -> Callable[[], None]:
    """Valkey takes connections and answers nobody; returns what ends it."""
    pid = bench.system.pid("valkey")
    os.kill(pid, signal.SIGSTOP)
    return lambda: os.kill(pid, signal.SIGCONT)


def kill(bench: Bench) -> Callable[[], None]:
    """Valkey is not there; returns what ends it."""
    bench.system.kill_and_keep_down("valkey")
    return lambda: bench.system.start("valkey")


def timely(call: Callable[[], T]) -> T:
    """What ``call`` returns, which has to come soon."""
    began = monotonic()
    found = call()
    assert monotonic() - began < PATIENCE, f"took {monotonic() - began:.1f} s"
    return found


@pytest.fixture(scope="module")
def reviewer(_system: Bench) -> Api:
    issued = run_python(_system.system, "manage.py", "issue_token", REVIEWER)
    assert issued.returncode == 0, issued.stderr
    return Api(_system.system.base_url, issued.stdout.strip())


def ready_to_sign(bench: Bench, reviewer: Api, seed: int) -> str:
    case_id = bench.filed(1, seed=seed)
    bench.api.submit(case_id)
    bench.wait_awaiting_read(case_id)
    answer = {"label": "Benign", "confidence": "high"}
    reviewer._call("post", f"/cases/{case_id}/claim/")
    reviewer._call("post", f"/cases/{case_id}/reads/", json=answer | {"comment": ""})
    reviewer._call("post", f"/cases/{case_id}/conclusion/", json=answer | {"reason": "Looked again."})
    return case_id


@pytest.mark.parametrize(("fault", "seed"), [(stall, 51), (kill, 52)])
def test_people_work_on_and_all_drains(bench: Bench, reviewer: Api, fault: Fault, seed: int) -> None:
    to_sign, to_submit = ready_to_sign(bench, reviewer, seed), bench.filed(2, seed=seed + 10)
    password = bench.system.accounts[REVIEWER]
    end = fault(bench)
    try:
        browser = timely(lambda: Browser(bench.system.base_url, REVIEWER, password))
        for path in (
            "/cases/",
            f"/cases/{to_sign}/",
            "/notifications/",
            "/notifications/bell/",
            "/insights/",
        ):
            answer = timely(partial(browser._session.get, browser._base + path, timeout=60))
            assert answer.status_code in (200, 204), path
        comment = f"Typed while Valkey was away, {seed}."
        signature = {"secret": password, "comment": comment}
        timely(lambda: browser._post(f"/cases/{to_sign}/sign/", signature))
        timely(lambda: bench.api.submit(to_submit))
        wait_for(
            lambda: {bench.health()[part]["status"] for part in ("cache", "broker")} == {"failed"}, "health"
        )
        assert bench.health()["database"]["status"] == "ok"
        assert bench.jobs(to_submit) == {"queued": 2}
        (report,) = bench.rows("SELECT comment FROM reports_diagnosis WHERE case_id = %s", to_sign)
        assert report["comment"] == comment
    finally:
        end()
    bench.assert_each_predicted_once(to_submit, 2)
    wait_for(
        lambda: {bench.health()[part]["status"] for part in ("cache", "broker", "worker", "beat")} == {"ok"},
        "every part to be well again",
        60,
    )
    (told,) = bench.rows("SELECT count(*) AS n FROM notifications_notification WHERE case_id = %s", to_sign)
    assert told["n"] >= 1
