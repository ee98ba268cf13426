"""One signed version of a report, ready to be handed out in any form."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from portal.accounts.models import User
from portal.errors import WrongState
from portal.reports.content import content_sha256
from portal.reports.models import Diagnosis
from portal.reports.selectors import visible_to


@dataclass(frozen=True)
class SignedVersion:
    """A signed version. ``versions`` are all of the case's, the newest first."""

    diagnosis: Diagnosis
    versions: list[Diagnosis]

    @property
    def content(self) -> dict[str, Any]:
        return dict(self.diagnosis.content)

    @property
    def newest(self) -> Diagnosis:
        return self.versions[0]

    @property
    def is_newest(self) -> bool:
        return self.diagnosis.pk == self.newest.pk

    @property
    def history(self) -> list[Diagnosis]:
        """This version and those before it that were signed with a hash, the newest first."""
        number = self.diagnosis.version
        return [one for one in self.versions if one.version <= number and one.sha256]

    @property
    def file_name(self) -> str:
        """What a downloaded file is called, without its ending."""
        return f"{self.diagnosis.case.accession}-v{self.diagnosis.version}"


def signed_version(user: User, case_id: UUID, wanted: int | None = None) -> SignedVersion:
    """The wanted version of a visible case's report, by default the newest.

    Raises Diagnosis.DoesNotExist, and WrongState where the version has no content, or not what was signed.
    """
    versions = list(visible_to(user).filter(case=case_id))
    found = [one for one in versions if wanted in (None, one.version)]
    if not found:
        raise Diagnosis.DoesNotExist
    version = SignedVersion(found[0], versions)
    _check_content(version.diagnosis)
    return version


def _check_content(diagnosis: Diagnosis) -> None:
    if not diagnosis.content:
        raise WrongState(
            _("This version was signed before report contents were stored. Print its page instead."),
            code="no_content",
        )
    if not is_intact(diagnosis):
        raise WrongState(
            _(
                "The stored report is no longer what was signed. Do not use it, and notify the operator of "
                "Hemalens."
            ),
            code="content_changed",
        )


def is_intact(diagnosis: Diagnosis) -> bool:
    """Whether the stored content still has the hash with which it was signed, computed again."""
    return bool(diagnosis.sha256) and content_sha256(diagnosis.content) == diagnosis.sha256
