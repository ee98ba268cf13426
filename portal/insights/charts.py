"""Charts as shapes of SVG, drawn on the server: no script, and no style that the content policy would refuse.

Every chart can be read without colour: lengths and places carry the figures, patterns tell series apart, the numbers
are next to the marks. The page has a table with the same numbers and their links next to each chart.

Each chart is drawn twice, for a wide column and for a phone, and the page shows the one that fits: scaled down, the
wide one's letters would be too small to read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from math import ceil, log10

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from portal.insights.agreement import ShareRow
from portal.insights.drift import Course, rounded
from portal.insights.flow import StepRow, Week
from portal.insights.steps import in_words
from portal.numbers import percent, percents
from portal.reading.choices import ReadLabel


@dataclass(frozen=True, slots=True)
class Frame:
    """Measures of a drawing, in CSS pixels at its full size.

    Rows hold a mark between ``left`` and ``right``; in a wide frame their title is before it and their figures
    behind it, in a narrow one both are above it.
    """

    name: str
    width: float
    left: float
    right: float
    row: float
    is_narrow: bool = False

    def mark(self, place: int) -> float:
        """The height of a row's marks."""
        return self.row * place + (50 if self.is_narrow else self.row / 2 + 2)

    def bottom(self, rows: int) -> float:
        return self.row * rows + 4

    def write(self, chart: Chart, place: int, title: str, figures: str) -> None:
        """The title and the figures of a row."""
        y = self.mark(place)
        if self.is_narrow:
            chart.text(0, y - 31, title)
            chart.text(0, y - 14, figures, css="chart-muted")
        else:
            chart.text(0, y + 4, title)
            chart.text(self.right + 18, y + 4, figures)


WIDE = Frame("wide", 760, 230, 560, 30)
NARROW = Frame("narrow", 330, 14, 312, 66, is_narrow=True)
#: Half of what a date under an axis takes.
HALF_A_DATE = 24
#: The series of a chart of weeks, as names of patterns in the page (insights/parts/patterns.html).
PATTERNS = {
    ReadLabel.BENIGN: "benign",
    ReadLabel.EARLY: "early",
    ReadLabel.PRE: "pre",
    ReadLabel.PRO: "pro",
    ReadLabel.NONE_OF_THESE: "none",
    ReadLabel.UNSUITABLE_IMAGE: "unsuitable",
}


@dataclass(frozen=True, slots=True)
class Shape:
    """One element: its tag, attributes (never style) and text."""

    tag: str
    attributes: dict[str, str]
    text: str = ""


@dataclass(slots=True)
class Chart:
    """A drawing with what it says in one sentence, for those who do not see it."""

    says: str
    height: float
    frame: Frame = WIDE
    shapes: list[Shape] = field(default_factory=list)

    def text(self, x: float, y: float, words: str, *, css: str = "", anchor: str = "start") -> None:
        place = {"x": _number(x), "y": _number(y), "text-anchor": anchor}
        self.shapes.append(Shape("text", place | ({"class": css} if css else {}), words))

    def line(self, x1: float, y1: float, x2: float, y2: float, css: str) -> None:
        ends = {"x1": _number(x1), "y1": _number(y1), "x2": _number(x2), "y2": _number(y2)}
        self.shapes.append(Shape("line", ends | {"class": css}))

    def rect(self, x: float, y: float, width: float, height: float, css: str, fill: str = "") -> None:
        box = {"x": _number(x), "y": _number(y), "width": _number(width), "height": _number(height)}
        self.shapes.append(Shape("rect", box | {"class": css} | ({"fill": fill} if fill else {})))

    def path(self, points: Sequence[tuple[float, float]], css: str, *, closed: bool = False) -> None:
        steps = "L".join(f"{_number(x)} {_number(y)}" for x, y in points)
        self.shapes.append(Shape("path", {"d": f"M{steps}{'Z' if closed else ''}", "class": css}))

    def mark(self, x: float, y: float, shape: str) -> None:
        """A mark identified by its shape: ``dot``, ``ring``, ``diamond`` or ``triangle``."""
        if shape in ("dot", "ring"):
            circle = {"cx": _number(x), "cy": _number(y), "r": "4.5", "class": f"chart-{shape}"}
            self.shapes.append(Shape("circle", circle))
            return
        size = 6
        corners = {
            "diamond": [(x, y - size), (x + size, y), (x, y + size), (x - size, y)],
            "triangle": [(x, y - size - 1), (x + size + 1, y + size), (x - size - 1, y + size)],
        }
        self.path(corners[shape], f"chart-{shape}", closed=True)


