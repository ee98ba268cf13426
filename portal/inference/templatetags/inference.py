"""What templates say about the model's answers, its rules and its figures."""

from typing import Any

from django import template
from django.utils.formats import number_format

from portal.inference.choices import REFER_ADVICE, ReferReason

register = template.Library()


@register.filter
def refer_word(reason: str) -> str:
    """A reason for *refer* in a few words."""
    return str(ReferReason(reason).label)


@register.filter
def refer_advice(reason: str) -> str:
    """A reason for *refer*: what it means for the reader, and what to do."""
    return str(REFER_ADVICE[ReferReason(reason)])


@register.filter
def level_percent(level: float) -> str:
    """A level as people say it: 0.99 as 99 %, 0.995 as 99.5 %."""
    return f"{number_format(f'{100 * level:.6g}')} %"


@register.filter
def figure(measure: dict[str, Any] | None) -> str:
    """A measure of a model card: 0.991, or – where it was not measured."""
    return "–" if measure is None or measure.get("value") is None else _three_places(measure["value"])


@register.filter
def interval(measure: dict[str, Any] | None) -> str:
    """The 95 % interval of a measure: (0.985–0.997); empty where there is none."""
    low, high = (measure or {}).get("low"), (measure or {}).get("high")
    return "" if low is None or high is None else f"({_three_places(low)}–{_three_places(high)})"


def _three_places(value: float) -> str:
    return number_format(value, decimal_pos=3)
