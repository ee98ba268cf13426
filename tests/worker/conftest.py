"""The registered model as the repository's card describes it, a laboratory, and a place for files."""

import pytest
from django.core.management import call_command

from portal.accounts.choices import Role
from portal.inference.selectors import active_version
from portal.intake import services as cases
from tests.factories import LaboratoryFactory, draft, member
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
