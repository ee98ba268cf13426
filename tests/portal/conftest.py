"""A laboratory with one person per role, another laboratory beside it, and a place for files."""

from types import SimpleNamespace

import pytest

from portal.accounts.choices import Role
from tests.factories import LaboratoryFactory, active_model, member


@pytest.fixture(autouse=True)
def _files_and_passwords(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    # A busy machine may take longer than half a minute from reading a code to entering it.
    settings.MFA_TOTP_TOLERANCE = 10
    # The real hasher costs a third of a second a person, on purpose.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def lab(db):
    return LaboratoryFactory()


@pytest.fixture
def people(lab):
    """One person per role of ``lab``, and ``stranger``, a reviewer of another laboratory."""
    return SimpleNamespace(
        submitter=member(lab, Role.SUBMITTER),
        reviewer=member(lab, Role.REVIEWER),
        lab_admin=member(lab, Role.LAB_ADMIN),
        stranger=member(LaboratoryFactory(), Role.REVIEWER),
    )


@pytest.fixture
def model(db):
    return active_model()
