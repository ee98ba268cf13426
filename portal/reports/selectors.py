"""Reads about diagnoses."""

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet

from portal.accounts.models import User
from portal.accounts.selectors import laboratories_for
from portal.cases.models import Case
from portal.reports.models import Diagnosis


def visible_to(user: User) -> QuerySet[Diagnosis]:
    """The diagnoses of the laboratories in which the person is an active member."""
    return Diagnosis.objects.filter(case__laboratory__in=laboratories_for(user)).select_related(
        "case__laboratory", "case__created_by", "read__reader", "signed_by"
    )


def newest_version(case: Case) -> Diagnosis | None:
    """The version of a case's report that holds. Uses prefetched versions where there are."""
    return max(case.diagnoses.all(), key=lambda diagnosis: diagnosis.version, default=None)


def is_signed_so(user: User, case: Case, entered: Mapping[str, Any]) -> bool:
    """Whether the version that a form of signing or amending asks for is there, signed by the person with these words.

    A form that is sent twice signs once, and the second answer is that of the first.
    """
    signs_first = "reason" not in entered
    version = 1 if signs_first else (entered["amends"] or 0) + 1
    names = ("comment",) if signs_first else ("label", "confidence", "comment", "reason")
    found = case.diagnoses.filter(version=version, signed_by=user).first() if version else None
    return found is not None and all(getattr(found, name) == entered[name].strip() for name in names)
