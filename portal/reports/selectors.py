"""Reads about diagnoses."""

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
