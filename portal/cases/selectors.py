"""Which cases and photographs a person may see: the one gate between laboratories."""

from django.db.models import QuerySet

from portal.accounts.models import User
from portal.accounts.selectors import laboratories_for
from portal.cases.models import Case, CaseQuerySet, SmearImage


def visible_to(user: User) -> CaseQuerySet:
    """The cases of the laboratories in which the person is an active member."""
    return Case.objects.filter(laboratory__in=laboratories_for(user))


def images_visible_to(user: User) -> QuerySet[SmearImage]:
    """Their photographs."""
    return SmearImage.objects.filter(case__laboratory__in=laboratories_for(user)).select_related(
        "case__laboratory"
    )
