"""What of the system works, part by part, for supervisors, load balancers and `make run`.

`/health/ready` answers 200 while cases can be filed and read, even when the model cannot be asked (``degraded``:
such cases go to reading without an answer), and 503 when a part is down without which nothing can be filed.
It names no host and needs no sign-in.
"""

import logging
import threading
import urllib.request
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache as remember
from functools import wraps
from time import perf_counter, time
from typing import Any
from uuid import uuid4

import redis
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection, connections
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Count, Min
from django.http import HttpRequest, JsonResponse
from django.utils import translation
from django.utils.timezone import now
from django.views.decorators.http import require_safe

from confined.client import Client
from portal import mail
from portal.cases import pictures
from portal.inference.backlog import backlog
from portal.inference.repair import last_repair
from portal.inference.selectors import BEAT_HEARTBEAT, active_version, unserved_queues, worker_heartbeats
from portal.notifications import mails
from portal.reports import pdf
from portal.web.outage import with_retry

log = logging.getLogger(__name__)

#: The whole answer comes within this many seconds, whatever hangs.
PATIENCE = 1.5
#: One network call of a check may take this long, in seconds.
CALL_TIMEOUT = 1.0

OK, DEGRADED, FAILED = "ok", "degraded", "failed"


class NotWorkingError(Exception):
    """A part answers, but not as it should; the message goes to the page and names no host."""


@dataclass(eq=False)
class Part:
    """One part of the system and the check that says, in words, that it works, or raises.

    Without an ``essential`` part nothing can be filed or read.
    """

    name: str
    check: Callable[[], str]
    essential: bool
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _running: Future[dict[str, Any]] | None = None

    def start(self, pool: ThreadPoolExecutor) -> Future[dict[str, Any]]:
        """Run the check unless it is running: what hangs then holds one thread, not one for each request."""
        with self._lock:
            if self._running is None or self._running.done():
                self._running = pool.submit(self._run)
            return self._running

    def _run(self) -> dict[str, Any]:
        began = perf_counter()
        try:
            status, detail = OK, self.check()
        except NotWorkingError as error:
            status, detail = FAILED, str(error)
        except Exception as error:
            # Whatever a driver raises means that the part does not work; its words may name hosts.
            log.warning("health: %s failed: %s: %s", self.name, type(error).__name__, error)
            status, detail = FAILED, f"cannot be reached or used ({type(error).__name__}); the log says more"
        return {"status": status, "detail": detail, "seconds": round(perf_counter() - began, 3)}


def _with_own_connection(check: Callable[[], str]) -> Callable[[], str]:
    """A fresh database connection each time, closed afterwards: an old one would not show that none can be made."""

    @wraps(check)
    def checked() -> str:
        connections.close_all()
        try:
            return check()
        finally:
            connections.close_all()

    return checked


