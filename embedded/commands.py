"""What each command of ``python -m embedded`` does."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Mapping, Sequence

import psutil
from rich.console import Console
from rich.table import Table

from embedded import application, reloading
from embedded.display import Display
from embedded.errors import EmbeddedError, StopRequested
from embedded.services import NAMES as SERVICES
from embedded.services import service_specs
from embedded.settings import ROOT, Settings
from embedded.state import VarFolder, free_port, port_is_free
from embedded.supervisor import Supervisor
from embedded.triton import model_problem

_HEALTHY_WITHIN = 60.0  # seconds from the last process's start to the portal's own report saying so


def run(settings: Settings) -> None:
    """Start everything, show it, and stop it on Ctrl-C, SIGTERM or SIGHUP."""
    var = VarFolder(settings.var)
    var.check_free_space(settings.min_free_mb)
    var.create()
    with var.locked():
        port = _web_port(settings)
        problem = model_problem(settings.model_repository, settings.model_name)
        if problem:
            raise EmbeddedError(problem)
        if not settings.reload and not (ROOT / "staticfiles").is_dir():
            raise EmbeddedError(
                "The static files are not built: run 'make static', or 'make run', which does."
            )
        specs, addresses = service_specs(var, settings)
        base = {**os.environ, **(reloading.ENVIRONMENT if settings.reload else {})}
        environment = application.application_environment(var, settings, port, base, addresses)
        display = Display(lambda: supervisor.members)
        supervisor = Supervisor(var, settings.restart, display.say, display.draw)
        shown = {name: environment[name] for name in (*addresses, *application.PASSED_ON)}
        supervisor.facts = {"pid": os.getpid(), "address": environment["SITE_URL"], "environment": shown}
        processes = [*specs.values(), *application.application_specs(var, settings, port, environment)]
        if settings.reload:
            processes = [*reloading.reloading(processes), reloading.assets()]
        supervisor.add(*processes)
        _supervise(
            supervisor, display, settings.min_free_mb, lambda: _bring_up(supervisor, display, environment)
        )


def services(settings: Settings, only: Sequence[str], lazy: Sequence[str]) -> None:
    """Run the services alone and print their addresses as one line of JSON once they are ready.

    Those in ``lazy`` have an address but start only on ``python -m embedded start NAME``.
    """
    var = VarFolder(settings.var)
    var.check_free_space(settings.min_free_mb)
    var.create()
    with var.locked():
        specs, addresses = service_specs(var, settings)
        supervisor = Supervisor(var, settings.restart, lambda message: None, lambda: None)
        supervisor.facts = {"pid": os.getpid(), "environment": addresses}
        supervisor.add(*(specs[name] for name in SERVICES if name in only or name in lazy))
        names = [name for name in only if name not in lazy]

        def bring_up() -> None:
            supervisor.start(names)
            supervisor.wait_ready(names)
            print(json.dumps(addresses), flush=True)

        _supervise(supervisor, None, settings.min_free_mb, bring_up)


def _supervise(
    supervisor: Supervisor, display: Display | None, minimum_mb: int, bring_up: Callable[[], None]
) -> None:
    """Bring the processes up, watch them, and stop every one of them whatever happens."""
    supervisor.install_signals()
    try:
        bring_up()
        supervisor.watch(minimum_mb)
    except StopRequested:
        if display is not None:
            display.say("Stopping …")
    finally:
        supervisor.stop_all()
        if display is not None:
            display.close()


def _bring_up(supervisor: Supervisor, display: Display, environment: Mapping[str, str]) -> None:
    var = supervisor.var
    began = time.monotonic()
    supervisor.start(SERVICES)
    supervisor.wait_ready(["postgres", "valkey"])
    for label, command in application.setup_steps(var):
        display.say(f"{label} …", style="dim")
        supervisor.run_step(label, command, environment, ROOT)
    supervisor.start(supervisor.members)
    supervisor.wait_ready(list(supervisor.members))
    host, port = environment["HOST"], int(environment["PORT"])
    healthy = supervisor.wait_for(lambda: not application.failing_parts(host, port), _HEALTHY_WITHIN)
    took = time.monotonic() - began
    display.say(
        f"\nHemalens runs at {supervisor.facts['address']} ({'healthy after ' if healthy else ''}{took:.0f} s)"
    )
    if not healthy:
        for part, detail in application.failing_parts(host, port).items():
            display.say(f"Not healthy: {part}: {detail}", style="yellow")
    if var.accounts_file.exists():
        accounts = var.accounts_file.read_text().rstrip()
        display.say(f"\nDemo accounts (also in {var.accounts_file}):\n{accounts}\n")
    display.print_table()
    display.say(
        f"\nSent mails: {var.path / 'mail'}   Logs: {var.path / 'log'}   Stop: Ctrl-C or 'make stop'\n"
    )


def _web_port(settings: Settings) -> int:
    port = settings.port or free_port()
    if not port_is_free(settings.host, port):
        owner = _listener(port)
        raise EmbeddedError(
            f"Port {port} is in use{f' by {owner}' if owner else ''}: "
            f"stop that program, or choose another port, for example 'PORT={port + 1} make run'."
        )
    return port


def _listener(port: int) -> str:
    """Name and id of the process that listens on a port, where we may know it."""
    try:
        for connection in psutil.net_connections("tcp"):
            if (
                connection.status == psutil.CONN_LISTEN
                and connection.laddr[1:2] == (port,)
                and connection.pid
            ):
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
    except psutil.Error:
        pass
    return ""


def status(settings: Settings, as_json: bool) -> None:
    """Print the state of the running instance."""
    var = VarFolder(settings.var)
    state = var.read_run() if var.is_running() else {}
    if as_json:
        print(json.dumps(state, indent=1))
        return
    if not state:
        raise EmbeddedError(f"Hemalens does not run from {var.path}: start it with 'make run'.")
    console = Console(highlight=False)
    console.print(f"Hemalens is {state['state']} (process {state['pid']}) {state.get('address', '')}")
    table = Table(box=None, pad_edge=False)
    for heading in ("process", "state", "pid", "memory", "restarts", "log"):
        table.add_column(heading)
    for name, process in state["processes"].items():
        memory = f"{process['memory_mb']} MB" if process["memory_mb"] else "–"
        row = (
            name,
            process["state"],
            str(process["pid"] or "–"),
            memory,
            str(process["restarts"]),
            process["log"],
        )
        table.add_row(*row)
    console.print(table)


def shut_down(settings: Settings, timeout: float = 90.0) -> None:
    """Stop the running instance and wait until it is gone."""
    var = VarFolder(settings.var)
    if not var.is_running():
        print(f"Hemalens does not run from {var.path}: nothing to stop.")
        return
    os.kill(var.read_run()["pid"], signal.SIGTERM)
    deadline = time.monotonic() + timeout
    while var.is_running():
        if time.monotonic() > deadline:
            raise EmbeddedError(f"Hemalens did not stop within {timeout:.0f} s: see 'make status'.")
        time.sleep(0.2)
    print("Hemalens has stopped.")


def reset(settings: Settings) -> None:
    """Empty the var folder. Raises EmbeddedError while an instance runs from it."""
    var = VarFolder(settings.var)
    if not var.path.exists():
        return
    if not (var.path / "run.lock").exists() and any(var.path.iterdir()):
        raise EmbeddedError(f"{var.path} was not made by Hemalens: check HEMALENS_VAR, nothing was removed.")
    if var.is_running():
        raise EmbeddedError(
            f"Hemalens runs from {var.path}: stop it first with 'make stop', nothing was removed."
        )
    with var.locked():
        for entry in var.path.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()
    print(f"Emptied {var.path}: the next 'make run' starts afresh.")
