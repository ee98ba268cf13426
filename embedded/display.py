"""What the terminal shows: a live table where it is one, plain lines where it is not."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from embedded.supervisor import Member, State

_STYLE = {State.READY: "green", State.STARTING: "yellow", State.WAITING: "red", State.UNHEALTHY: "red"}


class Display:
    """Prints messages, and keeps a line per process below them on a terminal."""

    def __init__(self, members: Callable[[], Mapping[str, Member]]) -> None:
        self.console = Console(highlight=False, soft_wrap=True)
        self._members = members
        self._drawn_at = 0.0
        # refreshed by hand: a thread of rich's own would be one more thread in the supervisor
        self._live = Live(console=self.console, auto_refresh=False) if self.console.is_terminal else None
        if self._live is not None:
            self._live.start()

    def say(self, message: str, style: str | None = None) -> None:
        self.console.print(message, style=style, markup=False)

    def draw(self) -> None:
        if self._live is None or time.monotonic() - self._drawn_at < 1.0:
            return
        self._drawn_at = time.monotonic()
        self._live.update(process_table(self._members()), refresh=True)

    def print_table(self) -> None:
        """The table once, where no live one is drawn."""
        if self._live is None:
            self.console.print(process_table(self._members()))

    def close(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None


def process_table(members: Mapping[str, Member]) -> Table:
    """A line per process: state, process id, how long it runs, memory, restarts."""
    table = Table(box=None, pad_edge=False)
    for heading in ("process", "state", "pid", "up", "memory", "restarts"):
        table.add_column(heading, justify="left" if heading in ("process", "state") else "right")
    for name, member in members.items():
        pid = member.child.pid
        table.add_row(
            name,
            Text(member.state.value, style=_STYLE.get(member.state, "dim")),
            str(pid or "–"),
            _duration(time.time() - member.child.started_at) if pid else "–",
            f"{member.memory_mb} MB" if member.memory_mb else "–",
            str(member.restarts),
        )
    return table


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