@_with_own_connection
def database() -> str:
    """PostgreSQL answers."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return "answers"


@remember
def _newest_migrations() -> frozenset[tuple[str, str]]:
    return frozenset(MigrationLoader(None).graph.leaf_nodes())


@_with_own_connection
def migrations() -> str:
    """Every migration is applied."""
    missing = _newest_migrations() - set(MigrationRecorder(connection).applied_migrations())
    if missing:
        apps = ", ".join(sorted({app for app, _name in missing}))
        raise NotWorkingError(f"not applied for {apps}: run `manage.py migrate`")
    return "all applied"


def broker() -> str:
    """Valkey takes jobs."""
    options = {"socket_connect_timeout": CALL_TIMEOUT, "socket_timeout": CALL_TIMEOUT}
    with redis.Redis.from_url(settings.BROKER_URL, **options) as client:
        client.ping()
    return "answers"


def cache_() -> str:
    """Valkey keeps and returns a value."""
    key, value = f"health:{uuid4()}", "there"
    cache.set(key, value, 10)
    if cache.get(key) != value:
        raise NotWorkingError("does not answer; requests are not throttled, signs of life are not seen")
    cache.delete(key)
    return "gives back what was put in"


def storage() -> str:
    """The folder of photographs can be written."""
    content = uuid4().bytes
    name = default_storage.save(f"health/{uuid4()}", ContentFile(content))
    try:
        with default_storage.open(name) as file:
            if file.read() != content:
                raise NotWorkingError("does not give back what was stored")
    finally:
        default_storage.delete(name)
    return "stores, reads and removes a file"


def pictures_() -> str:
    """The process that decodes photographs answers."""
    return _jobs_of(pictures.server())


def paper() -> str:
    """The process that makes PDFs answers."""
    return _jobs_of(pdf.server())


def _jobs_of(server: Client) -> str:
    found = server.ping(CALL_TIMEOUT)
    return f"{found['running']} at work, {found['waiting']} waiting"


def worker() -> str:
    """Workers are running and take jobs."""
    living = worker_heartbeats()
    if not living:
        raise NotWorkingError("no worker has reported lately; photographs wait")
    if left := unserved_queues(living.values()):
        raise NotWorkingError(f"takes no messages from {', '.join(left)}: photographs wait")
    return f"{len(living)} at work"


@_with_own_connection
def queue_of_work() -> str:
    """No job has been waiting for too long."""
    found = backlog()
    if found.stands_still:
        raise NotWorkingError(str(found))
    return str(found)


def repair_() -> str:
    """The repair of cases that got stuck has run lately."""
    ago = last_repair()
    if ago is None:
        raise NotWorkingError("has not run lately; lost jobs are not repaired")
    return f"last ran {ago:.0f} s ago"


def beat() -> str:
    """The schedule has run lately."""
    heartbeat = cache.get(BEAT_HEARTBEAT)
    if heartbeat is None:
        raise NotWorkingError("has not reported lately; reminders and mails wait")
    return f"last reported {max(0.0, time() - heartbeat['at']):.0f} s ago"


@_with_own_connection
def triton() -> str:
    """Triton is ready."""
    version = active_version()
    # Without an active version any that is served will do.
    name = version.name if version else settings.MODEL_NAME
    which = f"/versions/{version.version}" if version else ""
    address = f"{settings.TRITON_HTTP_URL.rstrip('/')}/v2/models/{name}{which}/ready"
    with urllib.request.urlopen(address, timeout=CALL_TIMEOUT) as answer:  # noqa: S310 - our own setting
        if answer.status != 200:
            raise NotWorkingError(f"{version or name} is not ready")
    return f"{version or name} is ready"


@_with_own_connection
def model() -> str:
    """The version in use is loaded in Triton, with the contract that we expect."""
    version = active_version()
    if version is None:
        raise NotWorkingError("no version is active: cases go to reading without pre-classification")
    for heartbeat in worker_heartbeats().values():
        if heartbeat.get("state") == "mismatch":
            raise NotWorkingError(
                f"{version}: the served model is not the registered one: {heartbeat['detail']}"
            )
    return f"{version}, weights {version.sha256[:12]}"


@_with_own_connection
def mail_() -> str:
    """Whether mail leaves. The last failure is named as long as something waits because of it, and a day after."""
    late = mails.overdue_urgent().aggregate(count=Count("pk"), oldest=Min("created_at"))
    waits = (
        f"{late['count']} urgent wait, the oldest for {_minutes(late['oldest'])} min" if late["count"] else ""
    )
    if not mail.is_configured():
        said = "not configured (EMAIL_URL): nothing is mailed"
    else:
        said = _last_failure() or "nothing has failed lately"
        takers = worker_heartbeats("mail")
        if not takers or "mail" in unserved_queues(takers.values()):
            waits = (
                f"nobody takes mail from its queue; {waits}" if waits else "nobody takes mail from its queue"
            )
    if waits:
        raise NotWorkingError(f"{said}; {waits}")
    return said


def _minutes(since: datetime) -> int:
    return int((now() - since).total_seconds() // 60)


def _last_failure() -> str:
    failed = mail.last_failure()
    if failed is None or now() - failed.at > timedelta(days=1):
        return ""
    with translation.override("en"):
        return f"last failure {failed.at.isoformat(timespec='seconds')}: {failed.words}"


PARTS: tuple[Part, ...] = (
    Part("database", database, essential=True),
    Part("migrations", migrations, essential=True),
    Part("storage", storage, essential=True),
    Part("pictures", pictures_, essential=True),
    Part("paper", paper, essential=False),
    # Without cache and broker people sign in, file, read and sign; jobs and mails wait in the database.
    Part("cache", cache_, essential=False),
    Part("broker", broker, essential=False),
    Part("worker", worker, essential=False),
    Part("queue", queue_of_work, essential=False),
    Part("repair", repair_, essential=False),
    Part("beat", beat, essential=False),
    Part("triton", triton, essential=False),
    Part("model", model, essential=False),
    # Notifications are on the pages as well.
    Part("mail", mail_, essential=False),
)

_pool = ThreadPoolExecutor(max_workers=len(PARTS), thread_name_prefix="health")


def report() -> dict[str, Any]:
    """Check every part at once; one that has not answered in time has failed."""
    running = {part: part.start(_pool) for part in PARTS}
    wait(running.values(), timeout=PATIENCE)
    late = {"status": FAILED, "detail": f"no answer within {PATIENCE} s", "seconds": PATIENCE}
    results = {part.name: future.result() if future.done() else late for part, future in running.items()}
    failed = [part for part in PARTS if results[part.name]["status"] != OK]
    status = FAILED if any(part.essential for part in failed) else DEGRADED if failed else OK
    return {"status": status, "time": now().isoformat(timespec="seconds"), "parts": results}


@login_not_required
@require_safe
def live(request: HttpRequest) -> JsonResponse:
    """200 as long as the process answers at all: a supervisor restarts what does not."""
    return JsonResponse({"status": OK})


@login_not_required
@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """Each part by name; 503 only when nothing can be filed."""
    found = report()
    if found["status"] == FAILED:
        return with_retry(JsonResponse(found, status=503))
    return JsonResponse(found)
