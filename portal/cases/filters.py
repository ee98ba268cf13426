"""Search and filters of the worklist; all of them live in the address."""

from collections.abc import Collection
from typing import Any

import django_filters as filters
from django import forms
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal.cases.choices import SIGNED, UNDER_ANALYSIS, CaseState, Priority, Specimen
from portal.cases.models import Case

S = CaseState
#: The tabs of the worklist: what a person looks for, and the states that mean it.
STAGES: dict[str, tuple[str | Promise, Collection[CaseState]]] = {
    "draft": (_("Drafts"), (S.DRAFT, S.RETURNED)),
    "analysis": (_("In analysis"), UNDER_ANALYSIS),
    "reading": (
        _("To read"),
        (S.AWAITING_READ, S.IN_READING, S.AWAITING_SECOND_READ, S.ADJUDICATION, S.READY_TO_SIGN),
    ),
    "reported": (_("Reported"), SIGNED),
    "cancelled": (_("Cancelled"), (S.CANCELLED,)),
}


class DateInput(forms.DateInput):
    input_type = "date"


class CaseFilter(filters.FilterSet):
    """What the worklist can be narrowed by."""

    q = filters.CharFilter(
        label=_("Search"),
        method="search",
        widget=forms.TextInput(
            attrs={"type": "search", "placeholder": _("Accession or pseudonym"), "autocomplete": "off"}
        ),
    )
    stage = filters.ChoiceFilter(
        method="at_stage",
        choices=[(key, label) for key, (label, _states) in STAGES.items()],
        widget=forms.HiddenInput,
    )
    priority = filters.ChoiceFilter(label=_("Priority"), choices=Priority.choices, empty_label=_("Any"))
    specimen = filters.ChoiceFilter(label=_("Specimen"), choices=Specimen.choices, empty_label=_("Any"))
    filed_from = filters.DateFilter(
        label=_("Filed from"), field_name="created_at", lookup_expr="date__gte", widget=DateInput
    )
    filed_to = filters.DateFilter(
        label=_("to"), field_name="created_at", lookup_expr="date__lte", widget=DateInput
    )
    mine = filters.BooleanFilter(label=_("Filed by me"), method="filed_by_me", widget=forms.CheckboxInput)

    request: HttpRequest

    class Meta:
        model = Case
        fields: tuple[str, ...] = ()

    def search(self, queryset: QuerySet[Case], _name: str, words: str) -> QuerySet[Case]:
        words = words.strip()
        return queryset.filter(Q(accession__icontains=words) | Q(patient_pseudonym__icontains=words))

    def at_stage(self, queryset: QuerySet[Case], _name: str, stage: str) -> QuerySet[Case]:
        return queryset.filter(state__in=STAGES[stage][1])

    def filed_by_me(self, queryset: QuerySet[Case], _name: str, mine: Any) -> QuerySet[Case]:
        return queryset.filter(created_by=self.request.user.pk) if mine else queryset
