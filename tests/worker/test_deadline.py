"""A task that does not end gives its slot back; several that hang have the process start anew."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import pytest
from pytest_django.fixtures import Settings

from worker import deadline
from worker.app import app
from worker.delivery import task


@pytest.fixture
def stuck() -> Iterator[Callable[[], bool]]:
    """A function that hangs until the test is over."""
    over = threading.Event()
    yield over.wait
    over.set()


def test_what_ends_in_time_is_as_if_nobody_watched() -> None:
    assert deadline.within(5, divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        deadline.within(5, divmod, 7, 0)
    assert deadline.hung() == 0


def test_what_hangs_is_left_behind_and_many_of_it_end_the_process(
    stuck: Callable[[], bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[int] = []
    monkeypatch.setattr(deadline, "_start_anew", ended.append)
    for count in range(1, deadline.HUNG_MOST + 1):
        with pytest.raises(deadline.TaskHungError):
            deadline.within(0.05, stuck)
        assert deadline.hung() == count
        assert ended == ([count] if count == deadline.HUNG_MOST else [])


def test_a_hanging_task_does_not_keep_the_worker_from_the_next(
    stuck: Callable[[], bool], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.TASK_DEADLINE_SECONDS = 0.1
    monkeypatch.setattr(deadline, "_start_anew", lambda count: None)
    done: list[str] = []

    @task("worker.test_hangs")
    def hangs() -> None:
        done.append("begun")
        stuck()

    try:
        # As the worker calls it: not directly.
        result = app.tasks["worker.test_hangs"].apply()
        assert isinstance(result.result, deadline.TaskHungError)
        assert done == ["begun"]
    finally:
        app.tasks.unregister("worker.test_hangs")


def test_the_process_ends_even_when_nothing_in_it_does() -> None:
    code = (
        "import signal, time; from worker import deadline; deadline.LAST_SECONDS = 0.2;"
        "signal.signal(signal.SIGTERM, lambda *_: None); deadline._start_anew(4); time.sleep(60)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=50, check=False)
    assert ended.returncode == 1
    assert b"worker.starts_anew" in ended.stdout + ended.stderr
