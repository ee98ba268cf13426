"""Nothing lost: a part is killed in the middle and started again, and every photograph is predicted exactly once."""

from signal import SIGCONT, SIGKILL, SIGSTOP

import pytest

from tests.faults.bench import Bench
from tests.live import wait_for

IMAGES = 10


def submitted(bench: Bench, seed: int) -> str:
    case_id = bench.filed(IMAGES, seed)
    bench.api.submit(case_id)
    return case_id


@pytest.mark.parametrize("name", ["triton", "valkey", "postgres"])
def test_killed_in_the_middle_and_started_again(bench: Bench, name: str) -> None:
    case_id = submitted(bench, seed=1)
    bench.in_the_middle(case_id)
    killed = bench.system.kill(name, SIGKILL)
    bench.system.wait_ready(name, other_than=killed, timeout=180)
    bench.assert_each_predicted_once(case_id, IMAGES)


def test_a_killed_worker_loses_nothing_and_its_tries_stay_on_record(bench: Bench) -> None:
    case_id = submitted(bench, seed=2)
    bench.in_the_middle(case_id)
    bench.system.kill_and_keep_down("worker")
    running = bench.jobs(case_id).get("running", 0)
    bench.system.start("worker")
    bench.assert_each_predicted_once(case_id, IMAGES)
    assert bench.outcomes(case_id).count("lost") == running


def test_a_triton_that_hangs_is_given_up_and_asked_again(bench: Bench) -> None:
    case_id = submitted(bench, seed=3)
    bench.in_the_middle(case_id)
    pid = bench.system.kill("triton", SIGSTOP)
    try:
        wait_for(lambda: "unavailable" in bench.outcomes(case_id), "a try to be given up", 60)
    finally:
        bench.system.kill("triton", SIGCONT)
    assert bench.system.pid("triton") == pid
    bench.assert_each_predicted_once(case_id, IMAGES)


def test_a_worker_that_is_stopped_in_order_finishes_what_it_has(bench: Bench) -> None:
    case_id = submitted(bench, seed=4)
    bench.in_the_middle(case_id)
    bench.system.stop("worker")
    assert "running" not in bench.jobs(case_id)
    bench.system.start("worker")
    bench.assert_each_predicted_once(case_id, IMAGES)
    assert set(bench.outcomes(case_id)) == {"answered"}
