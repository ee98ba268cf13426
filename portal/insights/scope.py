"""Which cases the insights are about: a laboratory, a period, a model version. All of it lives in the address."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.db.models import QuerySet
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.accounts.choices import Action
from portal.accounts.models import Laboratory, User
from portal.accounts.permissions import can
from portal.accounts.selectors import laboratories_for
from portal.days import DateInput, DayField
from portal.inference.models import ModelVersion

#: Days of the period that can be chosen with one click; the second is what a bare address shows.
PRESETS = (30, 90, 365)
DEFAULT_DAYS = 90
#: Longer periods would make charts of weeks unreadable.
MOST_DAYS = 3 * 366


def laboratories(user: User) -> QuerySet[Laboratory]:
    """The laboratories whose insights a person may see: as a reviewer or as an administrator."""
    either = laboratories_for(user, Action.READ_CASE) | laboratories_for(user, Action.ASSIGN_CASES)
    return either.order_by("name")


def sees_everyone(user: User, laboratory: Laboratory) -> bool:
    """Whether the person sees each reader's figures, not only their own and the laboratory's total."""
    return can(user, Action.ASSIGN_CASES, laboratory)


@dataclass(frozen=True, slots=True)
class Scope:
    """What figures are about. ``version`` is ``name:number``, or empty for every version."""

    laboratory: Laboratory
    start: date
    end: date
    version: str = ""

    @property
    def days(self) -> int:
        """How many days the period has, both ends counted."""
        return (self.end - self.start).days + 1

    @property
    def moments(self) -> tuple[datetime, datetime]:
        """The first moment of the period, and the first after it."""
        return _midnight(self.start), _midnight(self.end + timedelta(days=1))

    @property
    def query(self) -> dict[str, str]:
        """The scope as the address has it."""
        stated = {
            "laboratory": self.laboratory.slug,
            "from": self.start.isoformat(),
            "to": self.end.isoformat(),
            "version": self.version,
        }
        return {name: value for name, value in stated.items() if value}

    def cases(self, **conditions: Any) -> str:
        """The address of the list of cases that meet the conditions (``portal.insights.conditions``)."""
        given = {name: str(value) for name, value in conditions.items() if value not in ("", None)}
        return f"{reverse('insights:cases')}?{urlencode(self.query | given)}"

    def page(self, **changes: str) -> str:
        """The address of the insights with this scope but for the changes."""
        stated = {name: value for name, value in (self.query | changes).items() if value}
        return f"{reverse('insights:page')}?{urlencode(stated)}"

    def weeks(self) -> list[date]:
        """The Mondays of the weeks that the period touches, the oldest first."""
        first, last = monday(self.start), monday(self.end)
        return [first + timedelta(weeks=n) for n in range((last - first).days // 7 + 1)]


def monday(day: date) -> date:
    """The Monday of a day's week."""
    return day - timedelta(days=day.weekday())


def local_day(moment: datetime) -> date:
    """The day of a moment in the installation's time zone."""
    return timezone.localtime(moment).date()


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


class ScopeForm(forms.Form):
    """The filters above the figures."""

    laboratory = forms.ModelChoiceField(
        Laboratory.objects.none(), label=gettext_lazy("Laboratory"), to_field_name="slug", empty_label=None
    )
    to = DayField(label=gettext_lazy("to"), widget=DateInput)
    version = forms.ChoiceField(label=gettext_lazy("Model version"), required=False)

    def __init__(self, data: dict[str, str], user: User, versions: Iterable[ModelVersion]) -> None:
        super().__init__(data)
        self.fields["from"] = DayField(label=gettext_lazy("Signed from"), widget=DateInput)
        self.fields["laboratory"].queryset = laboratories(user)  # type: ignore[attr-defined]
        self.fields["version"].choices = [  # type: ignore[attr-defined]
            ("", _("Every version")),
            *((f"{one.name}:{one.version}", str(one)) for one in versions),
        ]
        self.order_fields(["laboratory", "from", "to", "version"])

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        start, end = given.get("from"), given.get("to")
        if start and end and start > end:
            self.add_error("to", _("The period ends before it starts."))
        elif start and end and (end - start).days >= MOST_DAYS:
            self.add_error("to", _("Choose a period of at most three years."))
        return given


def scope_from(
    query: QueryDict, user: User, versions: Iterable[ModelVersion]
) -> tuple[Scope | None, ScopeForm]:
    """The scope that an address asks for, and its form. None where the person has no laboratory to look at.

    What cannot be read is reported by the form, and its default is used instead.
    """
    own = list(laboratories(user))
    today = local_day(timezone.now())
    default = Scope(own[0], today - timedelta(days=DEFAULT_DAYS - 1), today) if own else None
    if default is None:
        return None, ScopeForm({}, user, versions)
    given = {name: str(value) for name, value in query.dict().items()}
    asked = {name: given[name] for name in ("laboratory", "from", "to", "version") if given.get(name)}
    form = ScopeForm(default.query | asked, user, versions)
    if not form.is_valid() and {"from", "to"} & set(form.errors):
        asked = {name: value for name, value in asked.items() if name not in ("from", "to")}
    readable = ScopeForm(default.query | asked, user, versions)
    readable.is_valid()
    found = readable.cleaned_data
    scope = Scope(
        found.get("laboratory") or own[0],
        found.get("from") or default.start,
        found.get("to") or default.end,
        found.get("version") or "",
    )
    return scope, form
