"""What the list of cases can be narrowed by: the worklist's filters, and states and laboratories by name."""

import django_filters as filters

from portal.cases.choices import CaseState
from portal.cases.filters import ListFilter


class CaseListFilter(ListFilter):
    """``state`` may be given several times."""

    state = filters.MultipleChoiceFilter(choices=CaseState.choices)
    laboratory = filters.CharFilter(field_name="laboratory__slug")
