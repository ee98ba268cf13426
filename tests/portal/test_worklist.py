"""The worklist: what waits and for whom, filters by name, search, and handing out."""

import re
from datetime import timedelta
from typing import Protocol

import pytest
from django.db.models import F
from django.http import QueryDict
from django.test import Client
from django.urls import reverse

from portal.accounts.choices import Role
from portal.accounts.models import Laboratory, User
from portal.cases.models import Case, SavedFilter
from portal.cases.selectors import visible_to
from portal.desk import saved_filters, selectors
from portal.errors import Invalid
from portal.inference.models import ModelVersion
from portal.reading import services as reading
from portal.reading.models import Claim
from portal.reading.policy.services import set_policy
from portal.reports import services as reports
from tests.factories import PASSWORD, analysed, claimed, draft, member, read, signed
from tests.markup import tight
from tests.portal.kinds import People

pytestmark = pytest.mark.django_db
WORKLIST = "/cases/"


@pytest.fixture
def other(lab: Laboratory) -> User:
    return member(lab, Role.REVIEWER)


def listed(client: Client, query: str = "") -> list[str]:
    """Accessions on the page, in order."""
    page = tight(client.get(WORKLIST + query).content.decode())
    return re.findall(r'<span class="mono">(HL-\d+-\d+)</span></a></td>', page)


def tabs(client: Client) -> dict[str, tuple[int, str]]:
    """Count and age of the oldest case by tab."""
    page = tight(client.get(WORKLIST).content.decode())
    nav = page[page.index('class="stages"') : page.index("</nav>", page.index('class="stages"'))]
    found = re.findall(
        r'<a href[^>]*><span>([^<]+)<span class="count">(\d+)</span></span>(?:<span class="oldest">([^<]+)</span>)?',
        nav,
    )
    return {label: (int(count), oldest) for label, count, oldest in found}


# --- tabs


def test_tabs_count_and_give_the_age_of_the_oldest(
    client: Client, people: People, lab: Laboratory, model: ModelVersion
) -> None:
    waiting = analysed(people.submitter, lab)
    Case.objects.filter(pk=waiting.pk).update(submitted_at=F("submitted_at") - timedelta(hours=3))
    analysed(people.submitter, lab)
    draft(people.submitter, lab)
    signed(people.reviewer, analysed(people.submitter, lab))
    client.force_login(people.reviewer)
    found = tabs(client)
    assert found["To read"] == (2, "oldest 3 h")
    assert found["Drafts and returned cases"] == (1, "")
    assert found["Reported"] == (1, "")
    assert found["All"] == (4, "")
    client.force_login(people.stranger)
    assert set(tabs(client).values()) == {(0, "")}


def test_pressing_cases_come_first_where_people_wait_unless_sorted(
    client: Client, people: People, lab: Laboratory, model: ModelVersion
) -> None:
    routine, stat, urgent = (
        analysed(people.submitter, lab, priority=priority) for priority in ("routine", "stat", "urgent")
    )
    client.force_login(people.reviewer)
    by_urgency = [case.accession for case in (stat, urgent, routine)]
    assert listed(client, "?stage=reading") == by_urgency
    assert listed(client, "?stage=reading&sort=-created_at") == [
        case.accession for case in (urgent, stat, routine)
    ]


def test_my_cases_are_in_hand_to_sign_or_came_back(
    client: Client, people: People, lab: Laboratory, model: ModelVersion, other: User
) -> None:
    in_hand = claimed(people.reviewer, analysed(people.submitter, lab))
    to_sign = read(people.reviewer, analysed(people.submitter, lab))
    read(other, analysed(people.submitter, lab))
    claimed(other, analysed(people.submitter, lab))
    came_back = claimed(other, analysed(people.reviewer, lab))
    reading.return_to_submitter(other, came_back, missing="A sharper field.")
    client.force_login(people.reviewer)
    expected = sorted(case.accession for case in (in_hand, to_sign, came_back))
    assert sorted(listed(client, "?stage=mine")) == expected
    assert tabs(client)["My cases"][0] == 3
    client.force_login(people.lab_admin)
    assert listed(client, "?stage=mine") == []
    assert "Nothing is waiting for you" in client.get(f"{WORKLIST}?stage=mine").content.decode()


def test_the_list_says_who_has_a_case_and_for_whom_it_is(
    client: Client, people: People, lab: Laboratory, model: ModelVersion, other: User
) -> None:
    claimed(other, analysed(people.submitter, lab))
    meant = analysed(people.submitter, lab)
    client.force_login(people.lab_admin)
    client.post(reverse("cases:assign"), {"case": [meant.pk], "to": people.reviewer.pk})
    page = tight(client.get(WORKLIST).content.decode())
    until = Claim.objects.get().expires_at.strftime("%H:%M")
    assert re.search(rf"{other.full_name}<span[^>]*><span[^>]*>taken</span>until {until}", page)
    assert re.search(rf"{people.reviewer.full_name}<span[^>]*>assigned", page)


