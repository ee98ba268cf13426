"""The real PostgreSQL, Valkey, tritonserver and bounded processes for the tests, one set for a whole run of pytest.

Settings are read before any fixture runs, so the addresses have to be in the environment when ``conftest.py``
is imported. Where DATABASE_URL is set (by the developer, or by pytest-xdist's controller) nothing is started.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg

from embedded.control import ask
from embedded.settings import ROOT
from embedded.state import VarFolder

#: Names the folder of the services that this run of pytest started.
FOLDER = "HEMALENS_TEST_VAR"


def provide() -> None:
    """Put the services' addresses into the environment; start them, Triton aside, where nobody has yet."""
    if "DATABASE_URL" not in os.environ:
        os.environ.update(_start())
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if worker and FOLDER in os.environ:
        _separate(int(worker.removeprefix("gw")))
    media = Path(os.environ.get(FOLDER, tempfile.gettempdir())) / "media" / (worker or "main")
    os.environ["MEDIA_ROOT"] = str(media)
    os.environ.setdefault("STATIC_ROOT", str(ROOT / "staticfiles"))
    os.environ.setdefault("SECRET_KEY", "only-for-tests")


def start_triton() -> str:
    """Start tritonserver with the committed model unless it runs already; returns its gRPC address.

    Raises EmbeddedError when it cannot be started, for example because ``model.pt`` was not exported.
    """
    if FOLDER in os.environ:
        ask(VarFolder(Path(os.environ[FOLDER])), "start", "triton")
    return os.environ["TRITON_GRPC_URL"]


def _start() -> dict[str, str]:
    folder = Path(tempfile.mkdtemp(prefix="hemalens-tests-"))
    command = [
        sys.executable,
        "-m",
        "embedded",
        "--parent",
        str(os.getpid()),
        "--var",
        str(folder),
        "services",
    ]
    process = subprocess.Popen(
        [*command, "--only", "postgres,valkey,pictures,paper", "--lazy", "triton"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    atexit.register(_stop, process, folder)
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise SystemExit(f"The services for the tests did not start (exit code {process.wait()}): see above.")
    addresses: dict[str, str] = json.loads(line)
    _forget_on_power_loss(addresses["DATABASE_URL"])
    return {**addresses, FOLDER: str(folder)}


def _forget_on_power_loss(database: str) -> None:
    """Let PostgreSQL wait for no disk: what tests write need not outlive the machine."""
    with psycopg.connect(database, autocommit=True) as connection:
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            connection.execute(f"ALTER SYSTEM SET {setting} = off")
        connection.execute("SELECT pg_reload_conf()")


def _stop(process: subprocess.Popen[str], folder: Path) -> None:
    process.terminate()
    process.wait(60)
    shutil.rmtree(folder, ignore_errors=True)


def _separate(number: int) -> None:
    """Give each pytest-xdist worker its own two databases of Valkey, as pytest-django does for PostgreSQL."""
    for offset, name in enumerate(("BROKER_URL", "CACHE_URL")):
        server = os.environ[name].rpartition("/")[0]
        os.environ[name] = f"{server}/{2 + 2 * number + offset}"
