"""The registered model as the repository's card describes it, a laboratory, and a place for files."""

from collections.abc import Iterator

import pytest
from django.core.management import call_command

from portal.accounts.choices import Role
from portal.cases import services as cases
from portal.inference.selectors import active_version
from tests.factories import LaboratoryFactory, draft, member
from tests.mail_server import MailServer, serving
from tests.worker.staged_triton import free_port
from worker.readiness import watch


@pytest.fixture(autouse=True)
def _media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture(autouse=True)
def _nothing_remembered():
    watch.forget()
    yield
    watch.forget()


@pytest.fixture
def version(db):
    """The committed model version, registered as ``make run`` registers it."""
    call_command("register_model", verbosity=0)
    return active_version()


@pytest.fixture
def lab(db):
    return LaboratoryFactory()


@pytest.fixture
def submitter(lab):
    return member(lab, Role.SUBMITTER)


@pytest.fixture
def submit(version, submitter, lab):
    """Make a submitted case with queued jobs; nobody but the test works on them."""

    def make(images: int = 1, **fields):
        return cases.submit(submitter, draft(submitter, lab, images=images, **fields))

    return make


@pytest.fixture
def smtp(settings) -> int:
    """Mail goes to this port, where nothing listens yet."""
    settings.EMAIL_BACKEND = "portal.mail.NotedMail"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    return settings.EMAIL_PORT


@pytest.fixture
def mail_server(smtp) -> Iterator[MailServer]:
    with serving(smtp) as server:
        yield server
