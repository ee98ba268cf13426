"""What ``make dev`` adds: processes start again when their source changes, and scripts and styles are built again."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from embedded.process import Spec
from embedded.settings import ROOT

#: Of each process the folders that count for it. The web server watches its own, and keeps its port open.
_SOURCES = {
    "worker": ("worker", "portal", "smear", "confined"),
    "beat": ("worker", "portal/config"),
    "pictures": ("confined", "smear"),
    "paper": ("confined", "smear"),
}
#: What the processes are told.
ENVIRONMENT = {"DEBUG": "1", "HEMALENS_RELOAD": "1"}
ASSETS = "assets"
_STYLES = ROOT / "portal" / "static" / "dist" / "app.css"


def reloading(specs: Iterable[Spec]) -> list[Spec]:
    """The same processes, started again on a change; a process that a change broke waits for the next one."""
    return [_reloading(spec) for spec in specs]


def _reloading(spec: Spec) -> Spec:
    if spec.name == "web":
        return replace(spec, patience=None)
    if spec.name not in _SOURCES:
        return spec
    watch = [sys.executable, "-m", "watchfiles", "--filter", "python", "--target-type", "command"]
    timeout = ["--sigint-timeout", str(int(spec.stop_grace))]
    folders = [str(ROOT / name) for name in _SOURCES[spec.name]]
    command = [*watch, *timeout, shlex.join(spec.command), *folders]
    return replace(spec, command=command, patience=None, stop_grace=spec.stop_grace + 5)


def assets() -> Spec:
    """Builds scripts and styles, and again whenever one changes."""
    return Spec(
        name=ASSETS,
        command=[str(Path(sys.executable).parent / "node"), "frontend/build.mjs", "--watch"],
        folder=ROOT,
        ready=_STYLES.exists,
        stage=2,
    )
