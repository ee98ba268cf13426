"""What an instance keeps in its ``var/`` folder: secrets, ports, the lock and the state file ``run.json``."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from embedded.errors import EmbeddedError

INTERNAL_PORTS = ("postgres", "valkey", "triton_grpc", "triton_http")


def free_port() -> int:
    """A loopback port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def port_is_free(host: str, port: int) -> bool:
    """Whether a server could listen on this address now."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror as error:
        raise EmbeddedError(f"HOST={host} is not an address of this machine: set HOST again.") from error
    with socket.socket(family, kind) as probe:
        # as the servers do: a connection left in TIME_WAIT is no obstacle
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError:
            return False
    return True


class VarFolder:
    """Paths and small files of one instance."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.run_file = path / "run.json"
        self.control = path / "control"
        self.accounts_file = path / "demo-accounts.txt"
        self._lock_file = path / "run.lock"

    def create(self) -> None:
        """Make the folder, readable by its owner and passable for the database's user."""
        try:
            for folder in (
                self.path,
                self.path / "log",
                self.path / "media",
                self.path / "mail",
                self.control,
            ):
                folder.mkdir(parents=True, exist_ok=True)
            self.path.chmod(0o711)
            for private in ("log", "media", "mail", "control"):
                (self.path / private).chmod(0o700)
        except OSError as error:
            raise EmbeddedError(
                f"{self.path} cannot be written ({error.strerror}): "
                "free some space, or name another folder in HEMALENS_VAR."
            ) from error

    def log(self, name: str) -> Path:
        return self.path / "log" / f"{name}.log"

    def check_free_space(self, minimum_mb: int) -> None:
        """Raise EmbeddedError when less than ``minimum_mb`` megabytes are free."""
        existing = next(folder for folder in (self.path, *self.path.parents) if folder.exists())
        free = shutil.disk_usage(existing).free // 2**20
        if free < minimum_mb:
            raise EmbeddedError(
                f"Only {free} MB are free on the disk of {self.path}, and Hemalens needs {minimum_mb} MB: "
                "free some space, or name a folder on another disk in HEMALENS_VAR."
            )

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the instance's lock; raises EmbeddedError when a running instance holds it."""
        descriptor = os.open(self._lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise EmbeddedError(self._already_runs()) from error
            yield
        finally:
            os.close(descriptor)

    def is_running(self) -> bool:
        """Whether an instance holds the lock of this folder."""
        if not self._lock_file.exists():
            return False
        try:
            with self.locked():
                return False
        except EmbeddedError:
            return True

    def _already_runs(self) -> str:
        state = self.read_run()
        address = state.get("address") or "no address yet"
        return (
            f"Hemalens already runs from {self.path} (process {state.get('pid', 'unknown')}, {address}): "
            "use it, stop it with 'make stop', or name another folder in HEMALENS_VAR."
        )

    def read_run(self) -> dict[str, Any]:
        """The state file's content; empty when there is none."""
        try:
            content: dict[str, Any] = json.loads(self.run_file.read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return {}
        return content

    def secrets(self) -> dict[str, str]:
        """Passwords and Django's key of this instance, generated once."""
        path = self.path / "secrets.json"
        kept: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
        missing = [name for name in ("postgres", "valkey", "django") if name not in kept]
        if missing:
            kept |= {name: secrets.token_urlsafe(48) for name in missing}
            write_private_json(path, kept)
        return kept

    def ports(self) -> dict[str, int]:
        """Loopback ports of the services: the ones of the last start where they are still free."""
        path = self.path / "ports.json"
        kept: dict[str, int] = json.loads(path.read_text()) if path.exists() else {}
        ports: dict[str, int] = {}
        for name in INTERNAL_PORTS:
            port = kept.get(name, 0)
            taken = ports.values()
            while not port or port in taken or not port_is_free("127.0.0.1", port):
                port = free_port()
            ports[name] = port
        if ports != kept:
            write_private_json(path, ports)
        return ports


def write_private_json(path: Path, content: object) -> None:
    """Replace a file at once, readable by its owner only."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(content, file, indent=1)
    temporary.replace(path)
