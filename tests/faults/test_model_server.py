"""A model server that is away for long, or serves another model, holds no case up and answers nothing wrong."""

from tests.faults.bench import Bench
from tests.live import wait_for


def test_a_case_goes_to_reading_when_the_model_stays_away(bench: Bench) -> None:
    case_id = bench.filed(2, seed=31)
    bench.system.kill_and_keep_down("triton")
    bench.api.submit(case_id)
    wait_for(lambda: "unavailable" in bench.outcomes(case_id), "a try without Triton", 60)
    assert bench.jobs(case_id).get("failed", 0) == 0
    bench.age(case_id)  # as if the time for it had passed
    case = bench.wait_awaiting_read(case_id, timeout=60)
    reason = "2 of 2 photographs have no pre-classification: The model server could not be reached."
    assert case["no_preclassification_reason"] == reason
    assert case["preclassification"] is None
    assert bench.health()["triton"]["status"] == "failed"

    bench.system.start("triton")
    later = bench.filed(1, seed=32)
    bench.api.submit(later)
    bench.assert_each_predicted_once(later, 1)
    # What was given up stays given up: nobody finds another answer in a case that is being read.
    assert bench.jobs(case_id) == {"failed": 2}
    assert bench.api.case(case_id)["no_preclassification_reason"] == reason


def test_a_model_that_is_not_the_registered_one_is_not_used(bench: Bench) -> None:
    (version,) = bench.rows("SELECT id, sha256 FROM inference_modelversion WHERE is_active")
    case_id = bench.filed(1, seed=33)
    bench.rows("UPDATE inference_modelversion SET sha256 = %s WHERE id = %s", "b" * 64, version["id"])
    try:
        bench.wait_health("failed", "model")
        assert "registered are sha256 bbbbbbbbbbbb" in bench.health()["model"]["detail"]
        bench.api.submit(case_id)
        wait_for(lambda: _was_sent(bench, case_id), "the job to be sent", 30)
        assert bench.jobs(case_id) == {"queued": 1}
        assert bench.outcomes(case_id) == []
    finally:
        bench.rows(
            "UPDATE inference_modelversion SET sha256 = %s WHERE id = %s", version["sha256"], version["id"]
        )
    bench.assert_each_predicted_once(case_id, 1)
    bench.wait_health("ok", "model")


def _was_sent(bench: Bench, case_id: str) -> bool:
    """The message was sent and has been taken by the worker."""
    sent = bench.rows("SELECT 1 FROM inference_job WHERE case_id = %s AND sent_at IS NOT NULL", case_id)
    with bench.broker() as broker:
        return bool(sent) and not any(broker.type(key) == b"list" for key in broker.keys("default*"))


def test_the_health_page_names_a_dead_worker_and_a_dead_beat(bench: Bench) -> None:
    bench.wait_health("ok", "worker", "beat")
    assert [bench.container_check(part) for part in ("worker", "beat")] == [0, 0]
    bench.system.kill_and_keep_down("worker")
    bench.system.kill_and_keep_down("beat")
    bench.wait_health("failed", "worker", "beat")
    assert [bench.container_check(part) for part in ("worker", "beat")] == [1, 1]
    bench.system.start("worker")
    bench.system.start("beat")
    bench.wait_health("ok", "worker", "beat")
