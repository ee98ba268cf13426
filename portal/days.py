"""Days that a person may name: no calendar, time zone or week falls over their edges."""

from datetime import date
from typing import Any

import django_filters as filters
from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext_lazy as _

EARLIEST, LATEST = date(1900, 1, 1), date(2999, 12, 31)
_REFUSAL = _("Enter a date between the years 1900 and 2999.")


class DayField(forms.DateField):
    """A day in a form."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.validators += [MinValueValidator(EARLIEST, _REFUSAL), MaxValueValidator(LATEST, _REFUSAL)]


class DateInput(forms.DateInput):
    """The browser's own calendar."""

    input_type = "date"


class DayFilter(filters.DateFilter):
    """A day to narrow a list by."""

    field_class = DayField
