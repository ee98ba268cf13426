"""What the insights' templates say: charts, estimates, measures."""

from __future__ import annotations

from collections.abc import Sequence

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from portal.insights.charts import Chart
from portal.insights.drift import rounded
from portal.insights.figures import Estimate
from portal.numbers import decimal, percent, percents

register = template.Library()


@register.simple_tag
def draw(chart_in_frames: Sequence[Chart]) -> SafeString:
    """The chart as inline SVG with its sentence as the name, once for each width; the style sheet shows one."""
    return format_html_join("", "{}", ((_svg(chart),) for chart in chart_in_frames))


def _svg(chart: Chart) -> SafeString:
    shapes = format_html_join(
        "",
        "<{}{}>{}</{}>",
        (
            (shape.tag, format_html_join("", ' {}="{}"', shape.attributes.items()), shape.text, shape.tag)
            for shape in chart.shapes
        ),
    )
    size = f"0 0 {chart.frame.width:g} {chart.height:g}"
    css = f"chart chart-{chart.frame.name}"
    return format_html(
        '<svg class="{}" viewBox="{}" role="img" aria-label="{}">{}</svg>', css, size, chart.says, shapes
    )


@register.filter
def as_share(estimate: Estimate | None) -> str:
    """A share with its interval: 84.0 % (71.2–91.9 %)."""
    if estimate is None or estimate.low is None or estimate.high is None:
        return "–"
    return f"{percent(estimate.value)} ({percents(estimate.low, estimate.high)})"


@register.filter
def as_kappa(estimate: Estimate | None) -> str:
    """Kappa with its interval, to two places; without one where none can be given."""
    if estimate is None:
        return "–"
    value = decimal(estimate.value, 2)
    if estimate.low is None or estimate.high is None:
        return value
    low, high = (decimal(end, 2) for end in (estimate.low, estimate.high))
    return f"{value} ({low}–{high})" if estimate.low >= 0 else f"{value} ({low} … {high})"


@register.filter
def as_percent(share: float | None) -> str:
    """A share without its interval."""
    return "–" if share is None else percent(share)


@register.filter
def places(value: float | None, count: int) -> str:
    """A number with that many decimal places."""
    return rounded(value, count)
