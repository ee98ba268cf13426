"""What the lists behind the figures can ask for. A figure and its list count with the same functions.

A condition that reveals an answer covers signed cases only; lists of submitted cases know week and state only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import date

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.cases.choices import CaseState, Priority
from portal.insights.selectors import ReadRow, SignedCase
from portal.insights.steps import STEPS, durations, in_words
from portal.reading.choices import ReadKind, ReadLabel

#: What became of a blind answer once the model's was shown.
CHANGES: dict[str, tuple[object, Callable[[ReadRow], bool]]] = {
    "any": (gettext_lazy("Answered before the model's answer was shown"), lambda read: True),
    "changed": (gettext_lazy("Answer changed after the reveal"), lambda read: read.concluded != read.own),
    "differed": (
        gettext_lazy("The reader's own answer differed from the model's"),
        lambda read: read.own != read.model_label,
    ),
    "agreed": (
        gettext_lazy("The reader's own answer was the model's"),
        lambda read: read.own == read.model_label,
    ),
    "towards": (
        gettext_lazy("The reader's own answer differed, changed to the model's"),
        lambda read: read.own != read.model_label == read.concluded,
    ),
    "away": (
        gettext_lazy("The reader's own answer was the model's, changed to another"),
        lambda read: read.own == read.model_label != read.concluded,
    ),
    "third": (
        gettext_lazy("The reader's own answer differed, changed to a third one"),
        lambda read: read.concluded not in (read.own, read.model_label) and read.own != read.model_label,
    ),
}
LABELS = frozenset(ReadLabel.values)
YES, NO = "yes", "no"


class BadCondition(ValueError):
    """An address asks for something that no figure links to."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """The conditions of one list; an empty one is none. Each is a parameter of the address by its name."""

    diagnosis: str = ""
    model: str = ""
    own: str = ""
    #: both answers there: ``own`` (blind) or ``signed``
    compared: str = ""
    refer: str = ""
    preclassified: str = ""
    change: str = ""
    reader: str = ""
    first: str = ""
    second: str = ""
    pair: str = ""
    step: str = ""
    least: str = ""
    priority: str = ""
    week: str = ""
    #: cases by what was submitted, signed or not
    submitted: str = ""
    state: str = ""

    @classmethod
    def from_query(cls, query: dict[str, str]) -> Conditions:
        """Read an address. Raises BadCondition."""
        found = cls(**{one.name: query.get(one.name, "") for one in fields(cls)})
        found._check()
        return found

    def _check(self) -> None:
        allowed: dict[str, object] = dict.fromkeys(("diagnosis", "model", "own", "first", "second"), LABELS)
        yes_no = (YES, NO)
        allowed |= {
            "refer": yes_no,
            "preclassified": yes_no,
            "submitted": (YES,),
            "compared": ("own", "signed"),
        }
        allowed |= {"change": CHANGES, "step": STEPS, "priority": Priority.values, "state": CaseState.values}
        for name, values in allowed.items():
            if (given := getattr(self, name)) and given not in values:  # type: ignore[operator]
                raise BadCondition(name)
        try:
            float(self.least or 0)
            date.fromisoformat(self.week or "2000-01-03")
            readers = self.readers
        except ValueError as error:
            raise BadCondition(str(error)) from error
        if self.pair not in ("", "all") and len(readers) != 2:
            raise BadCondition("pair")
        given = [one.name for one in fields(self) if getattr(self, one.name)]
        if self.submitted and set(given) - {"submitted", "week", "state"}:
            raise BadCondition("submitted")

    @property
    def readers(self) -> set[int]:
        """The readers whose own figures are asked for."""
        asked = {int(self.reader)} if self.reader else set()
        return asked | (set() if self.pair in ("", "all") else {int(one) for one in self.pair.split("-")})

    def chosen(self, cases: Sequence[SignedCase]) -> list[SignedCase]:
        """The signed cases that meet every condition."""
        return [case for case in cases if self._holds(case)]

    def reads(self, case: SignedCase) -> list[ReadRow]:
        """The case's blind reads that meet ``change`` and ``reader``."""
        holds = CHANGES[self.change or "any"][1]
        return [
            read
            for read in case.blind_reads
            if (not self.reader or read.reader == int(self.reader)) and holds(read)
        ]

    def _holds(self, case: SignedCase) -> bool:
        plain = (
            (self.diagnosis, case.diagnosis),
            (self.model, case.model_label),
            (self.own, case.own),
            (self.priority, case.priority),
            (self.week, case.week.isoformat() if self.week else ""),
            (self.refer, (YES if case.refer else NO) if case.model_label else ""),
            (self.preclassified, YES if case.model_label else NO),
        )
        return (
            all(not asked or asked == is_so for asked, is_so in plain)
            and (not self.compared or bool(case.own if self.compared == "own" else case.model_label))
            and (not (self.change or self.reader) or bool(self.reads(case)))
            and self._holds_of_pair(case)
            and self._holds_of_step(case)
        )

    def _holds_of_pair(self, case: SignedCase) -> bool:
        if not (self.first or self.second or self.pair):
            return True
        both = pair_of(case)
        if both is None:
            return False
        one, other = both
        readers = {one.reader, other.reader}
        return (
            (not self.first or one.own == self.first)
            and (not self.second or other.own == self.second)
            and (self.pair in ("", "all") or readers == {int(reader) for reader in self.pair.split("-")})
        )

    def _holds_of_step(self, case: SignedCase) -> bool:
        if not self.step:
            return True
        took = durations(case).get(self.step)
        return took is not None and took >= float(self.least or 0)

    def words(self) -> list[str]:
        """The conditions as a person reads them."""
        label = dict(ReadLabel.choices)
        said = [
            (self.diagnosis, _("Signed diagnosis: %s") % label.get(self.diagnosis)),
            (self.model, _("Model's answer: %s") % label.get(self.model)),
            (self.own, _("First reader's own answer: %s") % label.get(self.own)),
            (self.first, _("First read: %s") % label.get(self.first)),
            (self.second, _("Second read: %s") % label.get(self.second)),
            (self.compared == "own", _("Answered blind, with an answer from the model")),
            (self.compared == "signed", _("Model's answer and signed diagnosis")),
            (self.refer == YES, _("The model's answer was: refer")),
            (self.preclassified == NO, _("Without pre-classification")),
            (self.preclassified == YES, _("With pre-classification")),
            (self.change, str(CHANGES[self.change or "any"][0])),
            (self.pair, _("Read twice")),
            (self.step, self._step_words()),
            (self.priority, str(dict(Priority.choices).get(self.priority))),
            (self.submitted, _("Submitted in the period")),
            (self.state, str(dict(CaseState.choices).get(self.state))),
            (
                self.week,
                _("Week of %s") % date_format(date.fromisoformat(self.week or "2000-01-03"), "DATE_FORMAT"),
            ),
        ]
        return [str(words) for applies, words in said if applies]

    def _step_words(self) -> str:
        if not self.step:
            return ""
        title = str(STEPS[self.step])
        if not self.least:
            return title
        return _("%(step)s: %(time)s or longer") % {"step": title, "time": in_words(float(self.least))}


def pair_of(case: SignedCase) -> tuple[ReadRow, ReadRow] | None:
    """The first and the second read; None where the case was read once."""
    first, second = case.read(ReadKind.FIRST), case.read(ReadKind.SECOND)
    return (first, second) if first and second else None
