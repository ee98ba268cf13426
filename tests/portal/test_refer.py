"""Answers that are *refer*: what is stored with each, and the words a reader gets."""

from typing import Protocol

import pgtrigger
import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from portal.accounts.models import Laboratory
from portal.cases.models import Case
from portal.inference import quick_looks, services
from portal.inference.choices import REFER_ADVICE, ReferReason
from portal.inference.models import ModelVersion, Prediction
from portal.inference.selectors import case_preclassification
from portal.intake import services as cases
from portal.quick_look import services as quick_look
from portal.reports.models import Diagnosis
from smear.contract import Answer
from smear.refer import Reason
from tests.factories import REFER_RULE, active_model, answer, draft, photograph, signed
from tests.markup import tight
from tests.portal.kinds import People, present

pytestmark = pytest.mark.django_db

SURE, MIXED, UNSURE = (0.02, 0.05, 0.9, 0.03), (0.35, 0.02, 0.61, 0.02), (0.02, 0.5, 0.4, 0.08)


class Answered(Protocol):
    """One answer for each photograph -> the case with these."""

    def __call__(self, *answers: Answer) -> Case: ...


@pytest.fixture
def model(db: None) -> ModelVersion:
    return active_model(2, refer_rule=REFER_RULE)


@pytest.fixture
def answered(people: People, lab: Laboratory, model: ModelVersion) -> Answered:
    """Return a function: one answer for each photograph -> the case with these."""

    def make(*answers: Answer) -> Case:
        case = cases.submit(people.submitter, draft(people.submitter, lab, images=len(answers)))
        for job, given in zip(case.jobs.all(), answers, strict=True):
            services.record(present(services.claim(job.pk, "a")), given)
        case.refresh_from_db()
        return case

    return make


def test_the_words_cover_every_reason_of_the_rule() -> None:
    assert [reason.value for reason in Reason] == ReferReason.values == list(REFER_ADVICE)


@pytest.mark.parametrize(
    ("given", "labels", "reasons"),
    [
        (answer(*SURE), ["Pre"], []),
        (answer(*SURE, outlier_score=3.1), ["Pre"], ["outlier"]),
        (answer(*MIXED), ["Benign", "Pre"], ["mixed_set"]),
        (answer(*UNSURE), ["Early", "Pre"], ["low_confidence"]),
        (answer(*UNSURE, outlier_score=9), ["Early", "Pre"], ["outlier", "low_confidence"]),
    ],
)
def test_set_and_reasons_are_stored_with_the_answer(
    answered: Answered, given: Answer, labels: list[str], reasons: list[str]
) -> None:
    prediction = Prediction.objects.get(job__case=answered(given))
    assert prediction.prediction_set == labels
    assert prediction.refer_reasons == reasons
    assert prediction.refer is bool(reasons)


def test_a_version_without_a_rule_keeps_no_sets(people: People, lab: Laboratory) -> None:
    active_model(1)
    case = cases.submit(people.submitter, draft(people.submitter, lab))
    prediction = present(
        services.record(present(services.claim(case.jobs.get().pk, "a")), answer(outlier_score=99))
    )
    assert (prediction.prediction_set, prediction.refer_reasons) == ([], ["outlier"])
    assert present(case_preclassification(case)).refer


def test_an_answer_from_before_the_reasons_was_an_outlier(answered: Answered, people: People) -> None:
    case = answered(answer(*SURE))
    # As the migration leaves rows that were there: no reasons, and the flag they had.
    with pgtrigger.ignore("inference.Prediction:prediction_append_only"):
        Prediction.objects.update(refer=True, refer_reasons=[])
    assert Prediction.objects.get().refer_reasons == []
    assert present(case_preclassification(case)).referred == {ReferReason.OUTLIER: [1]}
    signed(people.reviewer, case)
    assert Diagnosis.objects.get().model_record["images"][0]["refer_reasons"] == ["outlier"]


