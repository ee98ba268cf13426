"""How far the model and the readers agree, and what readers do once they see the model's answer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _

from portal.insights.conditions import CHANGES, pair_of
from portal.insights.figures import Estimate, cohen_kappa, confusion, wilson
from portal.insights.scope import Scope
from portal.insights.selectors import ReadRow, SignedCase
from portal.reading.choices import ReadLabel
from smear.classes import CLASSES

#: With fewer cases a 95 % interval of a share reaches 17 points to either side, and kappa's formula does not hold.
LEAST_CASES = 30


@dataclass(frozen=True, slots=True)
class Linked:
    """A count and the address of its cases."""

    count: int
    href: str


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a matrix: its count, its share of the row, and whether both sides say the same."""

    linked: Linked
    share: float | None
    same: bool


@dataclass(frozen=True, slots=True)
class MatrixRow:
    label: str
    title: str
    cells: list[Cell]
    total: Linked


@dataclass(frozen=True, slots=True)
class Matrix:
    """Row answers against column answers with their agreement; ``kappa`` is None where it is undefined."""

    columns: list[tuple[str, str]]
    rows: list[MatrixRow]
    agreed: Estimate | None
    kappa: Estimate | None
    cases: Linked

    @property
    def n(self) -> int:
        return self.cases.count

    @property
    def enough(self) -> bool:
        return self.n >= LEAST_CASES


@dataclass(frozen=True, slots=True)
class ShareRow:
    """A share with its interval, what it counts and the cases of numerator and denominator."""

    title: str
    hint: str
    part: Linked
    whole: Linked
    share: Estimate | None


def matrix(
    pairs: Sequence[tuple[str, str]], columns: Sequence[str], link: Callable[[str, str], str]
) -> Matrix:
    """Cross two sides' answers. Rows are the six answers of readers, of which empty ones past the classes go.

    :param pairs: (row answer, column answer) of each case.
    :param link: the address of the cases of a cell; of a row or of all where an answer is empty.
    """
    counts = confusion(pairs, ReadLabel.values)
    place = {label: index for index, label in enumerate(ReadLabel.values)}
    titles = {choice.value: str(choice.label) for choice in ReadLabel}
    n = len(pairs)
    rows = []
    for label in ReadLabel.values:
        total = int(counts[place[label]].sum())
        if label not in CLASSES and not total:
            continue
        cells = []
        for column in columns:
            count = int(counts[place[label], place[column]])
            share = count / total if total else None
            cells.append(Cell(Linked(count, link(label, column)), share, label == column))
        rows.append(MatrixRow(label, titles[label], cells, Linked(total, link(label, ""))))
    return Matrix(
        columns=[(column, titles[column]) for column in columns],
        rows=rows,
        agreed=wilson(int(counts.trace()), n),
        kappa=cohen_kappa(counts),
        cases=Linked(n, link("", "")),
    )


# --- The model and the readers -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class VersionRow:
    name: str
    against_own: Matrix
    against_signed: Matrix
    href: str


@dataclass(frozen=True, slots=True)
class Agreement:
    """The model against the first reader's blind answer, and against the signed diagnosis."""

    own: Matrix
    signed: Matrix
    classes: list[ShareRow]
    versions: list[VersionRow]


def agreement(cases: Sequence[SignedCase], scope: Scope) -> Agreement:
    """Compare the model with the readers over signed cases."""
    return Agreement(
        own=_against_own(cases, scope),
        signed=_against_signed(cases, scope),
        classes=[_sensitivity(cases, scope, label) for label in CLASSES],
        versions=_by_version(cases, scope),
    )


def _against_own(cases: Iterable[SignedCase], scope: Scope) -> Matrix:
    pairs = [(case.own, case.model_label) for case in cases if case.own]
    return matrix(pairs, CLASSES, lambda own, model: scope.cases(own=own, model=model, compared="own"))


def _against_signed(cases: Iterable[SignedCase], scope: Scope) -> Matrix:
    pairs = [(case.diagnosis, case.model_label) for case in cases if case.model_label]
    return matrix(
        pairs, CLASSES, lambda signed, model: scope.cases(diagnosis=signed, model=model, compared="signed")
    )


