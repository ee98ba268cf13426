"""Signing, amending and urgent findings."""

import re
from collections.abc import Callable
from html import unescape

import pytest
from allauth.mfa.totp.internal.auth import TOTP
from django.db import ProgrammingError, transaction
from django.db.models import QuerySet
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from portal.accounts.choices import Role
from portal.accounts.models import Laboratory
from portal.cases.choices import CaseState
from portal.cases.models import Case
from portal.errors import Invalid, NotAllowed, TooManyAttempts, WrongState
from portal.inference.models import ModelVersion
from portal.notifications.choices import Kind
from portal.reading import blind
from portal.reading.policy.services import set_policy
from portal.reports.alerts.services import acknowledge
from portal.reports.content import content_sha256
from portal.reports.models import Alert, Diagnosis
from portal.reports.services import amend, sign
from tests.documents import Document
from tests.factories import PASSWORD, analysed, authenticator_code, member, read, signed
from tests.portal.kinds import People

pytestmark = pytest.mark.django_db


#: Ways in which rows that stay could be changed or taken away.
CHANGES: tuple[Callable[[QuerySet[Diagnosis]], object], ...] = (
    lambda rows: rows.update(label="Pro"),
    lambda rows: rows._raw_delete(rows.db),
)


@pytest.fixture
def case(people: People, lab: Laboratory, model: ModelVersion) -> Case:
    return read(people.reviewer, analysed(people.submitter, lab, images=2))


def test_a_signed_report_holds_everything_that_led_to_it(
    case: Case, people: People, model: ModelVersion
) -> None:
    diagnosis = sign(people.reviewer, case, secret=PASSWORD, comment="Refer to oncology.")
    case.refresh_from_db()
    assert case.state == CaseState.REPORTED
    content = Diagnosis.objects.get(pk=diagnosis.pk).content
    assert content["conclusion"] == {"label": "Pre", "confidence": "high", "comment": "Refer to oncology."}
    assert content["signature"]["name"] == people.reviewer.full_name
    assert content["signature"]["method"] == "password"
    assert content["model"]["model"] == {"name": model.name, "version": 1, "sha256": model.sha256}
    assert [image["label"] for image in content["images"]] == ["Pre", "Pre"]
    assert [(one["kind"], one["label"], one["model_seen"]) for one in content["reads"]] == [
        ("first", "Pre", False)
    ]
    assert diagnosis.sha256 == content_sha256(content)
    assert content_sha256(content | {"notice": "another"}) != diagnosis.sha256


def test_the_page_says_apart_what_was_answered_how_surely_and_what_was_changed(
    people: People, lab: Laboratory, model: ModelVersion, client: Client
) -> None:
    case = read(people.reviewer, analysed(people.submitter, lab), "Early", end="Pre")
    sign(people.reviewer, case, secret=PASSWORD)
    client.force_login(people.submitter)
    page = client.get(reverse("reports:diagnosis", args=[case.pk])).content.decode()
    words = " ".join(unescape(re.sub(r"<[^>]+>", "", page)).split())
    assert (
        "Pre-B ALL Confidence: High · answered before seeing the model's answer"
        " · changed from Early pre-B ALL after the model's answer was shown" in words
    )


def test_a_wrong_password_signs_nothing_and_too_many_lock(
    case: Case, people: People, settings: Settings
) -> None:
    settings.SIGN_ATTEMPTS = 2
    for secret in ("", "wrong"):
        with pytest.raises(Invalid) as refused:
            sign(people.reviewer, case, secret=secret)
        assert refused.value.field == "secret"
    with pytest.raises(Invalid):
        sign(people.reviewer, case, secret="wrong again")
    with pytest.raises(TooManyAttempts, match=r"The report was not signed\. Too many"):
        sign(people.reviewer, case, secret=PASSWORD)
    assert not Diagnosis.objects.exists()