def test_next_case_is_offered_to_reviewers_only(
    client: Client, people: People, lab: Laboratory, model: ModelVersion
) -> None:
    analysed(people.submitter, lab, priority="stat")
    for person, offered in ((people.reviewer, True), (people.submitter, False), (people.lab_admin, False)):
        client.force_login(person)
        page = client.get(WORKLIST).content.decode()
        assert (reverse("reading:next") in page) is offered
        assert ("1 case is waiting for you" in page) is offered


# --- filters


def test_filters_narrow_by_state_stain_reader_and_assignment(
    client: Client, people: People, lab: Laboratory, model: ModelVersion, other: User
) -> None:
    plain = analysed(people.submitter, lab, stain="giemsa")
    mine, theirs = analysed(people.submitter, lab), analysed(people.submitter, lab)
    claimed(people.reviewer, mine)
    claimed(other, theirs)
    Case.objects.filter(pk=plain.pk).update(assigned_to=people.reviewer)
    client.force_login(people.reviewer)
    assert listed(client, "?stain=giemsa") == [plain.accession]
    assert listed(client, "?state=awaiting_read") == [plain.accession]
    assert listed(client, "?claimed_by=me") == [mine.accession]
    assert listed(client, f"?claimed_by={other.pk}") == [theirs.accession]
    assert len(listed(client, "?claimed_by=anybody")) == 2
    assert listed(client, "?assigned=me") == [plain.accession]
    assert len(listed(client, "?assigned=nobody")) == 2
    # Another laboratory's people are no choice: such a filter is left out, and said to be.
    stranger = client.get(f"{WORKLIST}?assigned={people.stranger.pk}").content.decode()
    assert "This filter could not be read" in stranger
    assert people.stranger.full_name not in stranger


def test_only_who_is_in_several_laboratories_chooses_among_them(
    client: Client, people: People, lab: Laboratory
) -> None:
    here = draft(people.submitter, lab)
    elsewhere = people.stranger.memberships.get().laboratory
    there = draft(people.stranger, elsewhere)
    both = member(lab, Role.SUBMITTER)
    both.memberships.create(laboratory=elsewhere, role=Role.SUBMITTER)
    client.force_login(both)
    assert len(listed(client)) == 2
    assert listed(client, f"?laboratory={elsewhere.slug}") == [there.accession]
    client.force_login(people.submitter)
    assert 'name="laboratory"' not in client.get(WORKLIST).content.decode()
    assert listed(client, f"?laboratory={elsewhere.slug}") == [here.accession]


def test_filters_are_saved_by_name_renamed_replaced_and_removed(client: Client, people: People) -> None:
    client.force_login(people.reviewer)
    save, back = reverse("cases:save_filter"), f"{WORKLIST}?priority=stat&specimen=csf"
    for name, query in [
        ("Pressing", "specimen=csf&page=3&priority=stat&nonsense=1&stain="),
        ("Pressing fluid", "priority=stat&specimen=csf"),
    ]:
        assert client.post(save, {"name": name, "query": query})["Location"] == back
    saved = SavedFilter.objects.get()
    assert (saved.name, saved.query) == ("Pressing fluid", "priority=stat&specimen=csf")
    client.post(save, {"name": "pressing FLUID", "query": "stage=mine"})
    saved.refresh_from_db()
    assert saved.query == "stage=mine"
    page = client.get(WORKLIST).content.decode()
    assert 'href="?stage=mine"' in page
    remove = reverse("cases:forget_filter", args=[saved.pk])
    client.force_login(people.submitter)
    assert client.post(remove).status_code == 302
    assert SavedFilter.objects.get() == saved
    client.force_login(people.reviewer)
    client.post(remove)
    assert not SavedFilter.objects.exists()


@pytest.mark.parametrize(
    ("name", "query"), [(" ", "stage=mine"), ("x" * 61, "stage=mine"), ("All", "page=2")]
)
def test_a_filter_needs_a_name_and_something_to_keep(people: People, name: str, query: str) -> None:
    with pytest.raises(Invalid):
        saved_filters.save_filter(people.reviewer, name=name, query=query)


def test_saving_one_list_under_the_name_of_another_leaves_one(people: People) -> None:
    for name, query in (("A", "stage=mine"), ("B", "stage=reading"), ("B", "stage=mine")):
        saved_filters.save_filter(people.reviewer, name=name, query=query)
    assert [(one.name, one.query) for one in people.reviewer.saved_filters.all()] == [("B", "stage=mine")]


def test_a_kept_query_has_one_order_and_no_page() -> None:
    assert saved_filters.kept_query(QueryDict("stage=mine&q=a+b&page=4&x=1")) == "q=a+b&stage=mine"


# --- search


class Search(Protocol):
    """What a search of a person's cases finds, as pseudonyms."""

    def __call__(self, words: str, by: User = ...) -> set[str]: ...


@pytest.fixture
def found(people: People) -> Search:
    """What a search of the reviewer's cases finds, as pseudonyms."""

    def search(words: str, by: User = people.reviewer) -> set[str]:
        cases = selectors.matching(visible_to(by), words)
        return set(cases.values_list("patient_pseudonym", flat=True))

    return search


