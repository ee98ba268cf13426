"""Command line: ``python -m embedded run|services|status|start|stop|restart|kill|shutdown|reset``."""

from __future__ import annotations

import argparse
import dataclasses
import errno
import os
import signal
import sys
from pathlib import Path

import environ
from rich.console import Console

from embedded import commands, control
from embedded.errors import EmbeddedError
from embedded.process import die_with
from embedded.services import NAMES as SERVICES
from embedded.settings import ROOT, Settings
from embedded.state import VarFolder


def main() -> int:
    arguments = _parser().parse_args()
    if arguments.parent is not None and not die_with(arguments.parent, signal.SIGTERM):
        return 1
    try:
        environ.Env.read_env(ROOT / ".env")
        settings = Settings.from_environment(os.environ)
        if arguments.var is not None:
            settings = dataclasses.replace(settings, var=arguments.var.resolve())
        _carry_out(arguments, settings)
    except EmbeddedError as error:
        return _complain(str(error), error.log_tail)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        return _complain(
            "The disk is full: free some space, or name a folder on another disk in HEMALENS_VAR."
        )
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m embedded", description="Hemalens on one machine.")
    parser.add_argument("--var", type=Path, help="the instance's folder (default: HEMALENS_VAR, or var/)")
    parser.add_argument("--parent", type=int, metavar="PID", help="stop when this process, our parent, dies")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="start everything, until Ctrl-C or SIGTERM")
    run.add_argument(
        "--no-restart", action="store_true", help="leave a process that dies down, until 'start NAME'"
    )
    run.add_argument(
        "--reload", action="store_true", help="for those who change the source: changes show at once"
    )
    services = commands.add_parser("services", help="start only what the portal asks, and not the portal")
    services.add_argument(
        "--only", type=_services, default=SERVICES, help="comma-separated names (default: all)"
    )
    services.add_argument("--lazy", type=_services, default=(), help="names to start only on 'start NAME'")
    status = commands.add_parser("status", help="show the processes of the running instance")
    status.add_argument("--json", action="store_true")
    for action in ("start", "stop", "restart", "kill"):
        commands.add_parser(action, help=f"{action} one process").add_argument("name")
    commands.add_parser("shutdown", help="stop the running instance")
    commands.add_parser("reset", help="empty the instance's folder")
    return parser


def _services(text: str) -> tuple[str, ...]:
    names = tuple(name for name in text.split(",") if name)
    unknown = [name for name in names if name not in SERVICES]
    if unknown:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {', '.join(SERVICES)}")
    return names


def _carry_out(arguments: argparse.Namespace, settings: Settings) -> None:
    match arguments.command:
        case "run":
            restart = settings.restart and not arguments.no_restart
            commands.run(dataclasses.replace(settings, restart=restart, reload=arguments.reload))
        case "services":
            commands.services(settings, arguments.only, arguments.lazy)
        case "status":
            commands.status(settings, arguments.json)
        case "shutdown":
            commands.shut_down(settings)
        case "reset":
            commands.reset(settings)
        case action:
            print(control.ask(VarFolder(settings.var), action, arguments.name))


def _complain(message: str, log_tail: str = "") -> int:
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(message, style="bold red", markup=False)
    if log_tail:
        console.print(log_tail, style="dim", markup=False)
    return 1


if __name__ == "__main__":
    sys.exit(main())