def _number(value: float) -> str:
    # SVG wants a point whatever the reader's language.
    return f"{value:.1f}"


def in_frames(draw: Callable[[Frame], Chart | None]) -> list[Chart]:
    """The chart as ``draw`` makes it for each width; empty where there is nothing to draw."""
    return [chart for chart in (draw(WIDE), draw(NARROW)) if chart]


def share_chart(rows: Sequence[ShareRow], says: str, frame: Frame = WIDE) -> Chart | None:
    """Shares with their intervals on an axis of 0 to 100 %; None where there is no share."""
    known = [row for row in rows if row.share is not None]
    if not known:
        return None
    chart = Chart(says, frame.bottom(len(known)) + 26, frame)
    bottom, left, span = frame.bottom(len(known)), frame.left, frame.right - frame.left
    for tick in (0, 25, 50, 75, 100):
        x = left + span * tick / 100
        chart.line(x, 0, x, bottom, "chart-grid")
        chart.text(x, bottom + 16, f"{tick} %", css="chart-muted", anchor="middle")
    for place, row in enumerate(known):
        share, y = row.share, frame.mark(place)
        if share is None or share.low is None or share.high is None:
            continue
        chart.line(left + span * share.low, y, left + span * share.high, y, "chart-whisker")
        for end in (share.low, share.high):
            chart.line(left + span * end, y - 5, left + span * end, y + 5, "chart-whisker")
        chart.mark(left + span * share.value, y, "dot")
        figures = f"{percent(share.value)} ({percents(share.low, share.high)})"
        frame.write(chart, place, row.title, figures)
    return chart


#: Ticks of the axis of durations, in seconds.
_TICKS = (60, 600, 3600, 6 * 3600, 86400, 7 * 86400, 30 * 86400)


def duration_chart(rows: Sequence[StepRow], says: str, frame: Frame = WIDE) -> Chart | None:
    """Percentiles of each step on a logarithmic axis: dot 50th, ring 90th, diamond 95th."""
    if not rows:
        return None
    seconds = [mark.seconds for row in rows for mark in row.marks]
    low = max((tick for tick in _TICKS if tick <= max(min(seconds), 60)), default=60)
    high = min((tick for tick in _TICKS if tick >= max(seconds)), default=max(seconds))
    high = max(high, low * 10)

    def place(value: float) -> float:
        share = (log10(max(value, low)) - log10(low)) / (log10(high) - log10(low))
        return frame.left + (frame.right - frame.left) * min(share, 1.0)

    bottom = frame.bottom(len(rows))
    chart = Chart(says, bottom + 26, frame)
    for tick in (tick for tick in _TICKS if low <= tick <= high):
        chart.line(place(tick), 0, place(tick), bottom, "chart-grid")
        chart.text(place(tick), bottom + 16, in_words(tick), css="chart-muted", anchor="middle")
    for number, row in enumerate(rows):
        y = frame.mark(number)
        frame.write(chart, number, row.title, " · ".join(mark.words for mark in row.marks))
        chart.line(frame.left, y, place(row.marks[-1].seconds), y, "chart-whisker")
        for mark, shape in reversed(list(zip(row.marks, ("dot", "ring", "diamond"), strict=False))):
            chart.mark(place(mark.seconds), y, shape)
    return chart


