"""What every test may ask for: the services, and a whole running system."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import django
import pytest
from django.utils import translation
from pytest_django.fixtures import Settings
from whitenoise.base import WhiteNoise
from whitenoise.responders import StaticFile

from embedded.state import free_port
from tests import services
from tests.live import LiveSystem
from tests.mail_server import MailServer, serving

services.provide()
os.environ["DJANGO_SETTINGS_MODULE"] = "portal.config.settings"
django.setup()  # before the conftest.py files below this one import models


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Keep the settings' name from the processes of pytest-xdist, which start now and inherit the environment.

    With it, pytest-django would read the settings there before ``services.provide`` has given each process its own
    databases of Valkey, and one would empty the cache of another.
    """
    if getattr(session.config.option, "numprocesses", None):
        os.environ.pop("DJANGO_SETTINGS_MODULE", None)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Look for circles of dead objects seldom, and never among what stays: a tenth of the time went into this."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)


@pytest.fixture(scope="session", autouse=True)
def _static_files_are_read_once() -> Iterator[None]:
    """Let WhiteNoise look at each static file once a session.

    Every test client builds the middleware anew, and two fifths of the time of the portal's tests went into this.
    """
    look, known = WhiteNoise.update_files_dictionary, dict[tuple[str, str], dict[str, StaticFile]]()

    def remember(self: WhiteNoise, root: str, prefix: str) -> None:
        if (root, prefix) not in known:
            others, self.files = self.files, {}
            look(self, root, prefix)
            known[root, prefix], self.files = self.files, others
        self.files.update(known[root, prefix])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WhiteNoise, "update_files_dictionary", remember)
        yield


@pytest.fixture(autouse=True)
def _language_of_the_settings() -> Iterator[None]:
    """A request in Spanish leaves its thread in Spanish, and the next test has no request to change that."""
    yield
    translation.deactivate()


@pytest.fixture(scope="session")
def triton() -> str:
    """The gRPC address (host:port) of a tritonserver with the committed model, started when first asked."""
    return services.start_triton()


@pytest.fixture(scope="session")
def exact_integers() -> Iterator[None]:
    """Sums of int8 products are exact from here to the end of the session, whatever the processor."""
    from tests.integers import let_sums_be_exact  # torch is not for everybody

    with pytest.MonkeyPatch.context() as patch:
        let_sums_be_exact(patch)
        yield


@pytest.fixture(scope="session")
def live_system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSystem]:
    """Hemalens as ``make run`` starts it, on a free port, in a folder of its own, for the whole session."""
    folder: Path = tmp_path_factory.mktemp("live")
    with LiveSystem.started(folder / "var") as system:
        yield system


@pytest.fixture
def smtp(settings: Settings) -> int:
    """Mail goes to this port, where nothing listens yet."""
    settings.EMAIL_BACKEND = "portal.mail.NotedMail"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    return int(settings.EMAIL_PORT)


@pytest.fixture
def mail_server(smtp: int) -> Iterator[MailServer]:
    with serving(smtp) as server:
        yield server
