"""What people are told, and that nobody is told what they may not see."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.template.loader import render_to_string
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import Settings

from portal.accounts.choices import Role
from portal.accounts.models import Laboratory, User
from portal.cases.models import Case
from portal.config.settings.environment import BASE_DIR
from portal.inference.models import ModelVersion
from portal.notifications import words
from portal.notifications.choices import Kind
from portal.notifications.models import Notification
from portal.notifications.selectors import unread_count, visible_to
from portal.notifications.services import mark_all_read, notify
from portal.reading import claims
from portal.reading.policy.services import set_policy
from portal.reading.services import return_to_submitter
from portal.reports.alerts.reminders import remind
from portal.reports.alerts.services import acknowledge
from portal.reports.models import Alert, Diagnosis
from portal.reports.services import amend
from tests.documents import Document
from tests.factories import PASSWORD, analysed, draft, member, signed
from tests.markup import tight
from tests.portal.kinds import People

pytestmark = pytest.mark.django_db


@pytest.fixture
def case(people: People, lab: Laboratory, model: ModelVersion) -> Case:
    return analysed(people.submitter, lab)


@pytest.fixture
def alert(people: People, lab: Laboratory, case: Case) -> Alert:
    """An open urgent finding that waits for the submitter."""
    signed(people.reviewer, case)
    return Alert.objects.get()


def told(user: User) -> list[tuple[str, str]]:
    return [(one.kind, one.case.accession) for one in visible_to(user)[:5]]


def page(client: Client, user: User, name: str = "notifications:list", **query: str) -> str:
    client.force_login(user)
    response = client.get(reverse(name), query)
    assert response.status_code == 200
    return response.content.decode()


# --- Being told ---------------------------------------------------------------------------------------------


def test_each_event_reaches_whom_it_concerns(
    people: People, lab: Laboratory, case: Case, model: ModelVersion
) -> None:
    other = member(lab, Role.REVIEWER)
    claims.claim(people.reviewer, case)
    claims.take_over(other, case)
    return_to_submitter(other, case, missing="A field with blasts.")
    second = analysed(people.submitter, lab)
    signed(people.reviewer, second, "Benign")
    assert told(people.reviewer) == [(Kind.CLAIM_TAKEN_OVER, case.accession)]
    assert told(people.submitter) == [
        (Kind.REPORT_SIGNED, second.accession),
        (Kind.CASE_RETURNED, case.accession),
    ]
    assert not told(other)


def test_nobody_is_told_of_a_laboratory_they_have_left(
    client: Client, people: People, lab: Laboratory, case: Case
) -> None:
    notify(Kind.CASE_RETURNED, case, to=[people.submitter])
    assert unread_count(people.submitter) == 1
    people.submitter.memberships.update(is_active=False)
    assert (unread_count(people.submitter), told(people.submitter)) == (0, [])
    assert case.accession not in page(client, people.submitter)


def test_opening_one_marks_it_and_the_older_ones_of_the_case_and_leads_there(
    client: Client, people: People, lab: Laboratory, case: Case
) -> None:
    other = draft(people.submitter, lab)
    older, newest = (
        notify(kind, case, to=[people.submitter])[0] for kind in (Kind.CASE_RETURNED, Kind.ADJUDICATED)
    )
    elsewhere = notify(Kind.CASE_RETURNED, other, to=[people.submitter])[0]
    client.force_login(people.submitter)
    assert client.get(reverse("notifications:open", args=[newest.pk]))["Location"] == reverse(
        "cases:detail", args=[case.pk]
    )
    unread = Notification.objects.filter(read_at=None)
    assert [one.pk for one in unread] == [elsewhere.pk]
    assert older.read_at is None  # only the stored row was marked
    client.force_login(people.reviewer)
    assert client.get(reverse("notifications:open", args=[elsewhere.pk])).status_code == 404
    assert unread.count() == 1


def test_every_kind_has_words_an_icon_of_the_sprite_and_an_address_that_answers(
    client: Client, people: People, case: Case, alert: Alert
) -> None:
    sprite = (BASE_DIR / "frontend" / "icons.mjs").read_text()
    client.force_login(people.submitter)
    for kind in Kind:
        for count in (1, 3):
            one = notify(kind, case, to=[people.submitter], count=count)[0]
            assert (case.accession in words.headline(one)) == (kind != Kind.CASES_ASSIGNED or count == 1)
            assert client.get(words.address(one)).status_code == 200, kind
        assert f'"{words.ICONS[kind][0]}"' in sprite


# --- The list and the bell ----------------------------------------------------------------------------------


def test_the_list_says_unread_in_words_and_keeps_what_came_since_unread(
    client: Client, people: People, case: Case
) -> None:
    assert "No notifications yet" in page(client, people.submitter)
    first = notify(
        Kind.CASE_RETURNED, case, to=[people.submitter], by=people.reviewer, words="Stain it again."
    )[0]
    html = page(client, people.submitter)
    assert html.count(">Unread<") == 1
    assert "Stain it again." in html
    assert "Notifications, 1 unread" in html
    later = notify(Kind.ADJUDICATED, case, to=[people.submitter])[0]
    response = client.post(reverse("notifications:read_all"), {"upto": first.pk}, follow=True)
    assert "1 notification marked as read." in response.content.decode()
    assert [one.pk for one in visible_to(people.submitter).filter(read_at=None)] == [later.pk]
    assert client.post(reverse("notifications:read_all"), {"upto": "all"}).status_code == 400


def test_marking_all_as_read_touches_nobody_else(people: People, case: Case) -> None:
    _mine, theirs = notify(Kind.ADJUDICATED, case, to=[people.submitter, people.reviewer])
    assert mark_all_read(people.submitter, theirs.pk) == 1
    assert (unread_count(people.submitter), unread_count(people.reviewer)) == (0, 1)


def test_the_list_has_pages_and_asks_as_many_queries_for_many(
    client: Client, people: People, lab: Laboratory, case: Case
) -> None:
    notify(Kind.ADJUDICATED, case, to=[people.submitter])
    page(client, people.submitter)
    with CaptureQueriesContext(connection) as few:
        page(client, people.submitter)
    for _ in range(30):
        notify(Kind.ADJUDICATED, case, to=[people.submitter], by=people.reviewer)
    with CaptureQueriesContext(connection) as many:
        html = page(client, people.submitter)
    assert (html.count(">Unread<"), len(many)) == (25, len(few))
    assert page(client, people.submitter, page="2").count(">Unread<") == 6


def test_the_bell_is_quiet_until_something_changes(client: Client, people: People, case: Case) -> None:
    html = page(client, people.submitter, "cases:worklist")
    address = re.search(r'hx-get="(/notifications/bell/\?v=[^"]*)"', html)
    assert address is not None
    assert client.get(address[1]).status_code == 204
    notify(Kind.ADJUDICATED, case, to=[people.submitter])
    update = client.get(address[1])
    assert update.status_code == 200
    assert "Notifications, 1 unread" in update.content.decode()
    assert "<main" not in update.content.decode()


def test_the_bell_counts_no_further_than_needed(client: Client, people: People, case: Case) -> None:
    for _ in range(101):
        notify(Kind.ADJUDICATED, case, to=[people.submitter])
    assert "Notifications, 99+ unread" in page(client, people.submitter)


def test_the_bell_and_the_banner_cost_two_queries(client: Client, people: People, alert: Alert) -> None:
    def asked(user: User) -> list[str]:
        client.force_login(user)
        with CaptureQueriesContext(connection) as queries:
            client.get(reverse("cases:worklist"))
        return [
            one["sql"]
            for one in queries
            if re.search(r'FROM \(?.*"(notifications_notification|reports_alert)"', one["sql"])
        ]

    assert len(asked(people.submitter)) == 2
    assert len(asked(people.reviewer)) == 2


# --- Urgent findings ----------------------------------------------------------------------------------------


def test_the_banner_stands_on_every_page_of_the_named_person_until_acknowledged(
    client: Client, people: People, case: Case, alert: Alert
) -> None:
    banner = f'An urgent finding is waiting for you:<span class="mono">{case.accession}</span>'
    for name in ("cases:worklist", "notifications:list", "models:current"):
        assert banner in tight(page(client, people.submitter, name))
        assert banner not in tight(page(client, people.reviewer, name))
    client.force_login(people.submitter)
    quiet = client.get(reverse("notifications:bell"), {"v": f"2-{alert.pk}"})
    assert quiet.status_code == 204
    acknowledge(people.submitter, alert)
    update = client.get(reverse("notifications:bell"), {"v": f"2-{alert.pk}"}).content.decode()
    assert re.search(r'<aside id="alert-banner"[^>]*hx-swap-oob="true"[^>]*hidden>', tight(update))
    assert banner not in tight(page(client, people.submitter))


def test_several_findings_are_counted(client: Client, people: People, lab: Laboratory, alert: Alert) -> None:
    signed(people.reviewer, analysed(people.submitter, lab), "Pro")
    assert "2 urgent findings are waiting for you:" in page(client, people.submitter)


def test_the_named_person_acknowledges_with_a_note(client: Client, people: People, alert: Alert) -> None:
    html = page(client, people.submitter, "alerts:list")
    assert "Pre-B ALL" in html
    assert "data-confirm=" in html
    address = reverse("alerts:acknowledge", args=[alert.pk])
    client.force_login(people.reviewer)
    refused = client.post(address, {"note": "Told by telephone."})
    assert refused.status_code == 403
    assert "Your note was not stored: “Told by telephone.”" in refused.content.decode()
    client.force_login(people.stranger)
    assert client.post(address).status_code == 404
    client.force_login(people.submitter)
    too_long = client.post(address, {"note": "n" * 501})
    assert (too_long.status_code, "n" * 501 in too_long.content.decode()) == (422, True)
    assert client.post(address, {"note": "Told by telephone."})["Location"] == reverse("alerts:list")
    alert.refresh_from_db()
    assert (alert.note, alert.acknowledged_at is None) == ("Told by telephone.", False)
    assert not Notification.objects.filter(kind=Kind.URGENT_FINDING, read_at=None).exists()
    assert client.post(address, {"note": "Again."}).status_code == 409
    assert "Told by telephone." in page(client, people.reviewer, "alerts:list")


def test_alerts_are_the_laboratory_s_own(client: Client, people: People, case: Case, alert: Alert) -> None:
    assert case.accession in page(client, people.reviewer, "alerts:list")
    assert case.accession not in page(client, people.stranger, "alerts:list")


def test_the_list_of_alerts_asks_as_many_queries_for_many(
    client: Client, people: People, lab: Laboratory, alert: Alert
) -> None:
    page(client, people.submitter, "alerts:list")
    with CaptureQueriesContext(connection) as few:
        page(client, people.submitter, "alerts:list")
    for _ in range(3):
        signed(people.reviewer, analysed(people.submitter, lab))
    with CaptureQueriesContext(connection) as many:
        page(client, people.submitter, "alerts:list")
    assert len(many) == len(few)


def test_an_administrator_names_another_person(
    client: Client, people: People, lab: Laboratory, case: Case, alert: Alert
) -> None:
    address = reverse("alerts:hand_over", args=[alert.pk])
    html = page(client, people.lab_admin, "alerts:list")
    assert f'action="{address}"' in html
    assert people.stranger.full_name not in html
    assert address not in page(client, people.submitter, "alerts:list")
    assert client.post(address, {"person": people.reviewer.pk}).status_code == 403
    client.force_login(people.lab_admin)
    assert client.post(address, {"person": people.stranger.pk}).status_code == 400
    assert client.post(address, {"person": ""}).status_code == 400
    assert client.post(address, {"person": people.reviewer.pk})["Location"] == reverse("alerts:list")
    assert told(people.reviewer)[0] == (Kind.URGENT_FINDING, case.accession)
    unread = Notification.objects.filter(kind=Kind.URGENT_FINDING, read_at=None)
    assert [one.user for one in unread] == [people.reviewer]
    alert.refresh_from_db()
    acknowledge(people.reviewer, alert)
    assert client.post(address, {"person": people.submitter.pk}).status_code == 409


def test_a_finding_is_told_to_somebody_who_is_still_there(
    people: People, lab: Laboratory, case: Case
) -> None:
    set_policy(people.lab_admin, lab, alert_contact=people.reviewer)
    other = member(lab, Role.REVIEWER)
    for user in (people.reviewer, people.submitter):
        user.memberships.update(is_active=False)
    signed(other, case)
    assert Alert.objects.get().person == people.lab_admin


def test_the_report_says_whether_the_news_has_arrived(
    rf: RequestFactory, people: People, case: Case, alert: Alert
) -> None:
    def part(user: User, diagnosis: Diagnosis) -> str:
        request = rf.get("/")
        request.user = user
        return render_to_string("reports/parts/alert.html", {"diagnosis": diagnosis}, request=request)

    assert f'action="{reverse("alerts:acknowledge", args=[alert.pk])}"' in part(
        people.submitter, alert.diagnosis
    )
    seen = part(people.reviewer, alert.diagnosis)
    assert "Not acknowledged yet." in seen
    assert "<form" not in seen
    acknowledge(people.submitter, alert, note="Ward told.")
    entered: Document = {
        "label": "Benign",
        "confidence": "high",
        "comment": "",
        "reason": "Flow.",
        "secret": PASSWORD,
    }
    second = amend(people.reviewer, case, **entered)
    later = part(people.submitter, second)
    assert "Ward told." in later
    assert "<form" not in later


def test_what_waits_too_long_is_shown_to_administrators(
    client: Client, people: People, case: Case, alert: Alert, settings: Settings
) -> None:
    settings.ALERT_REMIND_MINUTES = 30
    assert "Overdue" not in page(client, people.lab_admin, "alerts:list")
    Alert.objects.update(raised_at=timezone.now() - timedelta(minutes=31))
    html = page(client, people.lab_admin, "alerts:list")
    assert "Not acknowledged for more than 30 minutes" in html
    assert f"mailto:{people.submitter.email}" in html
    assert "Overdue" not in page(client, people.reviewer, "alerts:list")


def test_reminders_come_once_a_period_and_replace_the_one_before(
    people: People, lab: Laboratory, alert: Alert, settings: Settings
) -> None:
    settings.ALERT_REMIND_MINUTES = 30
    reminders = Notification.objects.filter(kind=Kind.URGENT_REMINDER)

    def pass_minutes(minutes: int) -> None:
        ago = timedelta(minutes=minutes)
        Alert.objects.update(raised_at=F("raised_at") - ago)
        reminders.update(created_at=F("created_at") - ago)

    assert remind() == 0
    pass_minutes(31)
    assert [remind(), remind()] == [1, 0]
    assert {one.user for one in reminders.all()} == {people.submitter, people.lab_admin}
    pass_minutes(31)
    assert remind() == 1
    assert reminders.count() == 4
    assert reminders.filter(read_at=None).count() == 2
    acknowledge(people.submitter, alert)
    pass_minutes(31)
    assert remind() == 0
    assert not reminders.filter(read_at=None).exists()


# --- Blindness ----------------------------------------------------------------------------------------------


def test_a_notification_holds_no_answer(client: Client, people: People, case: Case) -> None:
    """Even where a caller gives one away, what a person who still has to read the case is told holds none."""
    set_policy(people.lab_admin, case.laboratory, alert_contact=people.reviewer)
    given = [kind for kind in Kind if kind != Kind.CASE_RETURNED]  # its words are written to be read
    for kind in given:
        notify(kind, case, to=[people.reviewer], by=people.submitter, words="Pre-B ALL, 80.0 %")
    html = page(client, people.reviewer)
    listed = re.search(r'<ul class="notification-list">.*?</ul>', html, re.S)
    assert listed is not None
    assert listed[0].count("<li") == len(given)
    for trace in ("Pre", "80.0", "%", "malignant", case.patient_pseudonym):
        assert trace not in listed[0], trace
