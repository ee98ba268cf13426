"""The supervisor with stand-ins for its processes: deaths, restarts, order of stopping, requests."""

import errno
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol, TypedDict, Unpack

import psutil
import pytest

from embedded.control import ask
from embedded.errors import EmbeddedError, StopRequested
from embedded.process import Spec
from embedded.state import VarFolder
from embedded.supervisor import Member, State, Supervisor
from tests.live import wait_for

SLEEP = "import time; time.sleep(600)"


class Options(TypedDict, total=False):
    """What a test says about a process besides its name and its code: fields of a Spec."""

    ready: Callable[[], bool]
    stop_grace: float
    start_timeout: float
    patience: float
    stage: int
    explain: Callable[[psutil.Process | None, str], str]


class Stage:
    """A supervisor, what it said, and its processes' Specs made of Python one-liners."""

    def __init__(self, folder: Path, restart: bool = True) -> None:
        self.var = VarFolder(folder)
        self.var.create()
        self.said: list[str] = []
        self.supervisor = Supervisor(self.var, restart, self.said.append, lambda: None)

    def add(self, name: str, code: str, **options: Unpack[Options]) -> None:
        options.setdefault("ready", lambda: True)
        options.setdefault("stop_grace", 3.0)
        spec = Spec(name=name, command=[sys.executable, "-c", code], environment=dict(os.environ), **options)
        self.supervisor.add(spec)

    def bring_up(self, name: str) -> None:
        """Start a process and end the start, as ``make run`` does when all are ready."""
        self.supervisor.start([name])
        self.supervisor.wait_ready([name])
        self.supervisor.started()

    def member(self, name: str) -> Member:
        return self.supervisor.members[name]

    def pid(self, name: str) -> int:
        """The id of a process, which has to run."""
        pid = self.member(name).child.pid
        assert pid is not None
        return pid

    def step_until(self, condition: Callable[[], bool], what: str) -> None:
        def step() -> bool:
            self.supervisor.step()
            return condition()

        wait_for(step, what, 30)


def restore_signals() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


class MakeStage(Protocol):
    """Sets a stage, whose processes are stopped after the test."""

    def __call__(self, restart: bool = True) -> Stage: ...


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[MakeStage]:
    made: list[Stage] = []

    def make(restart: bool = True) -> Stage:
        made.append(Stage(tmp_path / f"var{len(made)}", restart))
        return made[-1]

    yield make
    for one in made:
        one.supervisor.stop_all()


def test_a_process_is_ready_when_it_says_so(stage: MakeStage, tmp_path: Path) -> None:
    one = stage()
    door = tmp_path / "open"
    one.add("web", SLEEP, ready=door.exists)
    one.supervisor.start(["web"])
    one.supervisor.step()
    assert one.member("web").state is State.STARTING
    door.touch()
    one.supervisor.wait_ready(["web"])
    assert one.var.read_run()["processes"]["web"]["pid"] == one.member("web").child.pid
    assert "web: ready after" in one.said[-1]


def test_a_process_that_dies_is_started_again_and_said_so(stage: MakeStage) -> None:
    one = stage()
    one.add("worker", SLEEP)
    one.bring_up("worker")
    first = one.pid("worker")
    os.kill(first, signal.SIGKILL)
    one.step_until(lambda: one.member("worker").restarts == 1, "the restart")
    one.supervisor.wait_ready(["worker"])
    assert one.member("worker").child.pid != first
    assert any(
        "worker ended by itself (signal SIGKILL); starting again in 0.5 s" in line for line in one.said
    )


def test_without_restart_it_stays_down_until_it_is_started(stage: MakeStage) -> None:
    one = stage(restart=False)
    one.add("worker", SLEEP)
    one.bring_up("worker")
    os.kill(one.pid("worker"), signal.SIGKILL)
    one.step_until(lambda: one.member("worker").state is State.STOPPED, "the death to be seen")
    assert "stays down until 'start worker'" in one.said[-1]
    one.supervisor.start(["worker"])
    one.supervisor.wait_ready(["worker"])


def test_dying_again_and_again_at_the_start_is_one_sentence_with_the_last_words(stage: MakeStage) -> None:
    one = stage()
    one.add("worker", "print('no module named tasks'); raise SystemExit(3)", ready=lambda: False)
    one.supervisor.start(["worker"])
    with pytest.raises(
        EmbeddedError, match=r"^worker ended by itself \(exit code 3\), 3 times over: "
    ) as failure:
        one.supervisor.wait_ready(["worker"])
    assert "no module named tasks" in failure.value.log_tail
    assert str(one.var.log("worker")) in str(failure.value)


def test_a_process_that_never_becomes_ready_is_named(stage: MakeStage) -> None:
    one = stage()
    one.add("triton", SLEEP, ready=lambda: False, start_timeout=0.5)
    one.supervisor.start(["triton"])
    with pytest.raises(EmbeddedError, match=r"^triton did not become ready within 0 s, 3 times over"):
        one.supervisor.wait_ready(["triton"])


def test_a_process_that_runs_but_is_broken_is_replaced(stage: MakeStage, tmp_path: Path) -> None:
    one = stage()
    broken = tmp_path / "broken"
    one.add("triton", SLEEP, explain=lambda process, output: "Its stub died." if broken.exists() else "")
    one.bring_up("triton")
    broken.touch()
    one.step_until(lambda: one.member("triton").state is State.WAITING, "the broken process to be seen")
    broken.unlink()
    assert "Its stub died." in one.said[-1]
    one.supervisor.wait_ready(["triton"])


