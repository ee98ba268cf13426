"""The worklist's table."""

import django_tables2 as tables
from django.db.models import Case as Switch
from django.db.models import QuerySet, Value, When
from django.utils.translation import gettext_lazy as _

from portal.cases.choices import PRIORITY_ORDER, CaseState
from portal.cases.models import Case


def _place(field: str, order: list[str] | tuple[str, ...]) -> Switch:
    return Switch(*(When(**{field: value}, then=Value(place)) for place, value in enumerate(order)))


class CaseTable(tables.Table):
    """One row a case. Priority and state sort by their meaning, not by their letters."""

    priority = tables.TemplateColumn("{% load hemalens %}{% priority record %}", verbose_name=_("Priority"))
    accession = tables.TemplateColumn(template_name="cases/columns/accession.html", verbose_name=_("Case"))
    patient_pseudonym = tables.Column(verbose_name=_("Pseudonym"))
    specimen = tables.Column(verbose_name=_("Specimen"))
    image_count = tables.Column(
        verbose_name=_("Images"), attrs={"td": {"class": "numeric"}, "th": {"class": "numeric"}}
    )
    state = tables.TemplateColumn("{% load hemalens %}{% state_chip record %}", verbose_name=_("State"))
    created_at = tables.TemplateColumn(template_name="cases/columns/filed.html", verbose_name=_("Filed"))
    laboratory = tables.Column(verbose_name=_("Laboratory"))

    class Meta:
        model = Case
        template_name = "cases/table.html"
        fields: tuple[str, ...] = ()
        sequence = (
            "priority",
            "accession",
            "patient_pseudonym",
            "specimen",
            "image_count",
            "state",
            "created_at",
            "...",
        )
        attrs = {"class": "table list-table align-middle mb-0"}

    def order_priority(self, queryset: QuerySet[Case], is_descending: bool) -> tuple[QuerySet[Case], bool]:
        place = _place("priority", PRIORITY_ORDER)
        return queryset.order_by(place.desc() if is_descending else place.asc(), "-created_at"), True

    def order_state(self, queryset: QuerySet[Case], is_descending: bool) -> tuple[QuerySet[Case], bool]:
        place = _place("state", CaseState.values)
        return queryset.order_by(place.desc() if is_descending else place.asc(), "-created_at"), True
