"""While PostgreSQL restarts, everybody is told when to come back, and then all goes on by itself."""

import requests

from tests.faults.bench import Bench
from tests.live import wait_for


def test_a_restart_of_the_database_is_503_and_needs_no_other_restart(bench: Bench) -> None:
    base = bench.system.base_url
    browser, api = bench.browser(), bench.api
    pids = {name: bench.system.pid(name) for name in ("web", "worker", "beat")}
    case_id = bench.filed(1, seed=51)
    bench.system.kill_and_keep_down("postgres")
    page = browser._session.get(f"{base}/cases/", timeout=20)
    cases = api._session.get(f"{base}/api/v1/cases/", timeout=20)
    health = requests.get(f"{base}/health/ready", timeout=20)
    assert [answer.status_code for answer in (page, cases, health)] == [503, 503, 503]
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in (page, cases, health))
    assert "The database is restarting" in page.text
    assert cases.json()["code"] == "database_away"
    assert requests.get(f"{base}/health/live", timeout=20).ok

    bench.system.start("postgres")
    wait_for(lambda: browser._session.get(f"{base}/cases/", timeout=20).ok, "the worklist to be back", 20)
    bench.api.submit(case_id)
    bench.assert_each_predicted_once(case_id, 1)
    assert {name: bench.system.pid(name) for name in pids} == pids
