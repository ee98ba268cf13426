"""Photographs of 100 megapixels: web and worker stay small, and a server of pictures that is killed loses nothing."""

import re
from concurrent.futures import ThreadPoolExecutor
from signal import SIGKILL

import psutil
import pytest

from confined.client import server_in
from embedded.settings import ROOT
from tests.faults.bench import Bench
from tests.large_pictures import AT_ONCE, BARS, FORMATS, draw_large, send
from tests.live import wait_for
from tests.peaks import Peaks

_LIMIT = re.search(r"(?s)\n  pictures:\n.*?mem_limit: (\d+)m", (ROOT / "docker-compose.yml").read_text())
assert _LIMIT
#: Megabytes that compose gives the pictures.
COMPOSE = int(_LIMIT[1])


@pytest.fixture(scope="module")
def drawn() -> list[tuple[str, bytes]]:
    """Names and contents of large files, PNG and JPEG by turns."""
    return [draw_large(number, FORMATS[number % 2]) for number in range(AT_ONCE)]


def wait_idle(bench: Bench) -> None:
    pictures = server_in(bench.system.environment["CONFINED_SOCKETS"], "pictures")
    wait_for(lambda: not any(pictures.ping(5.0).values()), "the pictures to be done", 240)


def test_six_at_once_leave_web_and_worker_small(bench: Bench, drawn: list[tuple[str, bytes]]) -> None:
    processes = {name: bench.system.pid(name) for name in ("web", "worker", "pictures")}
    case_id = bench.api.new_case()
    doors = [bench.browser().upload, bench.api.upload]
    with Peaks(processes) as peaks:
        send(case_id, [(doors[number // 3], *file) for number, file in enumerate(drawn)])
        bench.api.submit(case_id)
        bench.assert_each_predicted_once(case_id, AT_ONCE)
        wait_idle(bench)
    found = peaks.found
    assert found["web"].largest < BARS["web"], found
    assert found["worker"].largest < BARS["worker"], found
    assert 1 <= found["pictures"].children <= 4, found
    assert 300 < found["pictures"].together < COMPOSE, found
    # What they took is given back.
    assert {name: bench.system.pid(name) for name in processes} == processes
    assert psutil.Process(processes["pictures"]).children() == []
    assert psutil.Process(processes["pictures"]).memory_info().rss < 100 * 2**20


def test_a_killed_server_of_pictures_loses_no_upload_and_no_answer(
    bench: Bench, drawn: list[tuple[str, bytes]]
) -> None:
    case_id = bench.api.new_case()
    with ThreadPoolExecutor(2) as pool:
        doors = (bench.browser().upload, bench.api.upload)
        jpegs = (drawn[1], drawn[3])
        uploads = [pool.submit(door, case_id, *file) for door, file in zip(doors, jpegs, strict=True)]
        kill_at_work(bench)
        assert sorted(upload.result(240)["position"] for upload in uploads) == [1, 2]
    bench.api.submit(case_id)
    kill_at_work(bench)
    bench.assert_each_predicted_once(case_id, 2)
    wait_idle(bench)


def kill_at_work(bench: Bench) -> None:
    """Kill the server of pictures while it has a job; it is started again."""
    server = psutil.Process(bench.system.pid("pictures"))
    wait_for(server.children, "a picture to be read")
    bench.system.kill("pictures", SIGKILL)
    bench.system.wait_ready("pictures", other_than=server.pid)