def test_search_finds_beginnings_of_words_in_accession_pseudonym_and_note(
    people: People, lab: Laboratory, found: Search
) -> None:
    first = draft(people.submitter, lab, patient_pseudonym="P-0815", clinical_note="Petechiae; t(9;22).")
    draft(
        people.submitter, lab, patient_pseudonym="Q_4711.b", clinical_note="No petechiae, fieber über Nacht."
    )
    for words in (
        first.accession,
        first.accession.lower(),
        first.accession[:-1],
        "p-08",
        "0815",
        "T(9;22)",
        "1",
    ):
        assert "P-0815" in found(words), words
    assert found("petechi") == {"P-0815", "Q_4711.b"}
    assert found("petechiae über") == {"Q_4711.b"}
    assert found("4711") == found("q_4711.b") == {"Q_4711.b"}
    assert found("0815 4711") == set()
    assert found("; & | ' :* !") == set()
    assert found("p-08", by=people.stranger) == set()


def test_search_looks_through_signed_comments_and_never_through_unsigned_reads(
    people: People, lab: Laboratory, model: ModelVersion, found: Search
) -> None:
    case = analysed(people.submitter, lab, patient_pseudonym="P-1")
    assert read(people.reviewer, case).reads.get().comment == "Chromatin."
    assert found("chromatin") == set()
    assert found("pre") == set(), "neither the read's answer nor the model's"
    reports.sign(people.reviewer, case, secret=PASSWORD, comment="Fine chromatin, Auer-free.")
    assert found("auer chromatin") == {"P-1"}
    assert found("chromatin", by=people.stranger) == set()


# --- handing out


def test_administrators_hand_out_what_waits(
    client: Client, people: People, lab: Laboratory, model: ModelVersion, other: User
) -> None:
    cases = [analysed(people.submitter, lab) for _ in range(3)]
    client.force_login(people.lab_admin)
    page = client.get(WORKLIST).content.decode()
    assert page.count("data-select-case") == 3
    post = {"case": [cases[0].pk, cases[1].pk, "nonsense"], "to": other.pk}
    answer = client.post(reverse("cases:assign") + "?stage=reading", post, follow=True)
    assert answer.redirect_chain == [(f"{WORKLIST}?stage=reading", 302)]
    assert "2 cases reassigned." in answer.content.decode()
    assert set(Case.objects.filter(assigned_to=other)) == set(cases[:2])
    client.post(reverse("cases:assign"), {"case": [case.pk for case in cases], "to": "nobody"})
    assert not Case.objects.filter(assigned_to=other).exists()


def test_an_assignment_that_is_refused_keeps_the_ticks_and_the_filters(
    client: Client, people: People, lab: Laboratory, model: ModelVersion
) -> None:
    case = analysed(people.submitter, lab)
    client.force_login(people.lab_admin)
    post = {"case": [case.pk], "to": people.stranger.pk}
    answer = client.post(reverse("cases:assign") + "?stage=reading", post)
    page = answer.content.decode()
    assert answer.status_code == 400
    assert "Choose a reviewer, or nobody." in page
    assert re.search(rf'value="{case.pk}"[^>]*checked', page)
    assert listed(client, "?stage=reading") == [case.accession]


def test_nothing_is_handed_out_across_laboratories_or_by_others(
    client: Client, people: People, lab: Laboratory, model: ModelVersion, other: User
) -> None:
    case = analysed(people.submitter, lab)
    post = {"case": [case.pk], "to": other.pk}
    for person in (people.reviewer, people.submitter):
        client.force_login(person)
        assert client.post(reverse("cases:assign"), post).status_code == 403
        assert "data-select-case" not in client.get(WORKLIST).content.decode()
    elsewhere = member(people.stranger.memberships.get().laboratory, Role.LAB_ADMIN)
    client.force_login(elsewhere)
    assert client.post(reverse("cases:assign"), post).status_code == 400
    assert client.post(reverse("cases:assign"), {**post, "to": "nobody"}).status_code == 400
    case.refresh_from_db()
    assert case.assigned_to is None


def test_long_waits_are_marked_by_more_than_colour(
    client: Client, people: People, lab: Laboratory, model: ModelVersion
) -> None:
    case = analysed(people.submitter, lab, priority="stat")
    client.force_login(people.reviewer)
    assert "longer than usual" not in client.get(WORKLIST).content.decode()
    Case.objects.filter(pk=case.pk).update(submitted_at=F("submitted_at") - timedelta(hours=2))
    assert "longer than usual" in client.get(WORKLIST).content.decode()


def test_the_list_shows_no_reader_what_the_model_or_a_colleague_said(
    client: Client, people: People, lab: Laboratory, model: ModelVersion, other: User
) -> None:
    set_policy(people.lab_admin, lab, second_read="always")
    read(other, analysed(people.submitter, lab))
    client.force_login(people.reviewer)
    page = client.get(f"{WORKLIST}?stage=reading").content.decode()
    assert "Awaiting second read" in page
    assert "Pre-B" not in page
    assert "Chromatin" not in page