def _sensitivity(cases: Iterable[SignedCase], scope: Scope, label: str) -> ShareRow:
    of_class = [case for case in cases if case.diagnosis == label and case.model_label]
    found = sum(case.model_label == label for case in of_class)
    return ShareRow(
        title=str(ReadLabel(label).label),
        hint="",
        part=Linked(found, scope.cases(diagnosis=label, model=label)),
        whole=Linked(len(of_class), scope.cases(diagnosis=label, compared="signed")),
        share=wilson(found, len(of_class)),
    )


def _by_version(cases: Iterable[SignedCase], scope: Scope) -> list[VersionRow]:
    by_version: dict[str, list[SignedCase]] = defaultdict(list)
    for case in cases:
        if case.version:
            by_version[case.version].append(case)
    return [
        VersionRow(
            name=version.replace(":", " v"),
            against_own=_against_own(of_version, replace(scope, version=version)),
            against_signed=_against_signed(of_version, replace(scope, version=version)),
            href=scope.page(version=version),
        )
        for version, of_version in sorted(by_version.items())
    ]


# --- After the reveal --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reveal:
    """What became of blind answers: of everybody together, and of each reader the person may see."""

    everyone: list[ShareRow]
    readers: list[tuple[str, list[ShareRow]]]
    reads: int


def reveal(cases: Sequence[SignedCase], scope: Scope, readers: dict[int, str]) -> Reveal:
    """Count changed answers; ``readers`` names those whose own figures may be shown."""
    reads = [read for case in cases for read in case.blind_reads]
    of_reader = {key: [read for read in reads if read.reader == key] for key in readers}
    return Reveal(
        everyone=_changes(reads, scope),
        readers=[
            (name, _changes(of_reader[key], scope, key)) for key, name in readers.items() if of_reader[key]
        ],
        reads=len(reads),
    )


def _changes(reads: Sequence[ReadRow], scope: Scope, reader: int | None = None) -> list[ShareRow]:
    def linked(change: str) -> Linked:
        count = sum(CHANGES[change][1](read) for read in reads)
        return Linked(count, scope.cases(change=change, reader=reader))

    asked = (
        (_("Changed to any other answer"), _("of all blind answers"), "changed", "any"),
        (
            _("Changed to the model's answer"),
            _("of answers that differed from the model's answer"),
            "towards",
            "differed",
        ),
        (_("Changed away from the model's answer"), _("of answers that were the model's"), "away", "agreed"),
        (_("Changed to a third answer"), _("of answers that differed from the model's"), "third", "differed"),
    )
    rows = []
    for title, hint, part, whole in asked:
        one, all_ = linked(part), linked(whole)
        rows.append(ShareRow(title, hint, one, all_, wilson(one.count, all_.count)))
    return rows


# --- Reader against reader ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Pair:
    names: str
    figures: Matrix


@dataclass(frozen=True, slots=True)
class Pairs:
    """First against second reads: all together, and each pair of readers the person may see."""

    everyone: Matrix
    pairs: list[Pair]


def reader_pairs(cases: Sequence[SignedCase], scope: Scope, readers: dict[int, str]) -> Pairs:
    """Compare own answers of first and second readers; ``readers`` names those whose own figures may be shown.

    A pair is named only where both of its readers are among them: one reader's figures with a colleague are the
    colleague's as well.
    """
    twice = [both for case in cases if (both := pair_of(case)) is not None]
    by_pair: dict[tuple[int, int], list[tuple[str, str]]] = defaultdict(list)
    for one, other in twice:
        if {one.reader, other.reader} <= readers.keys():
            low, high = sorted((one.reader, other.reader))
            by_pair[low, high].append((one.own, other.own))
    return Pairs(
        everyone=_pair_matrix([(one.own, other.own) for one, other in twice], scope, "all"),
        pairs=[
            Pair(
                names=_("%(one)s and %(other)s") % {"one": readers[low], "other": readers[high]},
                figures=_pair_matrix(answers, scope, f"{low}-{high}"),
            )
            for (low, high), answers in sorted(by_pair.items(), key=lambda item: -len(item[1]))
        ],
    )


def _pair_matrix(answers: Sequence[tuple[str, str]], scope: Scope, pair: str) -> Matrix:
    columns = [
        label for label in ReadLabel.values if label in CLASSES or any(b == label for _a, b in answers)
    ]
    return matrix(answers, columns, lambda one, other: scope.cases(first=one, second=other, pair=pair))
