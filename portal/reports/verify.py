"""Checking a hash: which signed version has it, and is that version still what was signed?"""

import re
from dataclasses import dataclass

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.accounts.models import User
from portal.reports.models import Diagnosis
from portal.reports.selectors import visible_to
from portal.reports.versions import is_intact

_HASH = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")


@dataclass(frozen=True)
class Verified:
    """The version with a hash. ``intact``: its stored content, hashed again, still has it. ``newest``: of its case."""

    diagnosis: Diagnosis
    newest: Diagnosis
    intact: bool

    @property
    def is_newest(self) -> bool:
        return self.diagnosis.pk == self.newest.pk


def verify(user: User, sha256: str) -> Verified | None:
    """The signed version with this hash, or None where none is in a laboratory of the person's."""
    diagnosis = visible_to(user).filter(sha256=sha256).order_by("pk").first() if sha256 else None
    if diagnosis is None:
        return None
    newest = visible_to(user).filter(case=diagnosis.case_id).order_by("-version")[0]
    return Verified(diagnosis, newest, is_intact(diagnosis))


class HashForm(forms.Form):
    """A hash as somebody pastes it: alone, with blanks or in capitals, or within the address of the QR code."""

    hash = forms.CharField(
        label=_("SHA-256 of the report"),
        max_length=500,
        widget=forms.TextInput(
            attrs={"class": "form-control mono", "autocomplete": "off", "spellcheck": "false"}
        ),
        help_text=_(
            "64 characters, at the foot of every page of the report. You can also paste the address from "
            "its QR code."
        ),
        error_messages={"required": _("Paste the hash printed on the report.")},
    )

    def clean_hash(self) -> str:
        entered = self.cleaned_data["hash"].lower()
        found = _HASH.search(entered) or _HASH.fullmatch(re.sub(r"[^0-9a-z]", "", entered))
        if found is None:
            raise forms.ValidationError(
                _("This is not a SHA-256 hash: that has 64 characters, each a digit or a letter from a to f.")
            )
        return found.group()
