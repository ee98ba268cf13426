"""What a server of bounded processes does with jobs that take too much, break, or are left alone."""

import io
import os
import signal
import socket
import stat
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from confined import client as clients
from confined import protocol
from confined.client import Client, JobFailed, JobRefused, ServerGone, scratch, server_in
from confined.protocol import Failed
from tests.confined.servers import running, started
from tests.live import wait_for

STAGED = "tests.confined.staged"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A server whose jobs misbehave; its folder has a name longer than the kernel takes for a socket."""
    folder = tmp_path_factory.mktemp("sockets") / ("long" * 30)
    with started("staged", folder, module=STAGED) as found:
        yield found


def why(server: Client, job: str, **arguments: object) -> Failed:
    with pytest.raises(JobFailed) as caught:
        server.run(job, arguments, io.BytesIO(b"x"), [scratch()])
    return caught.value.why


class Held:
    """Jobs that wait until they are let go."""

    def __init__(self, server: Client, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self.pool = ThreadPoolExecutor(8)
        self.asked = 0

    def ask(self, patience: float | None = None, **arguments: object) -> "Future[int]":
        self.asked += 1
        places = {"started": str(self.folder / f"started-{self.asked}"), "until": str(self.folder / "go")}
        return self.pool.submit(
            self.server.run, "wait", {**places, **arguments}, io.BytesIO(b"x"), (), patience
        )

    def has_begun(self, number: int) -> bool:
        return (self.folder / f"started-{number}").exists()

    def pids(self) -> list[int]:
        return [int(text) for file in self.folder.glob("started-*") if (text := file.read_text())]

    def let_go(self) -> None:
        (self.folder / "go").touch()


@pytest.fixture
def held(server: Client, tmp_path: Path) -> Iterator[Held]:
    jobs = Held(server, tmp_path)
    yield jobs
    jobs.let_go()
    jobs.pool.shutdown()
    wait_for(lambda: not any(server.ping().values()), "the jobs to end")


def test_a_job_reads_and_writes_files_of_its_caller(server: Client) -> None:
    content = os.urandom(3_000_000)
    with scratch() as target:
        assert server.run("copy", {}, io.BytesIO(content), [target]) == len(content)
        target.seek(0)
        assert target.read() == content


def test_only_the_owner_reaches_the_socket(server: Client) -> None:
    assert stat.S_IMODE(server.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(server.path.parent.stat().st_mode) == 0o700


def test_memory_beyond_the_small_bound_makes_a_job_large_and_beyond_the_large_one_ends_it(
    server: Client,
) -> None:
    assert server.run("take", {"mb": 8}, io.BytesIO(b"x")) is False
    assert server.run("take", {"mb": 100}, io.BytesIO(b"x")) is True
    assert why(server, "take", mb=200) is Failed.MEMORY


def test_a_job_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    with started("staged", tmp_path, module=STAGED, STAGED_SECONDS="1") as hasty:
        assert why(hasty, "spin") is Failed.TIME


def test_a_job_that_is_not_done_in_time_is_no_fault_of_its_input(tmp_path: Path) -> None:
    with started("staged", tmp_path, module=STAGED, STAGED_CLOCK="1") as hasty:
        places = {"started": str(tmp_path / "started"), "until": str(tmp_path / "never")}
        assert why(hasty, "wait", **places) is Failed.BUSY


@pytest.mark.parametrize("job", ["die", "fail", "no_such_job", "fill"])
def test_a_job_that_breaks_is_answered(server: Client, job: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert why(server, job) is Failed.BROKEN
    assert server.run("take", {"mb": 1}, io.BytesIO(b"x")) is False


def test_what_a_job_says_against_its_input_comes_through(server: Client) -> None:
    with pytest.raises(JobRefused) as caught:
        server.run("refuse", {}, io.BytesIO(b"x"))
    assert caught.value.why == {"words": "not this one"}


def test_no_more_run_at_once_than_may_and_the_rest_waits_its_turn(server: Client, held: Held) -> None:
    jobs = [held.ask() for _ in range(5)]
    wait_for(lambda: server.ping() == {"running": 3, "waiting": 2}, "three to run")
    assert why(server, "take", mb=1) is Failed.BUSY
    wait_for(lambda: len(held.pids()) == 3, "three processes")
    held.let_go()
    assert len({job.result(30) for job in jobs}) == 5, "each in a process of its own"


def test_a_large_job_leaves_room_for_small_ones(server: Client, held: Held) -> None:
    held.ask(large=True)
    wait_for(lambda: len(held.pids()) == 1, "the large job to run")
    second = held.ask(large=True)
    wait_for(lambda: server.ping() == {"running": 1, "waiting": 1}, "the second large job to wait")
    assert server.run("take", {"mb": 1}, io.BytesIO(b"x")) is False
    held.let_go()
    assert second.result(30)


def test_who_has_less_patience_goes_first_and_does_not_wait_longer(server: Client, held: Held) -> None:
    running = [held.ask() for _ in range(3)]
    wait_for(lambda: len(held.pids()) == 3, "three processes")
    with pytest.raises(JobFailed) as caught:
        server.run("take", {"mb": 1}, io.BytesIO(b"x"), patience=0.2)
    assert caught.value.why is Failed.BUSY
    held.ask()
    wait_for(lambda: server.ping()["waiting"] == 1, "the patient job to wait")
    held.ask(patience=20.0)
    wait_for(lambda: server.ping()["waiting"] == 2, "the hurried job to wait")
    os.kill(held.pids()[0], signal.SIGKILL)
    wait_for(lambda: held.has_begun(5), "the hurried job to begin")
    assert not held.has_begun(4)
    held.let_go()
    assert sum(job.exception(30) is not None for job in running) == 1


def test_a_job_that_nobody_waits_for_is_ended(server: Client, tmp_path: Path) -> None:
    started, never = tmp_path / "started", tmp_path / "never"
    connection = protocol.new_socket()
    with protocol.address_of(server.path) as address:
        connection.connect(address)
    request = {"job": "wait", "arguments": {"started": str(started), "until": str(never)}}
    with scratch() as source:
        protocol.send(connection, request, [source.fileno()])
    wait_for(lambda: started.exists() and started.read_text(), "the job to run")
    connection.close()
    pid = int(started.read_text())
    wait_for(lambda: has_ended(pid), "its process to end", 30)


def test_a_message_that_is_none_costs_nothing_but_its_connection(server: Client) -> None:
    for message in (b"", b"[]", b"{", b'{"job": 1, "arguments": 2}', b'{"job": "copy"}'):
        with protocol.address_of(server.path) as address, protocol.new_socket() as connection:
            connection.connect(address)
            connection.send(message) if message else connection.shutdown(socket.SHUT_WR)
    assert server.ping() == {"running": 0, "waiting": 0}


def has_ended(pid: int) -> bool:
    """Also when nobody has asked for its exit status yet."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def test_a_server_that_is_killed_takes_its_jobs_along_and_they_are_asked_for_again(tmp_path: Path) -> None:
    go = tmp_path / "go"
    found: list[int] = []

    def ask() -> None:
        places = {"started": str(tmp_path / "started"), "until": str(go)}
        found.append(server_in(tmp_path, "staged").run("wait", places, io.BytesIO(b"x")))

    asking = threading.Thread(target=ask)
    with running("staged", tmp_path, module=STAGED) as first:
        asking.start()
        wait_for((tmp_path / "started").exists, "the job to run")
        pid = int(wait_for((tmp_path / "started").read_text, "its process id"))
        first.send_signal(signal.SIGKILL)
        first.wait(10)
    # at once: who asked waits only so long for a server that is started again
    with running("staged", tmp_path, module=STAGED):
        wait_for(lambda: has_ended(pid), "its process to end with the server")
        go.touch()
        asking.join(30)
    assert len(found) == 1
    assert found != [pid]


def test_a_server_that_is_away_is_said_to_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "RESTART_SECONDS", 0.0)
    absent = server_in(tmp_path, "staged")
    with pytest.raises(ServerGone):
        absent.run("copy", {}, io.BytesIO(b"x"), [scratch()])
    with pytest.raises(ServerGone):
        absent.ping()


@pytest.mark.parametrize("value", ["0", "-1", "many", "1.5"])
def test_a_setting_that_cannot_be_used_is_named(
    tmp_path: Path, value: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with (
        pytest.raises(AssertionError, match="did not start"),
        started("pictures", tmp_path, PICTURE_JOBS=value),
    ):
        pass
    assert f"PICTURE_JOBS must be a whole number above 0, not '{value}'" in capfd.readouterr().err