def test_the_authenticator_s_code_signs_too(case: Case, people: People) -> None:
    secret = "JBSWY3DPEHPK3PXP"
    TOTP.activate(people.reviewer, secret)
    code = authenticator_code(secret)
    assert sign(people.reviewer, case, secret=code).method == "totp"
    with pytest.raises(Invalid) as refused:  # a code holds once
        amend(people.reviewer, case, label="Pro", confidence="high", comment="", reason="Flow.", secret=code)
    assert refused.value.code == "wrong_secret"


def test_only_a_reader_of_the_case_signs_while_there_is_one(
    case: Case, people: People, lab: Laboratory
) -> None:
    other = member(lab, Role.REVIEWER)
    with pytest.raises(NotAllowed, match="readers"):
        sign(other, case, secret=PASSWORD)
    people.reviewer.memberships.update(is_active=False)
    assert sign(other, case, secret=PASSWORD).signed_by == other


def test_who_signs_for_readers_that_are_gone_sees_what_is_signed(
    client: Client, case: Case, people: People, lab: Laboratory
) -> None:
    other = member(lab, Role.REVIEWER)
    client.force_login(other)
    assert not blind.sees_reads(other, case)
    assert not blind.sees_model(other, case)
    assert "Sign the report" not in client.get(f"/cases/{case.id}/").text
    people.reviewer.memberships.update(is_active=False)
    case = Case.objects.get(pk=case.pk)
    assert blind.sees_reads(other, case)
    assert blind.sees_model(other, case)
    page = client.get(f"/cases/{case.id}/").text
    assert people.reviewer.full_name in page
    assert "Sign the report" in page


def test_an_amendment_is_a_new_version_with_a_reason(case: Case, people: People) -> None:
    first = sign(people.reviewer, case, secret=PASSWORD)
    entered: Document = {"confidence": "high", "comment": "", "secret": PASSWORD}
    with pytest.raises(Invalid, match="why"):
        amend(people.reviewer, case, label="Pro", reason="", **entered)
    with pytest.raises(Invalid, match="would not change anything"):
        amend(people.reviewer, case, label="Pre", reason="Typing error.", **entered)
    second = amend(people.reviewer, case, label="Pro", reason="Flow cytometry came in.", **entered)
    case.refresh_from_db()
    assert (case.state, second.version, second.reason) == (CaseState.AMENDED, 2, "Flow cytometry came in.")
    assert second.content["report"]["amends_sha256"] == first.sha256
    assert Diagnosis.objects.get(version=1).label == "Pre"


def test_nothing_can_be_signed_twice_or_too_early(
    people: People, lab: Laboratory, model: ModelVersion
) -> None:
    waiting = analysed(people.submitter, lab)
    with pytest.raises(WrongState, match="nothing to sign"):
        sign(people.reviewer, waiting, secret=PASSWORD)
    signed(people.reviewer, waiting)
    with pytest.raises(WrongState, match="nothing to sign"):
        sign(people.reviewer, waiting, secret=PASSWORD)


def test_signed_versions_never_change(case: Case, people: People) -> None:
    sign(people.reviewer, case, secret=PASSWORD)
    for change in CHANGES:
        with pytest.raises(ProgrammingError, match="Cannot"), transaction.atomic():
            change(Diagnosis.objects.all())


def test_a_malignant_finding_is_told_to_a_named_person_who_acknowledges(
    case: Case, people: People, lab: Laboratory
) -> None:
    set_policy(people.lab_admin, lab, alert_contact=people.lab_admin)
    sign(people.reviewer, case, secret=PASSWORD)
    alert = Alert.objects.get()
    assert alert.person == people.lab_admin
    assert case.notifications.filter(user=people.lab_admin, kind=Kind.URGENT_FINDING).count() == 1
    with pytest.raises(NotAllowed):
        acknowledge(people.submitter, alert)
    assert acknowledge(people.lab_admin, alert, note="Ward told by telephone.").acknowledged_at
    with pytest.raises(WrongState):
        acknowledge(people.lab_admin, alert)


def test_a_benign_finding_raises_no_alert(people: People, lab: Laboratory, model: ModelVersion) -> None:
    signed(people.reviewer, analysed(people.submitter, lab), "Benign")
    assert not Alert.objects.exists()
