"""The worklist's table."""

from typing import Any

import django_tables2 as tables
from django.db.models import Case as Switch
from django.db.models import QuerySet, Value, When
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.cases.choices import ASSIGNABLE, LONG_WAIT, PRIORITY_ORDER, SETTLED, CaseState
from portal.cases.models import Case

#: Columns that a narrow screen leaves out.
WIDE_ONLY = {"td": {"class": "wide-only"}, "th": {"class": "wide-only"}}


def _place(field: str, order: list[str] | tuple[str, ...]) -> Switch:
    return Switch(*(When(**{field: value}, then=Value(place)) for place, value in enumerate(order)))


class CellColumn(tables.Column):
    """A cell with a template of its own, rendered from the row alone.

    ``TemplateColumn`` runs the request's context processors, with their queries, for every cell.
    """

    def __init__(self, template_name: str, **options: Any) -> None:
        super().__init__(**options)
        self.template_name = template_name

    def render(self, record: Case, table: "CaseTable") -> str:
        """The cell from its template."""
        return render_to_string(self.template_name, {"record": record, **table.cell_context(record)})


class CaseTable(tables.Table):
    """One row a case, from ``selectors.worklist``. Priority and state sort by their meaning, not by their letters.

    ``selected``: keys of the cases whose boxes are ticked.
    """

    select = CellColumn(
        "cases/columns/select.html",
        verbose_name="",
        orderable=False,
        empty_values=(),
        attrs={"td": {"class": "select-cell"}, "th": {"class": "select-cell"}},
    )
    priority = CellColumn("cases/columns/priority.html", verbose_name=_("Priority"))
    accession = CellColumn("cases/columns/accession.html", verbose_name=_("Case"))
    patient_pseudonym = tables.Column(verbose_name=_("Pseudonym"))
    specimen = tables.Column(verbose_name=_("Specimen"), attrs=WIDE_ONLY)
    image_count = tables.Column(
        verbose_name=_("Images"),
        attrs={"td": {"class": "numeric wide-only"}, "th": {"class": "numeric wide-only"}},
    )
    state = CellColumn("cases/columns/state.html", verbose_name=_("State"))
    reader = CellColumn(
        "cases/columns/reader.html", verbose_name=_("Reader"), orderable=False, empty_values=()
    )
    waiting_since = CellColumn(
        "cases/columns/waiting.html", verbose_name=_("Waiting"), order_by="waiting_since"
    )
    created_at = CellColumn("cases/columns/filed.html", verbose_name=_("Filed"), attrs=WIDE_ONLY)
    laboratory = tables.Column(verbose_name=_("Laboratory"))

    class Meta:
        model = Case
        template_name = "cases/table.html"
        fields: tuple[str, ...] = ()
        sequence = (
            "select",
            "priority",
            "accession",
            "patient_pseudonym",
            "specimen",
            "image_count",
            "state",
            "reader",
            "waiting_since",
            "created_at",
            "...",
        )
        attrs = {"class": "table list-table align-middle mb-0"}

    def __init__(self, *args: Any, selected: frozenset[str] = frozenset(), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.selected = selected
        self.now = timezone.now()

    def cell_context(self, record: Any) -> dict[str, Any]:
        """What the cells of a row show besides the case."""
        is_waiting = record.state not in (CaseState.DRAFT, *SETTLED)
        return {
            "claim": next(iter(record.open_claim), None),
            "is_assignable": record.state in ASSIGNABLE,
            "is_selected": str(record.pk) in self.selected,
            "is_waiting": is_waiting,
            "is_long": is_waiting and self.now - record.waiting_since > LONG_WAIT[record.priority],
        }

    def order_priority(self, queryset: QuerySet[Case], is_descending: bool) -> tuple[QuerySet[Case], bool]:
        """By urgency, not by the word."""
        place = _place("priority", PRIORITY_ORDER)
        return queryset.order_by(place.desc() if is_descending else place.asc(), "-created_at"), True

    def order_state(self, queryset: QuerySet[Case], is_descending: bool) -> tuple[QuerySet[Case], bool]:
        """By the order of a case's life, not by the word."""
        place = _place("state", CaseState.values)
        return queryset.order_by(place.desc() if is_descending else place.asc(), "-created_at"), True
