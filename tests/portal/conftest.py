"""A laboratory with one person per role, another laboratory beside it, and a place for files."""

from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from portal.accounts.choices import Role
from portal.accounts.models import Laboratory
from portal.inference.models import ModelVersion
from tests.factories import LaboratoryFactory, active_model, member
from tests.portal.kinds import People


@pytest.fixture(autouse=True)
def _files_and_passwords(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    # A busy machine may take longer than half a minute from reading a code to entering it.
    settings.MFA_TOTP_TOLERANCE = 10
    # The real hasher costs a third of a second a person, on purpose.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def lab(db: None) -> Laboratory:
    return LaboratoryFactory.create()


@pytest.fixture
def people(lab: Laboratory) -> People:
    """One person per role of ``lab``, and ``stranger``, a reviewer of another laboratory."""
    return People(
        submitter=member(lab, Role.SUBMITTER),
        reviewer=member(lab, Role.REVIEWER),
        lab_admin=member(lab, Role.LAB_ADMIN),
        stranger=member(LaboratoryFactory.create(), Role.REVIEWER),
    )


@pytest.fixture
def model(db: None) -> ModelVersion:
    return active_model()
