"""A worker that consumes nothing, or hangs: health says so, cases go on, and a slot that hangs is given back."""

import os
from pathlib import Path

import pytest

from tests.faults.bench import Bench, run_python
from tests.live import wait_for
from tests.portal_client import draw_photograph

#: Ends well once the worker has said of both queues that it has done so.
CONTROL = (
    "from worker.app import app; "
    "assert all([app.control.{0}(name, reply=True, timeout=5) for name in ('default', 'quick')])"
)

#: Several waits in a row, each long enough for a machine that has other work.
pytestmark = pytest.mark.timeout(900)


def tell_worker(bench: Bench, order: str) -> None:
    """Have the worker take from its queues, or take no more, and wait for its word."""
    script = CONTROL.format(order)
    wait_for(lambda: run_python(bench.system, "-c", script).returncode == 0, f"the worker to {order}", 120)


def test_a_worker_whose_consumers_are_cancelled_holds_no_case_up(bench: Bench) -> None:
    browser = bench.browser()
    bench.wait_health("ok", "worker", "queue", "repair")
    tell_worker(bench, "cancel_consumer")
    try:
        case_id = bench.filed(2, seed=61)
        bench.api.submit(case_id)
        looked = browser.start_quick_look(draw_photograph(62, (320, 240)))
        red = bench.wait_health("failed", "worker", "queue")
        assert "takes no" in red["worker"]["detail"]
        # Both photographs, and the quick look unless it has been given up by then.
        assert red["queue"]["detail"].startswith(("2 waiting", "3 waiting"))
        assert bench.container_check("worker") == 1
        bench.age(case_id)  # as if the time for it had passed
        case = bench.wait_awaiting_read(case_id, timeout=240)
        assert "did not answer in time" in case["no_preclassification_reason"]
        answer = wait_for(lambda: browser.quick_look_answer(looked), "the quick look's answer", 120)
        assert "did not answer in time" in answer
    finally:
        tell_worker(bench, "add_consumer")
    bench.wait_health("ok", "worker")
    later = bench.filed(1, seed=63)
    bench.api.submit(later)
    bench.assert_each_predicted_once(later, 1)


def test_a_task_that_hangs_gives_its_slot_back(bench: Bench) -> None:
    hanging = bench.filed(2, seed=64)
    media = Path(bench.system.environment["MEDIA_ROOT"])
    for row in bench.rows("SELECT file FROM cases_smearimage WHERE case_id = %s", hanging):
        # Whoever opens it waits for a writer, for ever: storage that does not answer.
        (media / row["file"]).unlink()
        os.mkfifo(media / row["file"])
    bench.api.submit(hanging)
    wait_for(lambda: bench.jobs(hanging) == {"running": 2}, "both slots to hang", 120)
    later = bench.filed(2, seed=65)
    bench.api.submit(later)
    bench.assert_each_predicted_once(later, 2)
    assert "task.hung" in bench.system.log("worker")
    bench.age(hanging)
    case = bench.wait_awaiting_read(hanging, timeout=240)
    assert case["preclassification"] is None
