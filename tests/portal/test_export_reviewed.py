"""Signed cases as a data set: what goes in under which label, what stays, and that nothing else leaves."""

import csv
import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Protocol

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, transaction
from django.utils import timezone
from PIL import Image

from portal.accounts.choices import Role
from portal.accounts.models import Laboratory
from portal.cases.models import Case
from portal.inference.models import ModelVersion
from portal.reading import claims
from portal.reading import services as reading
from portal.reading.policy.services import set_policy
from portal.reports.exports.reviewed import case_key
from portal.reports.models import Diagnosis, ReviewedExport
from portal.reports.services import amend, sign
from tests.documents import Document
from tests.factories import PASSWORD, LaboratoryFactory, analysed, claimed, member, read, signed
from tests.portal.kinds import People, Queries, present
from training.data import reviewed

pytestmark = pytest.mark.django_db

SECRETS: Document = {"patient_pseudonym": "PSEUDO-4711", "clinical_note": "Pancytopenia since Easter."}


class Export(Protocol):
    """Runs the command; gives the summary and the manifest's rows."""

    def __call__(self, *arguments: str, name: str = "set") -> tuple[Document, list[dict[str, str]]]: ...


@pytest.fixture
def export(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Export:
    """Runs the command; gives the summary and the manifest's rows."""

    def run(*arguments: str, name: str = "set") -> tuple[Document, list[dict[str, str]]]:
        call_command("export_reviewed", "--out", str(tmp_path / name), *arguments)
        summary = json.loads(capsys.readouterr().out)
        with (tmp_path / name / "blood-smears" / "manifest.csv").open(newline="") as file:
            return summary, list(csv.DictReader(file))

    return run


def answered(people: People, case: Case, **images: str) -> Diagnosis:
    """Read and signed with an answer of their own for some positions: ``answered(…, p1="Pro")``."""
    claimed(people.reviewer, case)
    of_position = {f"p{image.position}": image.pk for image in case.images.all()}
    own = {of_position[position]: label for position, label in images.items()}
    reading.record_read(people.reviewer, case, label="Pre", confidence="high", images=own)
    reading.conclude(people.reviewer, case, label="Pre", confidence="high")
    return sign(people.reviewer, case, secret=PASSWORD)


def test_photographs_go_out_as_stored_under_their_own_labels(
    people: People, lab: Laboratory, model: ModelVersion, export: Export, tmp_path: Path
) -> None:
    case = analysed(people.submitter, lab, images=4, **SECRETS)
    first, *_, third, fourth = (image.position for image in case.images.all())
    answers = {f"p{first}": "Early", f"p{third}": "none_of_these", f"p{fourth}": "unsuitable_image"}
    answered(people, case, **answers)
    summary, rows = export()
    assert [row["class"] for row in rows] == ["Early", "Pre"]
    assert summary["classes"] == {"Benign": 0, "Early": 1, "Pre": 1, "Pro": 0}
    assert summary["left_out"]["photographs"] == {"none_of_these": 1, "unsuitable_image": 1}
    stored = {str(image.pk): image for image in case.images.all()}
    for row in rows:
        written = (tmp_path / "set" / "blood-smears" / row["path"]).read_bytes()
        label, name = row["path"].split("/")
        image = stored[name.split(".")[0]]
        assert label == row["class"]
        assert written == image.file.open("rb").read()
        assert np.array_equal(
            np.asarray(Image.open(io.BytesIO(written))), np.asarray(Image.open(image.file.open("rb")))
        )
        assert row["pixel_sha256"] == image.pixel_sha256
        assert (row["overlap_group"], row["laboratory"]) == (case_key(case.pk), lab.slug)
        assert (row["disputed"], row["model_seen"], row["follows_case"]) == ("0", "0", "0")


def test_nothing_about_patient_people_or_accession_leaves(
    people: People, lab: Laboratory, model: ModelVersion, export: Export, tmp_path: Path
) -> None:
    case = signed(people.reviewer, analysed(people.submitter, lab, **SECRETS))
    export()
    written = [path for path in (tmp_path / "set").rglob("*") if path.is_file()]
    said = b"".join(str(path).encode() + path.read_bytes() for path in written)
    own = [case.accession, str(case.pk), "Chromatin.", people.reviewer.full_name, people.reviewer.email]
    for secret in (*SECRETS.values(), *own):
        assert secret.encode() not in said, secret
    assert (tmp_path / "set").stat().st_mode & 0o077 == 0


def test_an_amended_case_is_disputed_and_its_newest_version_counts(
    people: People, lab: Laboratory, model: ModelVersion, export: Export
) -> None:
    signed(people.reviewer, analysed(people.submitter, lab))
    case = analysed(people.submitter, lab, images=3)
    answered(people, case, **{f"p{present(case.images.last()).position}": "Benign"})
    entered: Document = {"confidence": "high", "comment": "", "secret": PASSWORD, "reason": "Flow cytometry."}
    amend(people.reviewer, case, label="Pro", **entered)
    summary, rows = export()
    assert (summary["cases"], summary["left_out"]["cases"]) == (1, {"disputed": 1})
    summary, rows = export("--include-disputed")
    assert (summary["cases"], summary["disputed_cases"]) == (2, 1)
    of_case = [row for row in rows if row["overlap_group"] == case_key(case.pk)]
    # What was called as the case was follows it; the photograph with an answer of its own keeps that.
    assert [row["class"] for row in of_case] == ["Pro", "Pro", "Benign"]
    assert [row["follows_case"] for row in of_case] == ["1", "1", "0"]
    assert [row["model_seen"] for row in of_case] == ["1", "1", "0"]
    assert {(row["disputed"], row["report_version"]) for row in of_case} == {("1", "2")}


def test_training_reads_what_was_written(
    people: People, lab: Laboratory, model: ModelVersion, export: Export, tmp_path: Path
) -> None:
    set_policy(people.lab_admin, lab, blindness="concurrent")
    case = signed(people.reviewer, analysed(people.submitter, lab, images=2))
    summary, rows = export()
    found = reviewed.read(tmp_path / "set")
    assert [one.photograph.sha256 for one in found] == [row["sha256"] for row in rows]
    for one in found:
        assert (one.photograph.label, one.photograph.group) == ("Pre", case_key(case.pk))
        assert (one.laboratory, one.disputed, one.model_seen) == (lab.slug, False, True)
    assert reviewed.manifest_sha256(tmp_path / "set") == summary["manifest_sha256"]


def test_an_answer_changed_after_the_reveal_is_marked(
    people: People, lab: Laboratory, model: ModelVersion, export: Export
) -> None:
    case = read(people.reviewer, analysed(people.submitter, lab), "Pro", end="Pre")
    sign(people.reviewer, case, secret=PASSWORD)
    summary, [row] = export()
    assert (row["class"], row["model_seen"], row["follows_case"]) == ("Pre", "1", "1")
    assert (summary["model_seen"], summary["follows_case"]) == (1, 1)


def test_a_label_given_beside_the_model_s_answer_is_marked(
    people: People, lab: Laboratory, model: ModelVersion, export: Export
) -> None:
    set_policy(people.lab_admin, lab, blindness="concurrent")
    signed(people.reviewer, analysed(people.submitter, lab))
    _, [row] = export()
    assert (row["model_seen"], row["follows_case"]) == ("1", "0")


def test_an_adjudicated_case_is_disputed(
    people: People, lab: Laboratory, model: ModelVersion, export: Export
) -> None:
    set_policy(people.lab_admin, lab, second_read="always")
    second, judge = member(lab, Role.REVIEWER), member(lab, Role.REVIEWER)
    case = read(people.reviewer, analysed(people.submitter, lab), "Pre")
    case = claimed(judge, read(second, case, "Early"))
    reading.adjudicate(judge, case, label="Early", confidence="high", reason="Nucleoli.")
    sign(judge, case, secret=PASSWORD)
    with pytest.raises(CommandError, match="disputed"):
        export()
    _, [row] = export("--include-disputed")
    assert (row["class"], row["disputed"], row["model_seen"]) == ("Early", "1", "1")


def test_only_what_is_signed_and_asked_for(
    people: People, lab: Laboratory, model: ModelVersion, export: Export
) -> None:
    other = LaboratoryFactory.create()
    reviewer = member(other, Role.REVIEWER)
    here = signed(people.reviewer, analysed(people.submitter, lab))
    there = signed(reviewer, analysed(member(other, Role.SUBMITTER), other))
    read(people.reviewer, analysed(people.submitter, lab))
    claims.claim(people.reviewer, analysed(people.submitter, lab))
    summary, rows = export()
    assert [row["overlap_group"] for row in rows] == [case_key(here.pk), case_key(there.pk)]
    assert summary["laboratories"] == [
        {"slug": slug, "cases": 1, "photographs": 1} for slug in sorted([lab.slug, other.slug])
    ]
    assert [row["laboratory"] for row in export("--laboratory", other.slug)[1]] == [other.slug]
    today, tomorrow = (timezone.now() + timedelta(days=days) for days in (0, 1))
    assert len(export("--since", f"{today:%Y-%m-%d}")[1]) == 2
    with pytest.raises(CommandError, match="No photograph"):
        export("--since", f"{tomorrow:%Y-%m-%d}")
    with pytest.raises(CommandError, match="no laboratory nowhere"):
        export("--laboratory", "nowhere")


def test_what_is_not_as_it_was_signed_stays(
    people: People, lab: Laboratory, model: ModelVersion, export: Export
) -> None:
    good = signed(people.reviewer, analysed(people.submitter, lab))
    case = signed(people.reviewer, analysed(people.submitter, lab))
    # As if somebody had changed the row with the trigger off: a copy of the version whose hash is another's.
    last = Diagnosis.objects.get(case=case)
    last.pk, last.version = None, 2
    last.content |= {"conclusion": last.content["conclusion"] | {"label": "Pro"}}
    last.save()
    lost = signed(people.reviewer, analysed(people.submitter, lab))
    image = lost.images.get()
    image.file.storage.delete(present(image.file.name))
    summary, rows = export("--include-disputed")
    assert [row["overlap_group"] for row in rows] == [case_key(good.pk)]
    assert summary["left_out"] == {"cases": {"not_as_signed": 1}, "photographs": {"file_lost": 1}}


def test_only_an_earlier_export_is_written_over_and_only_as_a_whole(
    people: People, lab: Laboratory, model: ModelVersion, export: Export, tmp_path: Path
) -> None:
    signed(people.reviewer, analysed(people.submitter, lab))
    first, _ = export()
    signed(people.reviewer, analysed(people.submitter, lab))
    second, rows = export()
    assert (first["cases"], second["cases"], len(rows)) == (1, 2, 2)
    assert [path.name for path in tmp_path.glob("*set*")] == ["set"], "nothing is left beside it"
    with pytest.raises(CommandError):
        export("--since", "2999-01-01")
    assert len(list((tmp_path / "set").rglob("*.png"))) == 2, "an export that fails leaves the earlier one"
    (tmp_path / "set" / "notes.txt").write_text("mine")
    with pytest.raises(CommandError, match="something else"):
        export()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "export.json").write_text("[]")
    with pytest.raises(CommandError, match="something else"):
        export(name="other")
    recorded = [one.manifest_sha256 for one in ReviewedExport.objects.order_by("pk")]
    assert recorded == [first["manifest_sha256"], second["manifest_sha256"]]
    with pytest.raises(ProgrammingError, match="Cannot"), transaction.atomic():
        ReviewedExport.objects.update(cases=0)


def test_the_same_cases_give_the_same_manifest_with_constant_queries(
    people: People, lab: Laboratory, model: ModelVersion, export: Export, django_assert_num_queries: Queries
) -> None:
    signed(people.reviewer, analysed(people.submitter, lab, images=2))
    first, _ = export()
    with django_assert_num_queries(5):
        again, _ = export(name="again")
    assert first["manifest_sha256"] == again["manifest_sha256"]
    for _ in range(2):
        signed(people.reviewer, analysed(people.submitter, lab, images=2))
    with django_assert_num_queries(5):
        export()
