"""Numbers as a person reads them. Rounded first: Django's ``number_format`` cuts digits off."""

from __future__ import annotations

from django.utils.formats import number_format


def decimal(value: float, places: int) -> str:
    """A number with that many decimal places."""
    return str(number_format(round(value, places), decimal_pos=places))


def percent(share: float) -> str:
    """0.6667 as 66.7 %; what is short of all is never rounded up to it."""
    return f"{_points(share)} %"


def percents(low: float, high: float) -> str:
    """An interval of shares: 71.2–91.9 %."""
    return f"{_points(low)}–{_points(high)} %"


def _points(share: float) -> str:
    return decimal(min(100 * share, 99.9) if share < 1 else 100.0, 1)
