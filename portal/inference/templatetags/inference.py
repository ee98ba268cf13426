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
def leads_outside_set(answer: Any) -> bool:
    """Whether the leading class of an answer (stored, or of a signed report) is not in its own prediction set."""
    said = (
        answer
        if isinstance(answer, dict)
        else {"label": answer.label, "prediction_set": answer.prediction_set}
    )
    return bool(said["prediction_set"]) and said["label"] not in said["prediction_set"]


@register.filter
def level_percent(level: float) -> str:
    """A level as people say it: 0.99 as 99 %, 0.995 as 99.5 %."""
    return f"{number_format(f'{100 * level:.6g}')} %"


@register.filter
def item(mapping: dict[str, Any], key: str) -> Any:
    """What a mapping holds under a key that only the template knows; None where it holds nothing."""
    return mapping.get(key)


@register.filter
def figure(value: float | None) -> str:
    """A figure of a model card: 0.991, or – where it was not measured."""
    if value is None:
        return "–"
    # Rounded to a certainty only where it is one.
    if _nearly_one(value):
        return f"> {number_format(_BELOW_ONE)}"
    return _rounded(value, 4 if round(value, 3) == 1 > value else 3)


@register.filter
def as_measured(value: Any) -> str:
    """The value of a gate's criterion: a number with four significant digits, anything else unchanged."""
    if not isinstance(value, float):
        return "–" if value is None else str(value)
    return f"> {number_format(_BELOW_ONE)}" if _nearly_one(value) else number_format(f"{value:.4g}")


@register.filter
def interval(measure: dict[str, Any] | None) -> str:
    """The 95 % interval of a measure: (0.985–0.997); empty where there is none."""
    low, high = (measure or {}).get("low"), (measure or {}).get("high")
    return "" if low is None or high is None else f"({_rounded(low, 3)}–{_rounded(high, 3)})"


@register.filter
def points(share: float) -> str:
    """A share or a difference of shares in points of a hundred: 0.0112 as 1.1."""
    return _rounded(100 * share, 1)


#: Shown for a figure below 1 that four digits would round to certainty.
_BELOW_ONE = "0.9999"


def _nearly_one(value: float) -> bool:
    return round(value, 4) == 1 > value


def _rounded(value: float, places: int) -> str:
    # Django's own number_format cuts digits off.
    return number_format(f"{value:.{places}f}")
