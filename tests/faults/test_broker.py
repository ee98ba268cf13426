"""The broker may lose everything it has: the rows know what is to be done."""

from tests.faults.bench import Bench
from tests.live import wait_for
from tests.portal_client import draw_photograph


def test_messages_that_vanish_are_sent_again(bench: Bench) -> None:
    case_id = bench.filed(4, seed=11)
    bench.system.stop("worker")
    bench.api.submit(case_id)
    with bench.broker() as broker:
        assert broker.dbsize() > 0
        broker.flushdb()
    bench.system.start("worker")
    bench.assert_each_predicted_once(case_id, 4)


def test_a_case_can_be_submitted_while_the_broker_is_down(bench: Bench) -> None:
    case_id = bench.filed(3, seed=12)
    bench.system.kill_and_keep_down("valkey")
    submitted = bench.api.submit(case_id)
    assert submitted["state"] == "submitted"
    assert bench.jobs(case_id) == {"queued": 3}
    bench.system.start("valkey")
    bench.assert_each_predicted_once(case_id, 3)


def test_worker_and_beat_outlast_a_broker_that_is_away_for_longer(bench: Bench) -> None:
    pids = {name: bench.system.pid(name) for name in ("worker", "beat")}
    bench.system.kill_and_keep_down("valkey")
    case_id = bench.filed(2, seed=13)
    bench.api.submit(case_id)
    # Longer than beat's round and the broker's time-outs.
    wait_for(lambda: bench.system.log("worker").count("Trying again in") > 2, "the worker to try again", 60)
    bench.system.start("valkey")
    bench.assert_each_predicted_once(case_id, 2)
    assert {name: bench.system.pid(name) for name in pids} == pids


def test_a_backlog_does_not_hold_up_a_quick_look(bench: Bench) -> None:
    browser = bench.browser()
    backlog = [bench.filed(10, seed=20 + number) for number in range(3)]
    for case_id in backlog:
        bench.api.submit(case_id)
    url = browser.start_quick_look(draw_photograph(77, (320, 240)))
    answer = wait_for(lambda: browser.quick_look_answer(url), "the quick look's answer", 60)
    open_jobs = bench.rows("SELECT count(*) AS n FROM inference_job WHERE state IN ('queued', 'running')")[0][
        "n"
    ]
    assert open_jobs > 15
    assert "Benign" in answer
    for case_id in backlog:
        bench.wait_awaiting_read(case_id, timeout=180)
