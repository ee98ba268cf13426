"""What the worklist and the case page ask of the cases that a person may see."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Exists, Min, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from portal.accounts.choices import ROLE_ACTIONS, Action, Role
from portal.accounts.models import Membership, User
from portal.accounts.selectors import laboratories_for
from portal.cases.choices import CaseState
from portal.cases.models import CASE_DOCUMENT, Case, CaseQuerySet, SmearImage
from portal.cases.search import query
from portal.cases.selectors import visible_to
from portal.reading.claims import holding, with_open_claim
from portal.reading.models import Read
from portal.reports.models import DIAGNOSIS_DOCUMENT, Diagnosis

#: Since when somebody waits for a case: its last submission, or its first draft.
WAITING_SINCE = Coalesce("submitted_at", "created_at")


def worklist(user: User) -> CaseQuerySet:
    """The cases a person may see, with ``image_count``, ``waiting_since``, ``open_claim`` (a list of at most one) and
    all else that a row of the list shows."""
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
        .select_related("created_by", "laboratory", "assigned_to")
        .prefetch_related(with_open_claim())
        .annotate(
            image_count=Coalesce(Subquery(images), 0),
            first_image=Subquery(first),
            waiting_since=WAITING_SINCE,
        )
    )


@dataclass(frozen=True, slots=True)
class Standing:
    """How many cases are at a stage, and since when the oldest of them has been waiting (None where there is none)."""

    count: int = 0
    oldest: datetime | None = None

    def __add__(self, other: "Standing") -> "Standing":
        oldest = min(filter(None, (self.oldest, other.oldest)), default=None)
        return Standing(self.count + other.count, oldest)


def standing_by_state(user: User) -> dict[str, Standing]:
    """Count and age of the visible cases in each state; every state has its key."""
    rows = visible_to(user).order_by().values_list("state").annotate(n=Count("pk"), since=Min(WAITING_SINCE))
    found = {state: Standing(count, since) for state, count, since in rows}
    return {state: found.get(state, Standing()) for state in CaseState.values}


def waits_for(user: User) -> Q:
    """What waits for one person: cases in hand, own reads to be signed, and own cases that came back."""
    held = holding().filter(case=OuterRef("pk"), reader=user)
    read = Read.objects.filter(case=OuterRef("pk"), round=OuterRef("round"), reader=user)
    return (
        Q(Exists(held))
        | Q(Exists(read), state=CaseState.READY_TO_SIGN)
        | Q(state=CaseState.RETURNED, created_by=user)
    )


def standing_of(cases: QuerySet[Case]) -> Standing:
    """Count and age of some cases."""
    return Standing(**cases.order_by().aggregate(count=Count("pk"), oldest=Min(WAITING_SINCE)))


def matching(cases: QuerySet[Case], entered: str) -> QuerySet[Case]:
    """The cases that hold every word entered, in accession, pseudonym or clinical note, or in the comment of a signed
    report. Reads that are not signed and the model's answers are never looked through."""
    wanted = query(entered)
    if wanted is None:
        return cases.none() if entered.strip() else cases
    own = Case.objects.order_by().annotate(words=CASE_DOCUMENT).filter(words=wanted).values("pk")
    signed = Diagnosis.objects.order_by().annotate(words=DIAGNOSIS_DOCUMENT).filter(words=wanted)
    return cases.filter(pk__in=own.union(signed.values("case")))


def reviewer_choices(user: User) -> list[tuple[str, str]]:
    """Key and name of the active reviewers in the person's laboratories."""
    roles = [role for role in Role.values if Action.READ_CASE in ROLE_ACTIONS[role]]
    found = (
        Membership.objects.filter(
            laboratory__in=laboratories_for(user), role__in=roles, is_active=True, user__is_active=True
        )
        .order_by("user__full_name", "user")
        .values_list("user", "user__full_name")
        .distinct()
    )
    return [(str(pk), name) for pk, name in found]


def case_detail(user: User) -> QuerySet[Case]:
    """The visible cases with all that a case page shows: images, their jobs and predictions, reads and diagnoses."""
    images = SmearImage.objects.prefetch_related(
        "jobs__model_version", "predictions__model_version", "jobs__attempts"
    )
    return (
        visible_to(user)
        .select_related("laboratory", "created_by")
        .prefetch_related(
            Prefetch("images", images), "reads__reader", "diagnoses__signed_by", "diagnoses__read"
        )
    )
