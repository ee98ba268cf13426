"""What ``make dev`` promises: a change of the source shows without a restart, and a mistake is no end."""

from __future__ import annotations

import http.client
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.urls import reverse

from embedded import reloading
from embedded.settings import ROOT
from tests.live import wait_for
from tests.web_server import Server, serving

VIEW = Path("portal/api/health.py")
SOURCES = ("portal", "smear", "confined")
TEMPLATE = Path("portal/templates/account/login.html")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The portal's source, to be changed."""
    folder = tmp_path / "copy"
    for name in SOURCES:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.fixture
def server(copy: Path, tmp_path: Path, transactional_db: None) -> Iterator[Server]:
    with serving(tmp_path, root=copy, **reloading.ENVIRONMENT) as server:
        yield server


def replace(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert text.count(old) == 1
    file.write_text(text.replace(old, new))


def body(server: Server, address: str) -> str:
    """The page; empty while the server has none."""
    try:
        return server.get(address, timeout=30).read().decode()
    except (OSError, http.client.HTTPException):
        return ""


def is_served(server: Server, address: str) -> bool:
    """Whether there is a page; a mistake ends the process, or the request that comes upon it."""
    try:
        return server.get(address).status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False


def workers(server: Server) -> list[int]:
    """Ids of the processes that answer requests: those that one watching process has started."""
    children = server.process.children()
    return [child.pid for child in children if any("spawn_main" in part for part in child.cmdline())]


def test_a_changed_view_is_served_and_a_mistake_waits_for_its_repair(server: Server, copy: Path) -> None:
    live = reverse("health:live")
    replace(copy / VIEW, '{"status": OK}', '{"status": "changed"}')
    wait_for(lambda: "changed" in body(server, live), "the changed view")
    replace(copy / VIEW, '{"status": "changed"}', '{"status": "changed"')
    wait_for(lambda: not is_served(server, live), "the broken view to be taken up")
    replace(copy / VIEW, '{"status": "changed"', '{"status": "repaired"}')
    wait_for(lambda: "repaired" in body(server, live), "the repaired view")


def test_a_changed_template_is_served_by_the_same_process(server: Server, copy: Path) -> None:
    login = reverse("account_login")
    assert "Accounts are made" in body(server, login)
    started = workers(server)
    replace(copy / TEMPLATE, "Accounts are made", "Accounts are drawn")
    assert "Accounts are drawn" in body(server, login)
    assert workers(server) == started
