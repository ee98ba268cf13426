"""Reading: confirm or overrule, and the diagnosis that is kept."""

import pghistory
import pytest
from django.db import ProgrammingError, transaction

from portal.audit.selectors import case_trail
from portal.cases.choices import CaseState
from portal.cases.services import remove_image
from portal.errors import Invalid, NotAllowed, WrongState
from portal.reading.models import Read
from portal.reading.services import record_read
from portal.reports.models import Diagnosis
from tests.factories import analysed, draft

pytestmark = pytest.mark.django_db


@pytest.fixture
def case(people, lab, model):
    return analysed(people.submitter, lab, images=2)


def test_confirming_stores_the_diagnosis_with_what_the_model_said(case, people, model):
    read = record_read(people.reviewer, case, label="Pre", confidence="high")
    case.refresh_from_db()
    assert case.state == CaseState.REPORTED
    assert read.agrees is True
    diagnosis = Diagnosis.objects.get(case=case)
    assert (diagnosis.label, diagnosis.signed_by, diagnosis.version) == ("Pre", people.reviewer, 1)
    assert diagnosis.model_record["answer"]["label"] == "Pre"
    assert diagnosis.model_record["model"] == {"name": model.name, "version": 1, "sha256": model.sha256}
    assert [image["position"] for image in diagnosis.model_record["images"]] == [1, 2]


def test_overruling_needs_a_reason(case, people):
    with pytest.raises(Invalid) as refused:
        record_read(people.reviewer, case, label="Benign", confidence="medium", comment="  ")
    assert (refused.value.field, refused.value.code) == ("comment", "reason_required")
    assert not Read.objects.exists()
    read = record_read(
        people.reviewer, case, label="Benign", confidence="medium", comment="Mature chromatin."
    )
    assert read.agrees is False
    assert Diagnosis.objects.get(case=case).comment == "Mature chromatin."


@pytest.mark.parametrize(
    ("change", "field"), [({"label": "Lymphoma"}, "label"), ({"confidence": "very"}, "confidence")]
)
def test_unknown_answers_are_named(case, people, change, field):
    with pytest.raises(Invalid) as refused:
        record_read(people.reviewer, case, **({"label": "Pre", "confidence": "high"} | change))
    assert refused.value.field == field


@pytest.mark.parametrize("who", ["submitter", "lab_admin", "stranger"])
def test_only_reviewers_of_the_laboratory_read(case, people, who):
    with pytest.raises(NotAllowed):
        record_read(getattr(people, who), case, label="Pre", confidence="high")


def test_a_case_is_read_only_when_it_waits_for_it(case, people, lab):
    with pytest.raises(WrongState, match="draft"):
        record_read(people.reviewer, draft(people.submitter, lab), label="Pre", confidence="high")
    record_read(people.reviewer, case, label="Pre", confidence="high")
    with pytest.raises(WrongState, match="reported"):
        record_read(people.reviewer, case, label="Pre", confidence="high")
    assert Read.objects.count() == 1


def test_reads_and_diagnoses_never_change(case, people):
    record_read(people.reviewer, case, label="Pre", confidence="high")
    for model in (Read, Diagnosis):
        for change in (lambda rows: rows.update(label="Pro"), lambda rows: rows._raw_delete(rows.db)):
            with pytest.raises(ProgrammingError, match="Cannot"), transaction.atomic():
                change(model.objects.all())


def test_the_trail_tells_the_whole_way(case, people):
    record_read(people.reviewer, case, label="Pre", confidence="high")
    states = [entry.state for entry in case_trail(case) if entry.state]
    assert states == [
        "draft", "submitted", "analysing", "awaiting_read", "in_reading", "ready_to_sign", "reported"
    ]  # fmt: skip


def test_the_trail_tells_who_did_it_and_counts_photographs(lab, people, model):
    with pghistory.context(user=people.submitter.pk):
        case = draft(people.submitter, lab, images=3)
        remove_image(people.submitter, case.images.last())
    assert [(entry.words, entry.who) for entry in case_trail(case)] == [
        ("Draft filed", people.submitter),
        ("3 photographs added", people.submitter),
        ("Photograph removed", people.submitter),
    ]


def test_the_trail_cannot_be_rewritten(case):
    event = type(case).events.rel.related_model
    with pytest.raises(ProgrammingError, match="Cannot"), transaction.atomic():
        event.objects.filter(pgh_obj=case).update(state="draft")
