"""Search and filters of the worklist; all of them live in the address."""

from collections.abc import Collection
from typing import Any

import django_filters as filters
from django import forms
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal.accounts.models import User
from portal.accounts.selectors import laboratories_for
from portal.cases.choices import MINE, SIGNED, UNDER_ANALYSIS, CaseState, Priority, Specimen, Stain
from portal.cases.models import Case
from portal.days import DateInput, DayFilter
from portal.desk import selectors
from portal.reading.claims import holding

S = CaseState
#: The tabs of the worklist: what a person looks for, and the states that mean it.
STAGES: dict[str, tuple[str | Promise, Collection[CaseState]]] = {
    "draft": (_("Drafts and returned cases"), (S.DRAFT, S.RETURNED)),
    "analysis": (_("In analysis"), UNDER_ANALYSIS),
    "reading": (_("To read"), (S.AWAITING_READ, S.IN_READING, S.AWAITING_SECOND_READ)),
    "adjudication": (_("Adjudication"), (S.ADJUDICATION,)),
    "sign": (_("To sign"), (S.READY_TO_SIGN,)),
    "reported": (_("Reported"), SIGNED),
    "cancelled": (_("Cancelled"), (S.CANCELLED,)),
}
#: In these the most pressing case comes first unless the person sorts; somebody waits for every one of them.
BY_URGENCY = frozenset({MINE, "analysis", "reading", "adjudication", "sign"})

ME, NOBODY, ANYBODY = "me", "nobody", "anybody"


class ListFilter(filters.FilterSet):
    """What lists of cases can be narrowed by, on the page and in the API."""

    q = filters.CharFilter(
        label=_("Search"),
        method="search",
        widget=forms.TextInput(
            attrs={
                "type": "search",
                "placeholder": _("Accession, pseudonym or words"),
                "autocomplete": "off",
            }
        ),
    )
    stage = filters.ChoiceFilter(
        method="at_stage",
        choices=[(MINE, _("My cases")), *((key, label) for key, (label, _states) in STAGES.items())],
        widget=forms.HiddenInput,
    )
    priority = filters.ChoiceFilter(label=_("Priority"), choices=Priority.choices, empty_label=_("Any"))
    specimen = filters.ChoiceFilter(label=_("Specimen"), choices=Specimen.choices, empty_label=_("Any"))
    stain = filters.ChoiceFilter(label=_("Stain"), choices=Stain.choices, empty_label=_("Any"))
    filed_from = DayFilter(
        label=_("Filed from"), field_name="created_at", lookup_expr="date__gte", widget=DateInput
    )
    filed_to = DayFilter(label=_("to"), field_name="created_at", lookup_expr="date__lte", widget=DateInput)
    mine = filters.BooleanFilter(label=_("Filed by me"), method="filed_by_me", widget=forms.CheckboxInput)

    request: HttpRequest

    class Meta:
        model = Case
        fields: tuple[str, ...] = ()

    def search(self, queryset: QuerySet[Case], _name: str, words: str) -> QuerySet[Case]:
        """The cases that hold every word entered."""
        return selectors.matching(queryset, words)

    def at_stage(self, queryset: QuerySet[Case], _name: str, stage: str) -> QuerySet[Case]:
        """The cases of a stage of the worklist."""
        if stage == MINE:
            return queryset.filter(selectors.waits_for(self.request.user))  # type: ignore[arg-type]
        return queryset.filter(state__in=STAGES[stage][1])

    def filed_by_me(self, queryset: QuerySet[Case], _name: str, mine: Any) -> QuerySet[Case]:
        """The cases that the person filed."""
        return queryset.filter(created_by=self.request.user.pk) if mine else queryset


class CaseFilter(ListFilter):
    """All that the worklist's page offers; people and laboratories are those the person may know of."""

    state = filters.ChoiceFilter(label=_("State"), choices=CaseState.choices, empty_label=_("Any"))
    assigned = filters.ChoiceFilter(label=_("Assigned to"), method="assigned_to", empty_label=_("Any"))
    claimed_by = filters.ChoiceFilter(label=_("Taken by"), method="in_hand_of", empty_label=_("Any"))
    laboratory = filters.ModelChoiceFilter(
        label=_("Laboratory"), to_field_name="slug", queryset=None, empty_label=_("All")
    )

    def __init__(self, *args: Any, reviewers: list[tuple[str, str]] | None = None, **kwargs: Any) -> None:
        """``reviewers``: key and name of those who can have a case, where the caller has them already."""
        super().__init__(*args, **kwargs)
        user: User = self.request.user  # type: ignore[assignment]
        if reviewers is None:
            reviewers = selectors.reviewer_choices(user)
        people = [(ME, _("Me")), *reviewers]
        self.filters["assigned"].extra["choices"] = [(NOBODY, _("Nobody")), *people]
        self.filters["claimed_by"].extra["choices"] = [(ANYBODY, _("Anybody")), *people]
        self.filters["laboratory"].queryset = laboratories_for(user)

    def _person(self, key: str) -> int:
        user: User = self.request.user  # type: ignore[assignment]
        return user.pk if key == ME else int(key)

    def assigned_to(self, queryset: QuerySet[Case], _name: str, key: str) -> QuerySet[Case]:
        """The cases assigned to a reviewer."""
        return queryset.filter(assigned_to=None if key == NOBODY else self._person(key))

    def in_hand_of(self, queryset: QuerySet[Case], _name: str, key: str) -> QuerySet[Case]:
        """The cases that a reviewer has in hand."""
        claims = holding().filter(case=OuterRef("pk"))
        return queryset.filter(Exists(claims if key == ANYBODY else claims.filter(reader=self._person(key))))
