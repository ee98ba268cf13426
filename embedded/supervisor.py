"""Starts the processes, watches them, restarts what dies, and stops them in order."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import Any

from embedded.control import Request, waiting_requests
from embedded.errors import EmbeddedError, StopRequested
from embedded.process import Child, Spec, bind_to_parent, rotate
from embedded.state import VarFolder, write_private_json

_POLL = 0.2  # seconds between two looks at the processes
_HEALTH_INTERVAL = 3.0
_SETTLED = 60.0  # seconds of health after which earlier deaths no longer count
_ATTEMPTS_AT_START = 3
_LONGEST_WAIT = 30.0


class State(StrEnum):
    STOPPED = "stopped"
    STARTING = "starting"
    READY = "ready"
    UNHEALTHY = "unhealthy"  # runs, but does not answer
    WAITING = "waiting"  # died, will be started again
    STOPPING = "stopping"


_RUNNING = (State.STARTING, State.READY, State.UNHEALTHY)


@dataclass
class Member:
    """A supervised process and its state. Times are those of ``time.monotonic``."""

    child: Child
    state: State = State.STOPPED
    restarts: int = 0
    deaths: int = 0
    since: float = 0.0
    next_look: float = 0.0
    answered: float = 0.0
    memory_mb: int = 0

    @property
    def name(self) -> str:
        return self.child.spec.name

    def as_dict(self) -> dict[str, Any]:
        return {
            "pid": self.child.pid,
            "state": self.state.value,
            "restarts": self.restarts,
            "started_at": self.child.started_at if self.child.pid else None,
            "memory_mb": self.memory_mb,
            "log": str(self.child.log),
        }


class Supervisor:
    """Runs a set of Specs, in one thread: a child's death signal is tied to the thread that started it."""

    def __init__(
        self, var: VarFolder, restart: bool, say: Callable[[str], None], draw: Callable[[], None]
    ) -> None:
        self.var = var
        self.restart = restart
        self.members: dict[str, Member] = {}
        self.facts: dict[str, Any] = {}
        self._say = say
        self._draw = draw
        self._phase = "starting"
        self._signals = 0
        self._requests: list[Request] = []
        self._written: dict[str, Any] = {}
        self._complaints: set[str] = set()

    def install_signals(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._signals += 1

    def add(self, *specs: Spec) -> None:
        for spec in specs:
            self.members[spec.name] = Member(Child(spec, self.var.log(spec.name)))

    def start(self, names: Iterable[str]) -> None:
        """Start processes that do not run; ``wait_ready`` waits for them."""
        for name in names:
            member = self.members[name]
            if member.state in (State.STOPPED, State.WAITING):
                member.deaths = 0
                self._spawn(member)

    def wait_ready(self, names: Sequence[str]) -> None:
        """Return once all are ready. Raises EmbeddedError when one cannot start, StopRequested on signals."""
        while any(self.members[name].state is not State.READY for name in names):
            self.step()

    def wait_for(self, condition: Callable[[], bool], timeout: float) -> bool:
        """Watch the processes until ``condition`` holds, at most ``timeout`` seconds; returns whether it does."""
        deadline = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > deadline:
                return False
            self.step()
        return True

    def run_step(
        self, label: str, command: Sequence[str], environment: Mapping[str, str], folder: Path
    ) -> None:
        """Run a command to its end while watching the processes. Raises EmbeddedError when it fails."""
        log = self.var.log("setup")
        rotate(log)
        with log.open("ab") as output:
            start = output.tell()
            step = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                cwd=folder,
                start_new_session=True,
                preexec_fn=bind_to_parent(signal.SIGKILL),
            )
        try:
            while step.poll() is None:
                self.step()
        finally:
            if step.poll() is None:
                step.kill()
                step.wait()
        if step.returncode != 0:
            last = "\n".join(log.read_bytes()[start:].decode(errors="replace").splitlines()[-12:])
            raise EmbeddedError(f"The step '{label}' failed; its last words are below and in {log}.", last)

    def started(self) -> None:
        """From now on a process that dies is started again; until now one that could not start ended the whole."""
        self._phase = "ready"

    def watch(self, minimum_mb: int = 0) -> None:
        """Look after the processes until a signal asks to stop; then raise StopRequested.

        Says so once when less than ``minimum_mb`` megabytes become free on the disk.
        """
        self.started()
        while True:
            self.step()
            try:
                self.var.check_free_space(minimum_mb)
                self._complaints.discard("space")
            except EmbeddedError as error:
                self._complain("space", str(error))

    def stop_all(self) -> None:
        """Stop every process, the latest stage first; a further signal kills what is left at once."""
        self._phase = "stopping"
        already = self._signals
        stages = sorted({member.child.spec.stage for member in self.members.values()}, reverse=True)
        for stage in stages:
            group = [member for member in self.members.values() if member.child.spec.stage == stage]
            families = {member.name: member.child.family()[1:] for member in group}
            for member in group:
                if member.state in _RUNNING:
                    member.state = State.STOPPING
                    member.child.ask_to_stop()
            self._publish()
            begin = time.monotonic()
            while any(member.child.pid and member.child.exit_code() is None for member in group):
                longest = max(member.child.spec.stop_grace for member in group)
                if self._signals > already or time.monotonic() > begin + longest:
                    break
                time.sleep(0.05)
            for member in group:
                member.child.finish(families[member.name], time.monotonic())
                member.state = State.STOPPED
                member.memory_mb = 0
        self._phase = "stopped"
        self._publish()

    def step(self) -> None:
        """One pass over processes and requests. Raises StopRequested on a signal."""
        if self._signals:
            raise StopRequested
        for member in self.members.values():
            self._look_at(member)
        self._answer_requests()
        self._publish()
        time.sleep(_POLL)

    def _look_at(self, member: Member) -> None:
        now = time.monotonic()
        code = member.child.exit_code()
        if member.state in _RUNNING and code is not None:
            self._died(member, f"ended by itself ({_describe_exit(code)})")
        elif member.state is State.WAITING and now >= member.next_look:
            member.restarts += 1
            self._spawn(member)
        elif member.state is State.STARTING:
            self._look_at_start(member, now)
        elif member.state in (State.READY, State.UNHEALTHY) and now >= member.next_look:
            self._look_at_health(member, now)

    def _look_at_health(self, member: Member, now: float) -> None:
        member.next_look = now + _HEALTH_INTERVAL
        broken = member.child.explain()
        if not broken and member.child.spec.ready():
            member.state = State.READY
            member.answered = now
        else:
            member.state = State.UNHEALTHY
        patience = member.child.spec.patience
        if broken or (patience is not None and now - member.answered > patience):
            member.child.kill()
            self._died(member, "was killed" if broken else f"did not answer for {patience:.0f} s", broken)
            return
        member.memory_mb = member.child.memory_mb()
        if now - member.since > _SETTLED:
            member.deaths = 0

    def _look_at_start(self, member: Member, now: float) -> None:
        if member.child.spec.ready():
            member.state = State.READY
            member.next_look = member.answered = now
            self._say(f"{member.name}: ready after {now - member.since:.1f} s (process {member.child.pid})")
        elif now - member.since > member.child.spec.start_timeout:
            reason = f"did not become ready within {member.child.spec.start_timeout:.0f} s"
            explanation = member.child.explain()
            member.child.stop()
            self._died(member, reason, explanation)
        elif now >= member.next_look:
            member.next_look = now + 2.0
            explanation = member.child.explain()
            if explanation and self._phase == "starting":
                raise EmbeddedError(explanation, member.child.output())

    def _spawn(self, member: Member) -> None:
        member.state = State.STARTING
        member.since = time.monotonic()
        member.next_look = member.since + 1.0
        try:
            member.child.start()
        except OSError as error:
            self._died(member, f"could not be started ({error.strerror})")

    def _died(self, member: Member, reason: str, explanation: str = "") -> None:
        member.deaths += 1
        member.memory_mb = 0
        explanation = explanation or member.child.explain()
        member.child.kill()  # what it started may have outlived it
        if self._phase == "starting" and (explanation or member.deaths >= _ATTEMPTS_AT_START):
            times = "" if member.deaths == 1 else f", {member.deaths} times over"
            raise EmbeddedError(
                explanation
                or f"{member.name} {reason}{times}: its last words are below and in {member.child.log}.",
                member.child.output(),
            )
        if not self.restart:
            member.state = State.STOPPED
            self._say(
                f"{member.name} {reason} and stays down until 'start {member.name}'. {explanation}".rstrip()
            )
            return
        wait = min(0.5 * 2 ** (member.deaths - 1), _LONGEST_WAIT)
        member.state = State.WAITING
        member.next_look = time.monotonic() + wait
        self._say(
            f"{member.name} {reason}; starting again in {wait:.1f} s, see {member.child.log}. {explanation}"
        )

    # requests of 'python -m embedded start|stop|restart|kill NAME'

    def _answer_requests(self) -> None:
        for request in waiting_requests(self.var.control):
            member = self.members.get(request.name)
            if member is None:
                request.answer(
                    False, f"There is no process {request.name!r}: choose from {', '.join(self.members)}."
                )
                continue
            if request.action in ("stop", "restart", "kill"):
                self._stop_one(member, at_once=request.action == "kill")
            if request.action in ("stop", "kill"):
                request.answer(True, f"{member.name} is stopped.")
            else:
                try:
                    self.start([member.name])
                except EmbeddedError as error:
                    request.answer(False, str(error))
                else:
                    self._requests.append(request)
        for request in list(self._requests):
            member = self.members[request.name]
            if member.state is State.READY:
                request.answer(True, f"{member.name} is ready (process {member.child.pid}).")
            elif member.state is State.STOPPED or member.deaths >= _ATTEMPTS_AT_START:
                request.answer(False, f"{member.name} does not start: see {member.child.log}.")
            else:
                continue
            self._requests.remove(request)

    def _stop_one(self, member: Member, at_once: bool) -> None:
        member.state = State.STOPPING
        self._publish()
        if at_once:
            member.child.kill()
        else:
            member.child.stop()
        member.state = State.STOPPED
        member.memory_mb = 0

    def _publish(self) -> None:
        """Draw the table and write ``run.json``, when something changed."""
        self._draw()
        content = {
            **self.facts,
            "state": self._phase,
            "processes": {name: member.as_dict() for name, member in self.members.items()},
        }
        if content != self._written:
            try:
                write_private_json(self.var.run_file, content)
                self._written = content
            except (
                OSError
            ) as error:  # a full disk must not keep the processes from being looked after, or stopped
                reason = (
                    f"{self.var.run_file} cannot be written ({error.strerror}): free some space on its disk."
                )
                self._complain("state", reason)

    def _complain(self, about: str, message: str) -> None:
        if about not in self._complaints:
            self._complaints.add(about)
            self._say(message)


def _describe_exit(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"
