"""The folder an instance lives in: its secrets, ports and lock."""

import json
import socket
import stat
from pathlib import Path

import pytest

from embedded.errors import EmbeddedError
from embedded.state import VarFolder, port_is_free, write_private_json


@pytest.fixture
def var(tmp_path: Path) -> VarFolder:
    folder = VarFolder(tmp_path / "var")
    folder.create()
    return folder


def test_secrets_are_made_once_and_only_for_the_owner(var: VarFolder) -> None:
    secrets = var.secrets()
    assert VarFolder(var.path).secrets() == secrets
    assert len(set(secrets.values())) == 3
    assert min(len(secret) for secret in secrets.values()) >= 50
    assert stat.S_IMODE((var.path / "secrets.json").stat().st_mode) == 0o600


def test_pictures_and_logs_are_closed_to_others(var: VarFolder) -> None:
    for name in ("media", "log", "mail", "control"):
        assert stat.S_IMODE((var.path / name).stat().st_mode) == 0o700


def test_ports_are_kept_unless_another_program_took_one(var: VarFolder) -> None:
    ports = var.ports()
    assert len(set(ports.values())) == len(ports)
    assert var.ports() == ports
    with socket.create_server(("127.0.0.1", ports["valkey"])):
        later = var.ports()
    assert later["valkey"] != ports["valkey"]
    assert later | {"valkey": 0} == ports | {"valkey": 0}


def test_a_listening_program_makes_a_port_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert not port_is_free("127.0.0.1", port)
    assert port_is_free("127.0.0.1", port)


def test_the_second_start_names_the_first(var: VarFolder) -> None:
    write_private_json(var.run_file, {"pid": 4711, "address": "http://localhost:8000"})
    with var.locked():
        assert var.is_running()
        with pytest.raises(
            EmbeddedError, match=r"already runs .*process 4711, http://localhost:8000.*'make stop'"
        ):
            VarFolder(var.path).locked().__enter__()
    assert not var.is_running()


def test_a_full_disk_is_named_with_what_is_missing(var: VarFolder) -> None:
    var.check_free_space(1)
    with pytest.raises(EmbeddedError, match=r"^Only \d+ MB are free .* needs 1000000000 MB: free some space"):
        var.check_free_space(10**9)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EmbeddedError, match=r"cannot be written .*HEMALENS_VAR"):
        VarFolder(tmp_path / "file" / "var").create()


def test_a_half_written_state_file_reads_as_none(var: VarFolder) -> None:
    var.run_file.write_text(json.dumps({"pid": 1})[:-3])
    assert var.read_run() == {}
