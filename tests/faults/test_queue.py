"""A worker that consumes nothing, or hangs: health says so, cases go on, and a slot that hangs is given back."""

import os
from pathlib import Path

from benchmarks.portal_client import draw_photograph
from tests.faults.conftest import Bench, run_python
from tests.faults.test_model_server import AGE, container_check
from tests.live import wait_for

CONTROL = "from worker.app import app; [app.control.{0}(name, reply=True, timeout=3) for name in ('default', 'quick')]"


def test_a_worker_whose_consumers_are_cancelled_holds_no_case_up(bench: Bench):
    browser = bench.browser()
    assert {bench.health()[part]["status"] for part in ("worker", "queue", "repair")} == {"ok"}
    run_python(bench.system, "-c", CONTROL.format("cancel_consumer"))
    try:
        case_id = bench.filed(2, seed=61)
        bench.api.submit(case_id)
        looked = browser.start_quick_look(draw_photograph(62, (320, 240)))
        for part in ("worker", "queue"):
            wait_for(lambda part=part: bench.health()[part]["status"] == "failed", f"{part} to be red", 90)
        assert "takes no" in bench.health()["worker"]["detail"]
        assert "3 waiting" in bench.health()["queue"]["detail"]
        assert container_check(bench, "worker") == 1
        bench.rows(AGE, case_id)  # as if the time for it had passed
        case = bench.wait_awaiting_read(case_id, timeout=150)
        assert "did not answer in time" in case["no_preclassification_reason"]
        answer = wait_for(lambda: browser.quick_look_answer(looked), "the quick look's answer", 60)
        assert "did not answer in time" in answer
    finally:
        run_python(bench.system, "-c", CONTROL.format("add_consumer"))
    wait_for(lambda: bench.health()["worker"]["status"] == "ok", "the worker to be well", 60)
    later = bench.filed(1, seed=63)
    bench.api.submit(later)
    bench.assert_each_predicted_once(later, 1)


def test_a_task_that_hangs_gives_its_slot_back(bench: Bench):
    hanging = bench.filed(2, seed=64)
    media = Path(bench.system.environment["MEDIA_ROOT"])
    for row in bench.rows("SELECT file FROM cases_smearimage WHERE case_id = %s", hanging):
        # Whoever opens it waits for a writer, for ever: storage that does not answer.
        (media / row["file"]).unlink()
        os.mkfifo(media / row["file"])
    bench.api.submit(hanging)
    wait_for(lambda: bench.jobs(hanging) == {"running": 2}, "both slots to hang", 60)
    later = bench.filed(2, seed=65)
    bench.api.submit(later)
    bench.assert_each_predicted_once(later, 2)
    assert "task.hung" in bench.system.log("worker")
    bench.rows(AGE, hanging)
    case = bench.wait_awaiting_read(hanging, timeout=60)
    assert case["preclassification"] is None