def test_a_case_says_which_photographs_are_referred_and_why(
    answered: Answered, client: Client, people: People
) -> None:
    case = answered(answer(*UNSURE), answer(*SURE), answer(*UNSURE, outlier_score=9))
    summary = present(case_preclassification(case))
    assert summary.referred == {ReferReason.OUTLIER: [3], ReferReason.LOW_CONFIDENCE: [1, 3]}
    assert (summary.refer, summary.mixed) == (True, False)
    client.force_login(people.submitter)
    page = tight(client.get(reverse("cases:detail", args=[case.pk])).content.decode())
    assert "Unlike the training photographs: photograph 3<" in page
    assert "Not sure: photographs 1, 3<" in page
    assert "Cannot be ruled out at 99 %:" in page
    assert "Early pre-B ALL, refer (unlike the training photographs, not sure)" in page


def test_a_clear_case_refers_nothing(answered: Answered, client: Client, people: People) -> None:
    case = answered(answer(*SURE))
    client.force_login(people.submitter)
    page = client.get(reverse("cases:detail", args=[case.pk])).content.decode()
    assert not present(case_preclassification(case)).refer
    assert "Refer" not in page


def test_the_diagnosis_keeps_set_and_reasons(answered: Answered, client: Client, people: People) -> None:
    case = answered(answer(*MIXED), answer(*SURE))
    signed(people.reviewer, case)
    record = Diagnosis.objects.get(case=case).model_record
    assert record["answer"]["refer_reasons"] == {"mixed_set": [1]}
    assert [
        (image["prediction_set"], image["prediction_set_level"], image["refer_reasons"])
        for image in record["images"]
    ] == [(["Benign", "Pre"], 0.99, ["mixed_set"]), (["Pre"], 0.99, [])]
    client.force_login(people.submitter)
    page = client.get(reverse("reports:diagnosis", args=[case.pk])).content.decode()
    assert "Cannot be ruled out at 99 %: Benign, Pre" in page
    assert "Benign or malignant" in page


def test_a_quick_look_says_the_same(
    people: People, lab: Laboratory, model: ModelVersion, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.inference.sending.app.send_task", lambda *args, **options: None)
    look = quick_look.start(people.submitter, lab, photograph(3))
    quick_looks.claim(look.pk)
    quick_looks.record(look.pk, answer(*MIXED))
    client.force_login(people.submitter)
    page = client.get(reverse("inference:quick_look_result", args=[look.pk])).content.decode()
    assert "Neither benign nor malignant can be ruled out: decide from the cells" in page
    assert "Cannot be ruled out at 99 %:" in page


def test_the_api_says_the_same(answered: Answered, people: People) -> None:
    api = APIClient()
    api.force_authenticate(people.submitter)
    case = answered(answer(*MIXED), answer(*SURE))
    body = api.get(f"/api/v1/cases/{case.pk}/").json()
    first, second = (image["prediction"] for image in body["images"])
    assert (first["prediction_set"], first["prediction_set_level"]) == (["Benign", "Pre"], 0.99)
    assert (first["refer"], first["refer_reasons"]) == (True, ["mixed_set"])
    assert (second["refer"], second["refer_reasons"]) == (False, [])
    assert body["preclassification"]["refer_reasons"] == {"mixed_set": [1]}


def test_a_leading_class_outside_its_own_set_is_explained_and_refer(
    people: People, lab: Laboratory, client: Client
) -> None:
    least = {"Benign": 0.53, "Early": 0.52, "Pre": 0.13, "Pro": 0.94}
    active_model(2, refer_rule={"level": 0.99, "least_probability": least, "least_confidence": 0.5})
    case = cases.submit(people.submitter, draft(people.submitter, lab))
    prediction = present(
        services.record(present(services.claim(case.jobs.get().pk, "a")), answer(0.01, 0.01, 0.18, 0.8))
    )
    assert (prediction.label, prediction.prediction_set) == ("Pro", ["Pre"])
    assert prediction.refer_reasons == ["low_confidence"]
    client.force_login(people.submitter)
    page = " ".join(client.get(reverse("cases:detail", args=[case.pk])).content.decode().split())
    assert "Pro-B ALL has the highest probability and is still ruled out" in page
    signed(people.reviewer, case)
    page = client.get(reverse("reports:diagnosis", args=[case.pk])).content.decode()
    assert "The class with the highest probability does not reach its own threshold." in page