def test_a_process_that_no_longer_answers_is_replaced_when_patience_ends(
    stage: MakeStage, tmp_path: Path
) -> None:
    one = stage()
    answers = tmp_path / "answers"
    answers.touch()
    one.add("web", SLEEP, ready=answers.exists, patience=0.5)
    one.bring_up("web")
    answers.unlink()
    one.step_until(lambda: one.member("web").state is State.WAITING, "the silence to be noticed")
    assert "web did not answer for 0 s; starting again" in one.said[-1]
    answers.touch()
    one.supervisor.wait_ready(["web"])
    assert one.member("web").restarts == 1


def test_stopping_leaves_no_child_and_no_grandchild(stage: MakeStage) -> None:
    one = stage()
    family = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SLEEP!r}])"
    stubborn = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEP}"
    one.add("postgres", SLEEP)
    one.add("worker", family, stage=2)
    one.add("web", stubborn, stage=2, stop_grace=0.5)
    one.supervisor.start(["postgres", "worker", "web"])
    one.supervisor.wait_ready(["postgres", "worker", "web"])
    wait_for(lambda: len(psutil.Process().children(recursive=True)) >= 4, "the grandchild")
    running = [
        process for name in ("postgres", "worker", "web") for process in one.member(name).child.family()
    ]
    assert len(running) == 4
    one.supervisor.stop_all()
    assert psutil.wait_procs(running, timeout=5)[1] == []
    assert one.var.read_run()["state"] == "stopped"


def test_the_database_outlives_those_who_use_it(stage: MakeStage, tmp_path: Path) -> None:
    one = stage()
    diary = tmp_path / "diary"
    on_term = """
import pathlib, signal, sys, time
def end(*_):
    {wait}
    open({diary!r}, "a").write({name!r})
    sys.exit()
signal.signal(signal.SIGTERM, end)
pathlib.Path({diary!r} + {name!r}).touch()
time.sleep(600)
"""
    for name, level, wait in (("d", 0, "0"), ("w", 2, "time.sleep(0.5)")):
        code = on_term.format(diary=str(diary), name=name, wait=wait)
        one.add(name, code, stage=level, ready=(tmp_path / f"diary{name}").exists)
    one.supervisor.start(["d", "w"])
    one.supervisor.wait_ready(["d", "w"])
    one.supervisor.stop_all()
    assert diary.read_text() == "wd"


def test_a_signal_ends_the_watch(stage: MakeStage) -> None:
    one = stage()
    one.supervisor.install_signals()
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGTERM))
    timer.start()
    try:
        with pytest.raises(StopRequested):
            one.supervisor.watch()
    finally:
        restore_signals()


def test_a_full_disk_is_said_once_and_ends_nothing(stage: MakeStage, monkeypatch: pytest.MonkeyPatch) -> None:
    one = stage()
    one.add("worker", SLEEP)
    one.supervisor.start(["worker"])
    one.supervisor.wait_ready(["worker"])

    def full(path: Path, content: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("embedded.supervisor.write_private_json", full)
    family = one.member("worker").child.family()
    one.member("worker").restarts += 1  # something to write
    one.supervisor.step()
    one.supervisor.step()
    assert [line for line in one.said if "No space left on device" in line] == [
        f"{one.var.run_file} cannot be written (No space left on device): free some space on its disk."
    ]
    one.supervisor.stop_all()
    assert psutil.wait_procs(family, timeout=5)[1] == []


def test_a_disk_that_fills_up_is_said_while_running(stage: MakeStage) -> None:
    one = stage()
    one.supervisor.install_signals()
    timer = threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGTERM))
    timer.start()
    try:
        with pytest.raises(StopRequested):
            one.supervisor.watch(minimum_mb=10**9)
    finally:
        restore_signals()
    assert len([line for line in one.said if "free some space" in line]) == 1


def test_requests_stop_kill_and_start_one_process(stage: MakeStage) -> None:
    one = stage()
    one.add("worker", SLEEP)
    one.supervisor.start(["worker"])
    one.supervisor.wait_ready(["worker"])
    answers: list[str] = []

    def talk() -> None:
        for action in ("stop", "start", "kill", "start"):
            answers.append(ask(one.var, action, "worker", timeout=20))
        try:
            ask(one.var, "start", "nobody", timeout=20)
        except EmbeddedError as error:
            answers.append(str(error))

    with one.var.locked():
        client = threading.Thread(target=talk)
        client.start()
        deadline = time.monotonic() + 30
        while client.is_alive() and time.monotonic() < deadline:
            one.supervisor.step()
        client.join(1)
    assert [answer.split(" (")[0] for answer in answers] == [
        "worker is stopped.",
        "worker is ready",
        "worker is stopped.",
        "worker is ready",
        "There is no process 'nobody': choose from worker.",
    ]


def test_a_step_that_fails_shows_its_last_words(stage: MakeStage, tmp_path: Path) -> None:
    one = stage()
    command = [sys.executable, "-c", "print('relation does not exist'); raise SystemExit(1)"]
    with pytest.raises(EmbeddedError, match="The step 'migrate the database' failed") as failure:
        one.supervisor.run_step("migrate the database", command, os.environ, tmp_path)
    assert failure.value.log_tail == "relation does not exist"
