"""The health page: each part by name, in time, whatever is down or hangs."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from time import monotonic, time

import pytest
from django.core.cache import cache
from django.core.files.storage import default_storage
from django.db import connection
from django.test import Client
from pytest_django.fixtures import Settings

from portal.api import health
from portal.inference.models import ModelVersion
from portal.inference.repair import HEARTBEAT
from portal.inference.selectors import BEAT_HEARTBEAT, WORKER_HEARTBEAT_INDEX, WORKER_HEARTBEAT_PREFIX
from tests.documents import Document
from tests.factories import active_model
from tests.portal.kinds import Queries

pytestmark = pytest.mark.django_db(transaction=True)
NAMES = {
    *("database", "migrations", "broker", "cache", "storage", "pictures", "paper"),
    *("worker", "queue", "repair", "beat", "triton", "model", "mail"),
}


def ready() -> tuple[int, Document]:
    """Ask the page; every answer keeps to its form and its time, and names no host.

    The time is 1.5 s and what a loaded machine adds; a check that hangs here does so for a minute.
    """
    began = monotonic()
    response = Client().get("/health/ready")
    assert monotonic() - began < 20
    body = response.json()
    assert set(body["parts"]) == NAMES
    for part in body["parts"].values():
        assert set(part) == {"status", "detail", "seconds"}
        assert part["status"] in ("ok", "failed")
    assert "127.0.0.1" not in response.text
    return response.status_code, body


def failed(body: Document) -> set[str]:
    return {name for name, part in body["parts"].items() if part["status"] == "failed"}


def ready_with(*wanted: str) -> tuple[int, Document]:
    """Ask until exactly these parts have failed: on a loaded machine others may be late at first."""
    deadline = monotonic() + 40
    while True:
        status, body = ready()
        if failed(body) == set(wanted) or monotonic() > deadline:
            assert failed(body) == set(wanted), json.dumps(body, indent=1)
            return status, body


class StagedTriton(HTTPServer):
    """Answers as Triton does with ``status``."""

    status = 200


@pytest.fixture
def triton(settings: Settings) -> Iterator[StagedTriton]:
    """A server that answers as Triton does for version 1 of the model; ``status`` may be changed."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.path == "/v2/models/leukemia_vgg16/versions/1/ready"
            self.send_response(server.status if known else 400)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    server = StagedTriton(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings.TRITON_HTTP_URL = f"http://127.0.0.1:{server.server_port}"
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def everything(triton: StagedTriton) -> Iterator[ModelVersion]:
    """All parts at work: heartbeats as worker and beat write them, an active model, Triton serving it."""
    cache.set_many(
        {
            WORKER_HEARTBEAT_INDEX: ["celery@test"],
            WORKER_HEARTBEAT_PREFIX + "celery@test": {"pid": 1, "at": time(), "state": "ok", "detail": ""},
            BEAT_HEARTBEAT: {"pid": 2, "at": time()},
            HEARTBEAT: {"at": time()},
        },
        60,
    )
    yield active_model()
    cache.clear()


def test_live_needs_nothing(django_assert_num_queries: Queries) -> None:
    with django_assert_num_queries(0):
        response = Client().get("/health/live")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})
    assert Client().post("/health/live").status_code == 405


def test_all_is_well(everything: ModelVersion) -> None:
    status, body = ready_with()
    assert (status, body["status"]) == (200, "ok")
    assert default_storage.listdir("health")[1] == []


def test_without_the_model_the_portal_stays_in_service(
    everything: ModelVersion, triton: StagedTriton
) -> None:
    cache.clear()
    triton.status = 503
    everything.is_active = False
    everything.save()
    status, body = ready_with("worker", "repair", "beat", "triton", "model", "mail")
    assert (status, body["status"]) == (200, "degraded")


def test_a_worker_that_found_another_model_than_the_registered_one(everything: ModelVersion) -> None:
    key = WORKER_HEARTBEAT_PREFIX + "celery@test"
    cache.set(key, cache.get(key) | {"state": "mismatch", "detail": "the weights differ"}, 60)
    _status, body = ready_with("model")
    assert "the weights differ" in body["parts"]["model"]["detail"]


def test_a_migration_that_was_not_applied(everything: ModelVersion) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, app, name, applied FROM django_migrations WHERE app = 'reports'")
        rows = cursor.fetchall()
        cursor.execute("DELETE FROM django_migrations WHERE app = 'reports'")
    try:
        status, body = ready_with("migrations")
    finally:
        with connection.cursor() as cursor:
            cursor.executemany("INSERT INTO django_migrations VALUES (%s, %s, %s, %s)", rows)
    assert (status, body["status"]) == (503, "failed")
    assert "reports" in body["parts"]["migrations"]["detail"]


def test_a_storage_that_cannot_be_written(
    everything: ModelVersion, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    settings.MEDIA_ROOT = tmp_path / "file"
    status, _body = ready_with("storage")
    assert status == 503


def test_a_broker_that_is_away(everything: ModelVersion, settings: Settings) -> None:
    settings.BROKER_URL = "redis://127.0.0.1:1/0"
    status, body = ready_with("broker")
    assert (status, body["status"]) == (200, "degraded")


def test_what_hangs_neither_holds_up_the_page_nor_piles_up(
    everything: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()
    calls: list[int] = []

    def hang() -> str:
        calls.append(1)
        release.wait(60)
        return "back"

    parts = tuple(
        health.Part(part.name, hang if part.name == "database" else part.check, part.essential)
        for part in health.PARTS
    )
    monkeypatch.setattr(health, "PARTS", parts)
    try:
        for _ in range(3):
            status, body = ready_with("database")
            assert status == 503
            assert "no answer" in body["parts"]["database"]["detail"]
        assert len(calls) == 1
    finally:
        release.set()
    status, body = ready_with()
    assert (status, body["status"]) == (200, "ok")
