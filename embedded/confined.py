"""The two servers that read pictures and make PDFs in bounded processes. They get no secret and no address of ours."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from confined.client import ServerGone, server_in
from embedded.process import Spec
from embedded.settings import ROOT

NAMES = ("pictures", "paper")
#: What they are given of the caller's environment.
_PASSED_ON = (
    *("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "FONTCONFIG_FILE", "FONTCONFIG_PATH"),
    *(
        "PICTURE_JOBS",
        "PICTURE_MEMORY_MB",
        "PICTURE_SECONDS",
        "PAPER_JOBS",
        "PAPER_MEMORY_MB",
        "PAPER_SECONDS",
    ),
)


def specs(sockets: Path) -> dict[str, Spec]:
    """The Specs by name, with their sockets in the folder ``sockets``."""
    passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return {name: _spec(name, sockets, passed_on) for name in NAMES}


def _spec(name: str, sockets: Path, passed_on: dict[str, str]) -> Spec:
    def is_ready() -> bool:
        try:
            server_in(sockets, name).ping()
        except ServerGone:
            return False
        return True

    return Spec(
        name=name,
        command=[sys.executable, "-m", "confined", name],
        environment={
            **passed_on,
            "CONFINED_SOCKETS": str(sockets),
            "PYTHONUNBUFFERED": "1",
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
        },
        folder=ROOT,
        ready=is_ready,
        patience=60.0,
        stage=1,
    )
