"""What lists can be narrowed by. A value that means nothing is refused, with those that mean something."""

from typing import Any

import django_filters as filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from rest_framework import serializers

from portal.accounts.models import User
from portal.accounts.selectors import laboratories_for
from portal.cases.choices import CaseState
from portal.cases.models import Case
from portal.desk.filters import ListFilter
from portal.reports.models import Alert

_TRUTH = {"true": True, "1": True, "false": False, "0": False}


class TruthField(forms.Field):
    """True or false, and nothing that would have to be guessed."""

    def to_python(self, value: Any) -> bool | None:
        """``true`` or ``false``. Raises ValidationError for anything else."""
        if value in self.empty_values:
            return None
        if (given := str(value).lower()) not in _TRUTH:
            raise ValidationError(_("Choose one of: %(known)s.") % {"known": "true, false"}, code="invalid")
        return _TRUTH[given]


class StrictFilterSet(filters.FilterSet):
    """The API's way with filters: each refusal says what is allowed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for one in self.filters.values():
            # The generator of the OpenAPI document makes the fields of the class, which an instance would inherit.
            vars(one).pop("_field", None)
            if isinstance(one, filters.BooleanFilter):
                one.field_class = TruthField
                one.extra["widget"] = forms.TextInput
            elif isinstance(one, filters.DateFilter):
                one.extra["input_formats"] = ["%Y-%m-%d"]
                one.extra["error_messages"] = {"invalid": _("Enter a date as YYYY-MM-DD.")}
            elif isinstance(one, filters.ChoiceFilter | filters.MultipleChoiceFilter):
                known = ", ".join(str(value) for value, _label in one.extra["choices"])
                message = _("Choose one of: %(known)s.") % {"known": known}
                one.extra["error_messages"] = dict.fromkeys(("invalid_choice", "invalid_list"), message)


class CaseListFilter(StrictFilterSet, ListFilter):
    """The worklist's filters, and states and laboratories by name. ``state`` may be given several times."""

    state = filters.MultipleChoiceFilter(choices=CaseState.choices)
    laboratory = filters.CharFilter(method="of_laboratory")

    def of_laboratory(self, queryset: QuerySet[Case], name: str, slug: str) -> QuerySet[Case]:
        """The cases of one laboratory."""
        user: User = self.request.user  # type: ignore[assignment]
        known = list(laboratories_for(user).values_list("slug", flat=True))
        if slug not in known:
            raise serializers.ValidationError(
                {name: [_("Choose one of: %(known)s.") % {"known": ", ".join(known)}]}
            )
        return queryset.filter(laboratory__slug=slug)


class AlertFilter(StrictFilterSet):
    """``open``: only those not acknowledged (or only those that are); ``mine``: those you are to acknowledge."""

    open = filters.BooleanFilter(field_name="acknowledged_at", lookup_expr="isnull")
    mine = filters.BooleanFilter(method="addressed_to_me")

    class Meta:
        model = Alert
        fields: tuple[str, ...] = ()

    def addressed_to_me(self, queryset: QuerySet[Alert], _name: str, mine: bool) -> QuerySet[Alert]:
        """The findings that the person has to acknowledge."""
        return queryset.filter(person=self.request.user) if mine else queryset