def weeks_chart(weeks: Sequence[Week], says: str, frame: Frame = WIDE) -> Chart | None:
    """Signed cases a week, stacked by diagnosis with a pattern each, and the submitted ones as a line of rings."""
    top = max((max(week.signed.count, week.submitted.count) for week in weeks), default=0)
    if not top:
        return None
    left = 34
    chart = Chart(says, 240, frame)
    weekly = _Weeks(left, (frame.width - left) / len(weeks), bottom=200, top=top)
    for tick in sorted({0, top // 2, top}):
        chart.line(left, weekly.y(tick), frame.width, weekly.y(tick), "chart-grid")
        chart.text(left - 6, weekly.y(tick) + 4, str(tick), css="chart-muted", anchor="end")
    for place, week in enumerate(weeks):
        _stack(chart, weekly, place, week)
    _submitted_line(chart, weekly, weeks)
    return chart


@dataclass(frozen=True, slots=True)
class _Weeks:
    """Where the weeks of a chart are: ``step`` apart, counts of 0 to ``top`` above ``bottom``."""

    left: float
    step: float
    bottom: float
    top: int

    def x(self, place: int) -> float:
        return self.left + self.step * (place + 0.5)

    def y(self, count: float) -> float:
        return self.bottom - (self.bottom - 20) * count / self.top


def _stack(chart: Chart, weekly: _Weeks, place: int, week: Week) -> None:
    below, width = 0, min(weekly.step * 0.7, 44)
    for label, linked in zip(ReadLabel, week.by_diagnosis, strict=True):
        if linked.count:
            upper = weekly.y(below + linked.count)
            box = (weekly.x(place) - width / 2, upper, width, weekly.y(below) - upper)
            chart.rect(*box, "chart-bar", f"url(#pattern-{PATTERNS[label]})")
            below += linked.count
    # A figure needs room, and so does a date.
    if weekly.step >= 22 and week.signed.count:
        y = weekly.y(max(week.signed.count, week.submitted.count)) - 8
        chart.text(weekly.x(place), y, str(week.signed.count), anchor="middle")
    if place % _every(weekly.step) == 0:
        # On a phone a date is wider than its week: the last one stays within the drawing.
        x = min(weekly.x(place), chart.frame.width - HALF_A_DATE)
        chart.text(x, weekly.bottom + 18, _day(week.monday), css="chart-muted", anchor="middle")


def _submitted_line(chart: Chart, weekly: _Weeks, weeks: Sequence[Week]) -> None:
    points = [(weekly.x(place), weekly.y(week.submitted.count)) for place, week in enumerate(weeks)]
    if len(points) > 1:
        chart.path(points, "chart-line chart-dashed")
    for point in points if weekly.step >= 14 else ():
        chart.mark(*point, "ring")


def _every(step: float) -> int:
    """How many weeks apart dates are written."""
    return max(1, ceil(60 / step))


def _day(monday: date) -> str:
    return date_format(monday, "MONTH_DAY_FORMAT")


def course_chart(course: Course, frame: Frame = WIDE) -> Chart | None:
    """Weekly medians against the baseline's 10th to 90th percentile; a triangle where a week asks for a look."""
    known = [(place, point) for place, point in enumerate(course.points) if point.median is not None]
    if not known or course.baseline is None:
        return None
    lower, middle, upper = course.baseline
    values = [*course.baseline, *(point.median for _place, point in known if point.median is not None)]
    least, most = min(values), max(values)
    room = (most - least) * 0.1 or abs(most) * 0.05 or 1.0
    least, most = least - room, most + room
    height, bottom, left, right = 150, 118, 62, frame.width - (50 if frame.is_narrow else 70)
    step = (right - left) / max(len(course.points), 1)

    def y(value: float) -> float:
        return bottom - (bottom - 10) * (value - least) / (most - least)

    says = _(
        "%(measure)s: median of each week; the baseline's median is %(median)s. Weeks to look at: %(looks)d."
    ) % {
        "measure": course.title,
        "median": rounded(middle, course.places),
        "looks": course.looks,
    }
    chart = Chart(says, height, frame)
    chart.rect(left, y(upper), right - left, max(y(lower) - y(upper), 1), "chart-band")
    chart.line(left, y(middle), right, y(middle), "chart-baseline")
    chart.text(left - 6, y(middle) + 4, rounded(middle, course.places), css="chart-muted", anchor="end")
    points = [(left + step * (place + 0.5), y(point.median or 0.0)) for place, point in known]
    chart.path(points, "chart-line")
    for (x, level), (_place, point) in zip(points, known, strict=True):
        chart.mark(x, level, "triangle" if point.verdict.is_look else "ring" if point.is_baseline else "dot")
    last = known[-1][1]
    chart.text(right + 6, points[-1][1] + 4, rounded(last.median, course.places))
    for place, point in enumerate(course.points):
        if place % _every(step) == 0:
            x = left + step * (place + 0.5)
            chart.text(x, bottom + 20, _day(point.monday), css="chart-muted", anchor="middle")
    return chart
