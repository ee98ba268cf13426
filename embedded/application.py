"""The portal's own processes and the steps that come before them."""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from embedded import valkey
from embedded.process import Spec
from embedded.settings import ROOT, Settings
from embedded.state import VarFolder

NAMES = ("worker", "beat", "web")
#: What ``run.json`` contains besides the services' addresses, so that ``manage.py`` can join a running instance.
PASSED_ON = ("SITE_URL", "MEDIA_ROOT", "STATIC_ROOT", "EMAIL_URL", "MODEL_NAME")
#: An address that means all of the machine's, and where to ask a server bound to it.
_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - compared, not bound


def application_environment(
    var: VarFolder, settings: Settings, port: int, base: Mapping[str, str], services: Mapping[str, str]
) -> dict[str, str]:
    """The portal's variables: ``base`` (the caller's), the services' addresses, and what follows from both."""
    hosts = ["localhost", "127.0.0.1", "[::1]"]
    if settings.host not in (*_ANY_ADDRESS, *hosts):
        hosts.append(settings.host)
    defaults = {
        "DEBUG": "0",
        "ALLOWED_HOSTS": ",".join(hosts),
        "EMAIL_URL": f"filemail:///{var.path / 'mail'}",
        # two cores are shared by all: no process but tritonserver opens a pool of threads of its own
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": "2",
        "PYTHONUNBUFFERED": "1",
    }
    given = {name: value for name, value in base.items() if value}
    return {
        **defaults,
        **given,
        **services,
        "DJANGO_SETTINGS_MODULE": "portal.config.settings",
        "PORT": str(port),
        "HOST": settings.host,
        "HEMALENS_WEB_WORKERS": str(settings.web_workers),
        "HEMALENS_WEB_THREADS": str(settings.web_threads),
        "SITE_URL": settings.site_url or f"http://localhost:{port}",
        "MEDIA_ROOT": str(var.path / "media"),
        "STATIC_ROOT": str(ROOT / "staticfiles"),
        "MODEL_NAME": settings.model_name,
    }


def setup_steps(var: VarFolder) -> list[tuple[str, list[str]]]:
    """Label and command of each step that runs once the database answers, in order."""
    manage = [sys.executable, str(ROOT / "manage.py")]
    return [
        ("migrate the database", [*manage, "migrate", "--no-input", "--verbosity=1"]),
        ("register the model", [*manage, "register_model"]),
        ("seed the demo laboratory", [*manage, "seed_demo", "--accounts-file", str(var.accounts_file)]),
    ]


def application_specs(
    var: VarFolder, settings: Settings, port: int, environment: Mapping[str, str]
) -> list[Spec]:
    """Specs of the Celery worker, beat and the web server."""
    python = sys.executable
    schedule = var.path / "beat-schedule"
    ports, secrets = var.ports(), var.secrets()
    web = [python, "-m", "portal.server"]
    return [
        Spec(
            name="worker",
            command=[
                *(python, "-m", "worker", "--queues=default,quick,mail"),
                f"--concurrency={settings.worker_concurrency}",
            ],
            environment=environment,
            folder=ROOT,
            ready=lambda: valkey.has_consumer(ports["valkey"], secrets["valkey"]),
            stop_grace=20.0,
            stage=2,
        ),
        Spec(
            name="beat",
            command=[
                *(python, "-m", "celery", "-A", "worker.app", "beat", "--loglevel=info"),
                *(f"--schedule={schedule}", "--pidfile="),
            ],
            environment=environment,
            folder=ROOT,
            ready=lambda: any(var.path.glob(f"{schedule.name}*")),
            stage=2,
            before_start=lambda: _remove(var.path, f"{schedule.name}*"),
        ),
        Spec(
            name="web",
            command=web,
            environment=environment,
            folder=ROOT,
            ready=lambda: _answers(settings.host, port),
            patience=60.0,
            stage=2,
        ),
    ]


def _remove(folder: Path, pattern: str) -> None:
    for file in folder.glob(pattern):
        file.unlink()


def failing_parts(host: str, port: int) -> dict[str, str]:
    """What the portal's own health report says does not work: detail by part."""
    try:
        with urllib.request.urlopen(f"{_address(host, port)}/health/ready", timeout=5) as answer:  # noqa: S310 - always http
            report = json.load(answer)
    except urllib.error.HTTPError as error:  # 503: a part is down without which nothing can be filed
        report = json.load(error)
    except (OSError, json.JSONDecodeError):
        return {"web": "does not report on its health"}
    return {name: part["detail"] for name, part in report["parts"].items() if part["status"] != "ok"}


def _answers(host: str, port: int) -> bool:
    try:
        with urllib.request.urlopen(f"{_address(host, port)}/health/live", timeout=2) as answer:  # noqa: S310 - always http
            return bool(answer.status == 200)
    except OSError:
        return False


def _address(host: str, port: int) -> str:
    """Where to ask a web server that listens on ``host``."""
    return f"http://{_ANY_ADDRESS.get(host, f'[{host}]' if ':' in host else host)}:{port}"
