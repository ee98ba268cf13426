"""Takes requests, has children do them, so many at once, and answers for those that break. One thread: it forks."""

import contextlib
import gc
import logging
import os
import selectors
import signal
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from confined import child, protocol
from confined.bounds import Bounds
from confined.child import MEGABYTE, Job, Request
from confined.protocol import Failed

log = logging.getLogger("confined")

#: Seconds between two looks at the clock.
_TICK = 0.25


@dataclass
class Running:
    """A child at work, and until when it may be (monotonic seconds)."""

    request: Request
    until: float
    over_time: bool = False
    is_abandoned: bool = False


@dataclass
class Server:
    """Answers on a listening socket until it is asked to stop.

    ``prepare`` is called once, before the first child is forked: what it imports, all of them have.
    """

    listener: socket.socket
    jobs: Mapping[str, Job]
    bounds: Bounds
    prepare: Callable[[], None] = lambda: None
    running: dict[int, Running] = field(default_factory=dict)
    waiting: list[Request] = field(default_factory=list)
    _selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    _is_prepared: bool = False
    _is_stopping: bool = False

    def serve(self) -> None:
        """Answer requests until SIGTERM or SIGINT; what is under way is ended then."""
        wake, woken = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        self.listener.setblocking(False)
        self._selector.register(self.listener, selectors.EVENT_READ, self._accept)
        self._selector.register(wake, selectors.EVENT_READ, lambda: os.read(wake, 4096))
        while not self._is_stopping:
            for key, _events in self._selector.select(_TICK if self.running or self.waiting else None):
                key.data()
            self._look_at_children()
            self._look_at_clock()
            self._start_waiting()
        for pid in self.running:
            os.kill(pid, signal.SIGKILL)

    def _stop(self, number: int, frame: object) -> None:
        self._is_stopping = True

    def _accept(self) -> None:
        with contextlib.suppress(BlockingIOError):
            connection, _address = self.listener.accept()
            connection.setblocking(False)
            self._selector.register(connection, selectors.EVENT_READ, lambda: self._read(connection))

    def _read(self, connection: socket.socket) -> None:
        self._selector.unregister(connection)
        try:
            message, files = protocol.receive(connection)
        except (OSError, ValueError, EOFError):
            connection.close()
            return
        arguments, patience = message.get("arguments"), message.get("patience")
        request = Request(
            connection,
            str(message.get("job", "")),
            arguments if isinstance(arguments, dict) else {},
            files,
            time.monotonic() + min(_number(patience, self.bounds.patience), self.bounds.patience),
        )
        if not request.job:
            self._end(request, {"result": {"running": len(self.running), "waiting": len(self.waiting)}})
        elif request.job not in self.jobs or not files:
            self._end(request, {"failed": Failed.BROKEN})
        elif len(self.waiting) >= self.bounds.most_waiting:
            self._end(request, {"failed": Failed.BUSY})
        else:
            self.waiting.append(request)
            # Nothing more is said on it: what can be read from now on is that the other side has gone.
            self._selector.register(connection, selectors.EVENT_READ, lambda: self._left(request))

    def _left(self, request: Request) -> None:
        """Nobody waits for the answer any more."""
        if request in self.waiting:
            self.waiting.remove(request)
            self._end(request, None)
            return
        self._forget(request)
        for pid, running in self.running.items():
            if running.request is request:
                running.is_abandoned = True
                os.kill(pid, signal.SIGKILL)

    def _forget(self, request: Request) -> None:
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(request.connection)

    def _end(self, request: Request, answer: protocol.Answer | None) -> None:
        self._forget(request)
        if answer is not None:
            with contextlib.suppress(OSError):
                protocol.send(request.connection, answer)
        request.close()

    def _start_waiting(self) -> None:
        while len(self.running) < self.bounds.at_once:
            large = sum(running.request.is_large for running in self.running.values())
            may_be_large = large < self.bounds.large_at_once
            able = [one for one in self.waiting if may_be_large or not one.is_large]
            if not able:
                return
            request = min(able, key=lambda one: one.until)
            self.waiting.remove(request)
            self._start(request)

    def _start(self, request: Request) -> None:
        if not self._is_prepared:
            self.prepare()
            gc.collect()
            gc.freeze()  # a child that collects would otherwise copy every page it looks at
            self._is_prepared = True
        megabytes = self.bounds.large_mb if request.is_large else self.bounds.small_mb
        parent = os.getpid()
        try:
            pid = os.fork()
        except OSError as error:
            log.error("no process for a job: %s", error)
            self._end(request, {"failed": Failed.BUSY})
            return
        if pid == 0:
            self.listener.close()
            child.do(self.jobs, request, megabytes * MEGABYTE, self.bounds, parent)
        self.running[pid] = Running(request, time.monotonic() + self.bounds.clock)

    def _look_at_children(self) -> None:
        for pid in list(self.running):
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                self._ended(self.running.pop(pid), os.waitstatus_to_exitcode(status))

    def _ended(self, running: Running, code: int) -> None:
        request = running.request
        if code == child.DONE or running.is_abandoned:
            self._end(request, None)
        elif code in (child.IS_LARGE, child.OUT_OF_MEMORY) and not request.is_large:
            request.is_large = True
            self.waiting.append(request)
        elif code == child.OUT_OF_MEMORY:
            log.warning("job %s took more than %d MB", request.job, self.bounds.large_mb)
            self._end(request, {"failed": Failed.MEMORY})
        elif code == -signal.SIGXCPU:
            log.warning("job %s took more than %d s of processor time", request.job, self.bounds.seconds)
            self._end(request, {"failed": Failed.TIME})
        elif running.over_time:
            log.warning("job %s was not done within %.0f s", request.job, self.bounds.clock)
            self._end(request, {"failed": Failed.BUSY})
        else:
            log.error("job %s ended with %d", request.job, code)
            self._end(request, {"failed": Failed.BROKEN})

    def _look_at_clock(self) -> None:
        now = time.monotonic()
        for pid, running in self.running.items():
            if now > running.until and not running.over_time:
                running.over_time = True
                os.kill(pid, signal.SIGKILL)
        for request in [one for one in self.waiting if now > one.until]:
            self.waiting.remove(request)
            self._end(request, {"failed": Failed.BUSY})


def _number(value: object, default: float) -> float:
    return float(value) if isinstance(value, int | float) else default


def listen(path: Path) -> socket.socket:
    """A socket at ``path`` that only this user can reach; one that a killed server left is replaced."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.unlink(missing_ok=True)
    listener = protocol.new_socket()
    before = os.umask(0o177)
    try:
        with protocol.address_of(path) as address:
            listener.bind(address)
    finally:
        os.umask(before)
    listener.listen(64)
    return listener
