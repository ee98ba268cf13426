"""The insights' page: numbers that lead to their cases, who sees what, nothing told about unsigned cases."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from html import unescape
from typing import Protocol
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from portal.accounts.choices import Role
from portal.accounts.models import Laboratory, User
from portal.cases.choices import CaseState
from portal.inference.models import ModelVersion
from portal.insights.agreement import Linked, agreement, reader_pairs, reveal
from portal.insights.charts import HALF_A_DATE, NARROW, weeks_chart
from portal.insights.conditions import Conditions
from portal.insights.drift import LOOK, USUAL, drift
from portal.insights.flow import Week, turnaround
from portal.insights.scope import Scope, local_day
from portal.insights.selectors import signed_cases
from portal.insights.steps import in_words
from portal.numbers import percent
from portal.reading.choices import ReadLabel
from tests.documents import Document
from tests.factories import active_model, analysed, member, read, signed
from tests.portal.insights_filler import Filler, a_quarter
from tests.portal.kinds import People, Queries, present

pytestmark = pytest.mark.django_db

PAGE = reverse("insights:page")
CASES = reverse("insights:cases")
CARD: Document = {
    "outlier_threshold": 1.4762,
    "figures": {
        "confusion": {
            "labels": ["Benign", "Early", "Pre", "Pro"],
            "matrix": [[71, 0, 0, 0], [0, 135, 0, 0], [0, 0, 135, 0], [0, 0, 0, 117]],
        },
        "outliers": {"share_above": 0.0087},
    },
    "calibration": {"reliability": [{"confidence": 0.85, "accuracy": 0.85, "photographs": 100}]},
}


@pytest.fixture
def scope(lab: Laboratory) -> Scope:
    today = local_day(timezone.now())
    return Scope(lab, today - timedelta(days=89), today)


@pytest.fixture
def colleague(lab: Laboratory) -> User:
    return member(lab, Role.REVIEWER, full_name="Second Reader")


@pytest.fixture
def filler(lab: Laboratory, people: People, colleague: User) -> Filler:
    return Filler(lab, people.submitter, [people.reviewer, colleague], active_model(**CARD))


class Get(Protocol):
    """The page that a person gets at an address."""

    def __call__(self, who: User, address: str = PAGE, status: int = 200) -> str: ...


@pytest.fixture
def get(client: Client) -> Get:
    def fetch(who: User, address: str = PAGE, status: int = 200) -> str:
        client.force_login(who)
        response = client.get(address)
        assert response.status_code == status
        return response.content.decode()

    return fetch


def text_of(page: str) -> str:
    main = page.split("<main", 1)[1].split("</main>")[0]
    return unescape(" ".join(re.sub(r"<[^>]+>", " ", main).split()))


def counted(page: str) -> int:
    """How many answers or, where it counts cases, cases a list says it has."""
    found = present(
        re.search(r"(\d+) cases?(?:, (\d+) answers?)?", text_of(page).split("Back to the insights")[1])
    )
    return int(found[2] or found[1])


def at(days: float) -> datetime:
    return timezone.now() - timedelta(days=days)


def test_figures_of_a_few_cases_worked_out_by_hand(
    filler: Filler, people: People, colleague: User, scope: Scope
) -> None:
    filler.signed(at(9), "Pre", "Pre")
    filler.signed(at(8), "Early", "Pre", concluded="Pre")  # towards the model
    filler.signed(at(7), "Pre", "Pre", concluded="Pro", second=(colleague, "Pro"))  # away from it
    filler.signed(at(6), "none_of_these", "Benign", concluded="Pro")  # to a third answer
    filler.signed(at(5), "Benign", "Benign", second=(colleague, "Benign"))
    filler.signed(at(4), "Pro")  # no pre-classification
    filler.write()
    cases = signed_cases(scope)
    found = agreement(cases, scope)
    assert found.own.n == 5
    assert present(found.own.agreed).value == pytest.approx(3 / 5)
    assert found.signed.n == 5
    assert present(found.signed.agreed).value == pytest.approx(3 / 5)
    sensitivity = {row.title: (row.part.count, row.whole.count) for row in found.classes}
    assert sensitivity == {
        "Benign (haematogones)": (1, 1),
        "Early pre-B ALL": (0, 0),
        "Pre-B ALL": (2, 2),
        "Pro-B ALL": (0, 2),
    }
    changes = reveal(cases, scope, {people.reviewer.pk: "First", colleague.pk: "Second"})
    # Seven blind answers: five first ones, two second ones.
    assert [(row.part.count, row.whole.count) for row in changes.everyone] == [(3, 7), (1, 3), (1, 4), (1, 3)]
    own = dict(changes.readers)
    assert [(row.part.count, row.whole.count) for row in own["Second"]] == [(0, 2), (0, 1), (0, 1), (0, 1)]
    pairs = reader_pairs(cases, scope, {people.reviewer.pk: "First", colleague.pk: "Second"})
    assert (pairs.everyone.n, present(pairs.everyone.agreed).value) == (2, 0.5)
    assert [(pair.names, pair.figures.n) for pair in pairs.pairs] == [("First and Second", 2)]
    assert not reader_pairs(cases, scope, {people.reviewer.pk: "First"}).pairs


def test_a_case_that_went_through_the_services_is_counted(
    people: People, lab: Laboratory, colleague: User, scope: Scope, model: ModelVersion
) -> None:
    signed(people.reviewer, analysed(people.submitter, lab, images=2), "Early")
    (case,) = signed_cases(scope)
    assert (case.own, case.model_label, case.diagnosis) == ("Early", "Pre", "Early")
    assert case.photographs.answered == case.photographs.measured == 2
    assert case.photographs.mean("confidence") == pytest.approx(0.8, abs=1e-6)
    (everything, routine) = turnaround([case], scope)
    assert [row.title for row in routine.rows] == [row.title for row in everything.rows]
    assert [row.title for row in everything.rows] == [
        "Submitted to ready to read",
        "Ready to first read",
        "Last read to signature",
        "Submitted to signature",
    ]


def test_every_number_leads_to_as_many_cases(filler: Filler, people: People, get: Get, scope: Scope) -> None:
    a_quarter(filler, 60, unsigned=5)
    page = get(people.lab_admin)
    links = re.findall(r'<a class="count-link" href="([^"]+)">(\d+)</a>', page)
    addresses = {unescape(href): int(count) for href, count in links}
    assert len(addresses) > 60
    kinds = (
        "own=",
        "diagnosis=",
        "change=",
        "first=",
        "pair=",
        "step=",
        "week=",
        "state=",
        "refer=",
        "model=",
    )
    for kind in kinds:
        assert any(kind in address for address in addresses), f"no number leads to {kind}"
        shown = next(address for address in addresses if kind in address)
        assert counted(get(people.lab_admin, shown)) == addresses[shown], shown
    cases = signed_cases(scope)
    for address, count in addresses.items():
        asked = Conditions.from_query(dict(parse_qsl(urlsplit(address).query)))
        if not asked.submitted:
            found = asked.chosen(cases)
            is_of_reads = asked.change or asked.reader
            assert (sum(len(asked.reads(case)) for case in found) if is_of_reads else len(found)) == count, (
                address
            )
    slowest = [unescape(one) for one in re.findall(r'href="([^"]+least=[^"]+)"', page)]
    assert slowest
    for address in slowest:
        assert Conditions.from_query(dict(parse_qsl(urlsplit(address).query))).chosen(cases)


def test_nothing_is_told_about_a_case_before_it_is_signed(
    people: People, lab: Laboratory, colleague: User, model: ModelVersion, get: Get
) -> None:
    """Lists and figures hold nothing of unsigned cases that the model and a reader have answered but their states."""
    signed(people.reviewer, analysed(people.submitter, lab))
    waiting = analysed(people.submitter, lab)
    half = read(colleague, analysed(people.submitter, lab), "Pro")
    assert (waiting.state, half.state) == (CaseState.AWAITING_READ, CaseState.READY_TO_SIGN)
    scope_lists = [
        f"{CASES}?{query}" for query in ("model=Pre", "diagnosis=Pro", "own=Pro", "change=any", "refer=no")
    ]
    for who in (people.reviewer, people.lab_admin):
        for address in [CASES, *scope_lists, f"{CASES}?preclassified=yes", f"{CASES}?reader={who.pk}"]:
            page = get(who, address)
            assert waiting.accession not in page
            assert half.accession not in page
        page = get(who, f"{CASES}?submitted=yes")
        assert waiting.accession in page
        assert half.accession in page
        for words in ("Pre-B", "Pro-B", "Early pre-B", "Benign", "refer"):
            assert words not in text_of(page)
        text = text_of(get(who))
        assert "Pro-B ALL 0" in text
        assert "Pre-B ALL 1" in text
    for query in ("week=soon", "least=long", "reader=me", "pair=1", "pair=1-x", "change=upside"):
        get(people.lab_admin, f"{CASES}?{query}", 404)
    # What tells an answer cannot be asked of cases that may be unsigned.
    for query in (
        "submitted=yes&model=Pre",
        "submitted=yes&refer=yes",
        "submitted=yes&change=any",
        "state=nowhere",
    ):
        get(people.reviewer, f"{CASES}?{query}", 404)


def test_readers_see_themselves_and_the_sum_administrators_everyone(
    filler: Filler, people: People, colleague: User, get: Get
) -> None:
    a_quarter(filler, 40)
    own, all_ = text_of(get(people.reviewer)), text_of(get(people.lab_admin))
    assert "Your own answers" in own
    assert colleague.full_name not in own
    assert colleague.full_name in all_
    assert people.reviewer.full_name in all_
    get(people.reviewer, f"{CASES}?reader={people.reviewer.pk}&change=any")
    get(people.reviewer, f"{CASES}?reader={colleague.pk}&change=any", 403)
    get(people.reviewer, f"{CASES}?pair={people.reviewer.pk}-{colleague.pk}", 403)
    get(people.lab_admin, f"{CASES}?reader={colleague.pk}&change=any")


def test_a_laboratory_s_figures_stay_in_it(filler: Filler, people: People, get: Get, lab: Laboratory) -> None:
    filler.signed(at(3), "Pre", "Pre")
    filler.write()
    get(people.submitter, PAGE, 403)
    get(people.submitter, CASES, 403)
    stranger = text_of(get(people.stranger, f"{PAGE}?laboratory={lab.slug}"))
    assert "No case was signed in this period" in stranger
    assert "F-" not in get(people.stranger, f"{CASES}?laboratory={lab.slug}")
    assert "Insights" not in get(people.submitter, reverse("cases:worklist"))


def test_with_few_cases_the_page_says_how_many_are_needed(filler: Filler, people: People, get: Get) -> None:
    empty = text_of(get(people.reviewer))
    assert "No case was signed in this period" in empty
    assert "from 30 signed cases on" in empty
    filler.signed(at(3), "Pre", "Pre")
    filler.write()
    few = text_of(get(people.reviewer))
    assert "1 cases are too few. Agreement is shown from 30 cases on" in few
    assert "Cohen's kappa (95 % interval)" not in few


def test_period_and_version_are_taken_from_the_address(
    filler: Filler, people: People, get: Get, lab: Laboratory
) -> None:
    filler.signed(at(200), "Pre", "Pre")
    filler.signed(at(20), "Pre", "Pre")
    filler.write()
    assert counted(get(people.reviewer, CASES)) == 1
    wide = f"from={local_day(at(300))}&to={local_day(at(0))}"
    assert counted(get(people.reviewer, f"{CASES}?{wide}")) == 2
    other = active_model(2)
    assert counted(get(people.reviewer, f"{CASES}?{wide}&version={other.name}:1")) == 2
    assert "No case was signed" in text_of(get(people.reviewer, f"{PAGE}?{wide}&version={other.name}:2"))
    wrong = text_of(get(people.reviewer, f"{PAGE}?from=2026-05-02&to=2026-05-01"))
    assert "ends before it starts" in wrong
    assert "Enter a valid date" in text_of(get(people.reviewer, f"{PAGE}?from=then"))


def test_photographs_that_change_ask_for_a_look(filler: Filler, people: People, scope: Scope) -> None:
    a_quarter(filler, 260)
    found = drift(signed_cases(scope), scope, list(ModelVersion.objects.all()))
    by_key = {course.key: course for course in found.courses}
    for changed in ("focus", "outlier"):
        assert by_key[changed].points[-2].verdict.code == LOOK
    for steady in ("background", "confidence"):
        assert by_key[steady].looks <= 1
    assert found.stability_verdict.code == USUAL
    verdicts = {row.title: row.verdict.code for row in found.against_training}
    assert verdicts["Mean probability of the leading class"] == USUAL
    assert verdicts["Photographs above the outlier threshold"] == USUAL


def test_another_class_mix_asks_for_a_look(filler: Filler, scope: Scope) -> None:
    for place in range(60):
        filler.signed(at(1 + place % 80), "Benign", "Benign")
    filler.write()
    found = drift(signed_cases(scope), scope, list(ModelVersion.objects.all()))
    assert found.stability_verdict.code == LOOK


def test_the_number_of_queries_does_not_grow(
    filler: Filler, people: People, client: Client, django_assert_max_num_queries: Queries
) -> None:
    client.force_login(people.lab_admin)
    a_quarter(filler, 3)
    with django_assert_max_num_queries(60) as few:
        client.get(PAGE)
    a_quarter(filler, 200, unsigned=20)
    with django_assert_max_num_queries(len(few)):
        client.get(PAGE)
    assert len(few) <= 20


def test_charts_say_in_words_what_they_show_and_use_no_style(
    filler: Filler, people: People, get: Get
) -> None:
    a_quarter(filler, 130)
    page = get(people.reviewer)
    charts = re.findall(r'<svg class="chart chart-(wide|narrow)"(.*?)</svg>', page, re.DOTALL)
    # each once for a wide column and once for a phone
    assert [width for width, _chart in charts] == ["wide", "narrow"] * (4 + 6)
    for _width, chart in charts:
        assert re.search(r'role="img" aria-label="[^"]{20,}"', chart)
        assert "style=" not in chart


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (45, "45 s"),
        (120, "2 min"),
        (150, "2.5 min"),
        (3600 * 12.4, "12 h"),
        (86400, "24 h"),
        (86400 * 2.55, "2.5 d"),
    ],
)
def test_durations_are_said_in_the_unit_that_suits_them(seconds: int, words: str) -> None:
    assert in_words(seconds) == words


def test_shares_are_rounded_and_never_up_to_all() -> None:
    assert [percent(share) for share in (2 / 3, 0.99999, 1, 0)] == ["66.7 %", "99.9 %", "100.0 %", "0.0 %"]


def test_the_last_date_under_a_chart_is_not_cut_off() -> None:
    one, none = Linked(1, ""), Linked(0, "")
    for count in range(1, 60):
        weeks = [
            Week(date(2026, 1, 5) + timedelta(weeks=place), one, none, [none] * len(ReadLabel))
            for place in range(count)
        ]
        drawn = present(weeks_chart(weeks, "Cases by week.", NARROW))
        places = [float(shape.attributes["x"]) for shape in drawn.shapes if shape.tag == "text"]
        assert max(places) <= NARROW.width - HALF_A_DATE, count
