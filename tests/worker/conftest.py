"""The registered model as the repository's card describes it, a laboratory, and a place for files."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import call_command
from pytest_django.fixtures import Settings

from portal.accounts.choices import Role
from portal.accounts.models import Laboratory, User
from portal.cases.models import Case
from portal.inference.models import ModelVersion
from portal.inference.selectors import active_version
from portal.intake import services as cases
from tests.factories import LaboratoryFactory, draft, member
from tests.worker.submitting import Submit
from worker.readiness import watch


@pytest.fixture(autouse=True)
def _media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    watch.forget()
    yield
    watch.forget()


@pytest.fixture
def version(db: None) -> ModelVersion:
    """The committed model version, registered as ``make run`` registers it."""
    call_command("register_model", verbosity=0)
    found = active_version()
    assert found is not None
    return found


@pytest.fixture
def lab(db: None) -> Laboratory:
    made: Laboratory = LaboratoryFactory.create()
    return made


@pytest.fixture
def submitter(lab: Laboratory) -> User:
    return member(lab, Role.SUBMITTER)


@pytest.fixture
def submit(version: ModelVersion, submitter: User, lab: Laboratory) -> Submit:
    """Make a submitted case with queued jobs; nobody but the test works on them."""

    def make(images: int = 1, **fields: str) -> Case:
        return cases.submit(submitter, draft(submitter, lab, images=images, **fields))

    return make
