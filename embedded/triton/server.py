"""How tritonserver is laid out, started and watched.

The wheel has no libtorch. Triton takes ``backends/pytorch/model.py`` where it finds no
``libtriton_pytorch.so``, so ``pytorch_backend.py`` serves the same repository and ``config.pbtxt`` that the
production image serves through libtorch.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import sys
import sysconfig
import urllib.request
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from secrets import token_urlsafe

import psutil

from embedded.errors import EmbeddedError
from embedded.process import Spec

_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - where the kernel keeps it
_STUB = "triton_python_backend_stub"
_BACKEND = Path(__file__).with_name("pytorch_backend.py")
#: What nobody here asks for: over gRPC the worker infers and reads metadata and configuration, over HTTP the health
#: page asks whether the model is ready. The names are those of ``tritonserver --help``.
_CLOSED = "shared-memory,model-repository,statistics,trace,logging"
CLOSED_TO_ALL = {
    "--grpc-restricted-protocol": _CLOSED,
    "--http-restricted-api": f"{_CLOSED},metadata,model-config,inference",
}
#: The header that would open them. No header can bear this name: a colon ends it in HTTP, and gRPC drops the call.
#: So nothing is gained by reading it, or the value, in the list of processes, where arguments are visible to everybody.
KEY = "closed: no header can bear this name"


@dataclass(frozen=True)
class Wheel:
    """The folders of the installed wheel ``nvidia-pytriton``."""

    server: Path
    libraries: Path

    @classmethod
    def find(cls) -> Wheel:
        package = find_spec("pytriton")
        if package is None or package.origin is None:
            raise EmbeddedError(
                "The wheel nvidia-pytriton is not installed: run 'make run' or 'make install' again."
            )
        folder = Path(package.origin).parent
        return cls(folder / "tritonserver", folder.parent / "nvidia_pytriton.libs")


def model_problem(repository: Path, model: str) -> str:
    """What keeps ``model`` from being served out of ``repository``, as a sentence, or ""."""
    folder = repository / model
    if not (folder / "config.pbtxt").exists():
        return (
            f"The model repository {repository} has no model {model}: check MODEL_REPOSITORY and MODEL_NAME."
        )
    versions = [version for version in folder.iterdir() if version.name.isdigit()]
    for version in versions:
        if not (version / "model.pt").exists():
            return f"Version {version.name} of the model {model} has no model.pt: run 'make export'."
    return "" if versions else f"The model {model} has no version folder: check {folder}."


def spec(folder: Path, repository: Path, model: str, ports: dict[str, int], timeout: float) -> Spec:
    """tritonserver serving ``model`` out of ``repository``; ``folder`` holds its backends.

    ``ports`` has ``triton_grpc`` and ``triton_http``; ``timeout`` is in seconds. Who may reach the ports may ask for
    answers and health, and for nothing else (docs/decisions/0020-doors-of-the-services.md).
    """
    wheel = Wheel.find()
    # one prefix per instance: the stubs' shared memory is named, and machine-wide
    prefix = f"hemalens-{hashlib.sha256(str(folder).encode()).hexdigest()[:12]}-"
    shared = f"shm-region-prefix-name={prefix}"
    patience = f"stub-timeout-seconds={int(timeout)}"

    def prepare() -> None:
        problem = model_problem(repository, model)
        if problem:
            raise EmbeddedError(problem)
        _lay_out(wheel, folder / "backends")
        clean_up()

    def clean_up() -> None:
        for region in _SHARED_MEMORY.glob(f"{prefix}*"):  # a server that is killed leaves it
            region.unlink(missing_ok=True)

    return Spec(
        name="triton",
        command=[
            str(wheel.server / "bin" / "tritonserver"),
            f"--model-repository={repository}",
            f"--backend-directory={folder / 'backends'}",
            f"--cache-directory={wheel.server / 'caches'}",
            *("--model-control-mode=explicit", f"--load-model={model}"),
            "--disable-auto-complete-config",
            "--strict-readiness=true",
            "--allow-metrics=false",
            *("--grpc-address=127.0.0.1", f"--grpc-port={ports['triton_grpc']}"),
            *("--http-address=127.0.0.1", f"--http-port={ports['triton_http']}"),
            *(f"{flag}={what}:{KEY}={token_urlsafe(48)}" for flag, what in CLOSED_TO_ALL.items()),
            *(
                f"--backend-config={backend},{option}"
                for backend in ("python", "pytorch")
                for option in (shared, patience)
            ),
            "--exit-timeout-secs=5",
        ],
        environment=_environment(wheel),
        folder=folder.parent,
        ready=lambda: _is_ready(ports["triton_http"]),
        before_start=prepare,
        clean_up=clean_up,
        stop_signal=signal.SIGTERM,
        stop_grace=15.0,
        start_timeout=timeout,
        patience=60.0,
        stage=1,
        explain=_explain,
    )


def _lay_out(wheel: Wheel, backends: Path) -> None:
    """Put the backends where tritonserver looks for them: the wheel keeps library and stub apart."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    stub = wheel.server / "python_backend_stubs" / version / _STUB
    if not stub.exists():
        raise EmbeddedError(f"nvidia-pytriton has no stub for Python {version}: use Python 3.11.")
    shutil.rmtree(backends, ignore_errors=True)
    python = backends / "python"
    python.mkdir(parents=True)
    for file in ("libtriton_python.so", "triton_python_backend_utils.py"):
        shutil.copy(wheel.server / "backends" / "python" / file, python / file)
    shutil.copy(stub, python / _STUB)
    (python / _STUB).chmod(0o755)
    (backends / "pytorch").mkdir()
    shutil.copy(_BACKEND, backends / "pytorch" / "model.py")
    binary = wheel.server / "bin" / "tritonserver"
    if not os.access(binary, os.X_OK):
        binary.chmod(0o755)


def _environment(wheel: Wheel) -> dict[str, str]:
    libraries = [
        str(wheel.libraries),
        sysconfig.get_config_var("LIBDIR") or "",
        os.environ.get("LD_LIBRARY_PATH", ""),
    ]
    return {
        # the stub embeds Python and finds the virtual environment by the python3 that comes first here
        "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}",
        "LD_LIBRARY_PATH": ":".join(filter(None, libraries)),
        "PYTHONDONTWRITEBYTECODE": "1",
        "MALLOC_ARENA_MAX": "2",
        # waiting threads sleep: spinning ones took a quarter more CPU for the warm-up, from everybody else's share
        "OMP_WAIT_POLICY": "passive",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "HOME": os.environ.get("HOME", "/"),
    }


def _is_ready(http_port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{http_port}/v2/health/ready", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _explain(process: psutil.Process | None, output: str) -> str:
    """A sentence on the known ways in which tritonserver cannot serve, or "".

    When a stub dies, this server goes on calling itself ready and fails every request: it has to be started again.
    """
    missing = re.findall(r"(\S+\.so\S*): cannot open shared object file", output)
    if missing:
        remedy = "apt-get install libpython3.11" if "libpython" in missing[-1] else "make clean run"
        return f"The model server's Python stub needs the library {missing[-1]}: get it with '{remedy}'."
    if process is None:
        failed = re.findall(r"failed to load '(\S+)' version \d+: (?:\w+: )*(.*?)(?:\. |\\n|\")", output)
        return "The model server cannot load the model {}: {}.".format(*failed[-1]) if failed else ""
    children = process.children(recursive=True)
    if any(child.status() == psutil.STATUS_ZOMBIE and _STUB.startswith(child.name()) for child in children):
        return "The model server's Python stub died, and the server cannot answer without it."
    return ""
