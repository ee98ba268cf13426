"""Reads about cases. ``visible_to`` is the one gate between laboratories."""

import uuid

from django.db.models import Count, OuterRef, Prefetch, QuerySet, Subquery
from django.db.models.functions import Coalesce

from portal.accounts.models import User
from portal.accounts.selectors import laboratories_for
from portal.cases.choices import CaseState
from portal.cases.models import Case, CaseQuerySet, SmearImage


def visible_to(user: User) -> CaseQuerySet:
    """The cases of the laboratories in which the person is an active member."""
    return Case.objects.filter(laboratory__in=laboratories_for(user))


def images_visible_to(user: User) -> QuerySet[SmearImage]:
    """Their photographs."""
    return SmearImage.objects.filter(case__laboratory__in=laboratories_for(user)).select_related(
        "case__laboratory"
    )


def worklist(user: User) -> QuerySet[Case]:
    """The cases a person may see, with ``image_count`` and all that a row of the list shows."""
    images = (
        SmearImage.objects.filter(case=OuterRef("pk"))
        .order_by()
        .values("case")
        .annotate(n=Count("pk"))
        .values("n")
    )
    first = SmearImage.objects.filter(case=OuterRef("pk")).order_by("position").values("pk")[:1]
    return (
        visible_to(user)
        .select_related("created_by", "laboratory")
        .annotate(image_count=Coalesce(Subquery(images), 0), first_image=Subquery(first))
    )


def counts_by_state(user: User) -> dict[str, int]:
    """How many visible cases stand in each state; every state has its key."""
    found = dict(visible_to(user).order_by().values_list("state").annotate(n=Count("pk")))
    return {state: found.get(state, 0) for state in CaseState.values}


def case_detail(user: User, case_id: uuid.UUID) -> Case:
    """One visible case with its images, their jobs and predictions, reads and diagnoses. Raises Case.DoesNotExist."""
    images = SmearImage.objects.prefetch_related(
        "jobs__model_version", "predictions__model_version", "jobs__attempts"
    )
    return (
        visible_to(user)
        .select_related("laboratory", "created_by")
        .prefetch_related(
            Prefetch("images", images), "reads__reader", "diagnoses__signed_by", "diagnoses__read"
        )
        .get(pk=case_id)
    )
