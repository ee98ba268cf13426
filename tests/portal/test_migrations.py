"""Backfills on rows as the release before left them, and the ways back that are closed in words."""

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from importlib import import_module
from types import ModuleType
from uuid import UUID

import pytest
from django.apps import apps as current
from django.db import ProgrammingError, connection, transaction
from django.db.migrations.exceptions import IrreversibleError
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import StateApps
from django.db.models import Model
from django.utils import timezone

from portal.accounts.models import Invitation, Laboratory, User
from portal.cases.models import Case
from portal.inference import quick_looks
from portal.inference.models import ModelVersion
from portal.inference.services import claim
from portal.intake.services import submit
from portal.quick_look import services as quick_look
from portal.reading.models import Conclusion, Exposure, ImageRead, Read
from portal.reading.services import record_read
from portal.reports.content import content_sha256
from portal.reports.services import sign
from portal.words import in_words
from tests.documents import Document
from tests.factories import PASSWORD, UserFactory, analysed, answer, claimed, draft, photograph, read
from tests.portal.kinds import People, present

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.inference.sending.app.send_task", lambda name, args, **options: None)


def migration(app: str, name: str) -> ModuleType:
    return import_module(f"portal.{app}.migrations.{name}")


def as_of(app: str, name: str) -> StateApps:
    """The models as a migration finds them."""
    return MigrationLoader(connection).project_state((app, name)).apps


def alter(*statements: str) -> None:
    """Change tables within the test's transaction, which takes it back."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for statement in statements:
            cursor.execute(statement)


def shown() -> set[tuple[int, str]]:
    return set(Exposure.objects.values_list("person", "pixel_sha256"))


def forget_exposures() -> None:
    alter("TRUNCATE reading_exposure")


def pixels(case: Case) -> list[str]:
    return list(case.images.values_list("pixel_sha256", flat=True))


def test_photographs_are_hashed_and_one_whose_thumbnail_is_lost_holds_up_nobody(
    people: People, lab: Laboratory, caplog: pytest.LogCaptureFixture
) -> None:
    case = draft(people.submitter, lab, images=3)
    kept, lost, damaged = case.images.all()
    wanted = bytes(present(kept.perceptual_hash))
    lost.thumbnail.storage.delete(present(lost.thumbnail.name))
    with damaged.thumbnail.storage.open(present(damaged.thumbnail.name), "wb") as file:
        file.write(b"no picture")
    case.images.update(perceptual_hash=None)
    migration("cases", "0008_hash_photographs").hash_photographs(current, None)
    hashes = [image.perceptual_hash and bytes(image.perceptual_hash) for image in case.images.all()]
    assert hashes == [wanted, None, None]


def test_readers_and_who_made_a_case_of_a_quick_look_have_seen_the_answer(
    people: People, lab: Laboratory, model: ModelVersion
) -> None:
    answered = read(people.reviewer, analysed(people.submitter, lab, images=2))
    analysed(people.submitter, lab, images=3)  # nobody has read it
    looked = draft(people.submitter, lab, images=2)
    alter("ALTER TABLE cases_case ADD COLUMN quick_looked_by_id bigint")
    models = as_of("reading", "0005_earlier_exposures")
    models.get_model("cases", "Case").objects.filter(pk=looked.pk).update(quick_looked_by=people.submitter.pk)
    forget_exposures()
    migration("reading", "0005_earlier_exposures").keep_earlier(models, None)
    assert shown() == {(people.reviewer.pk, one) for one in pixels(answered)} | {
        (people.submitter.pk, pixels(looked)[0])
    }
    assert Exposure.objects.filter(person=people.reviewer).earliest("first_at").first_at == (
        Read.objects.get().created_at
    )


def test_reads_of_whole_cases_signers_and_quick_looks_count_too(
    people: People, lab: Laboratory, model: ModelVersion
) -> None:
    other = UserFactory.create()
    whole = analysed(people.submitter, lab, images=2)
    old = Read.objects.create(
        case=whole, reader=people.reviewer, label="Pre", confidence="high", model_label="Pre"
    )
    silent = draft(people.submitter, lab)
    Read.objects.create(case=silent, reader=other, label="Pre", confidence="high", model_label="")
    looks = []
    for seed, is_answered in ((71, True), (72, False)):
        look = quick_look.start(people.submitter, lab, photograph(seed))
        quick_looks.claim(look.pk)
        if is_answered:
            quick_looks.record(look.pk, answer())
        looks.append(look)
    assert not ImageRead.objects.exists()
    forget_exposures()
    migration("reading", "0007_exposures_left_out").keep_left_out(current, None)
    assert shown() == {(people.reviewer.pk, one) for one in pixels(whole)} | {
        (people.submitter.pk, looks[0].pixel_sha256)
    }
    assert set(Exposure.objects.filter(person=people.reviewer).values_list("first_at", flat=True)) == {
        old.created_at
    }


def test_who_signed_a_report_has_seen_the_answer(
    people: People, lab: Laboratory, model: ModelVersion
) -> None:
    case = read(people.reviewer, analysed(people.submitter, lab, images=2))
    sign(people.reviewer, case, secret=PASSWORD)
    forget_exposures()
    migration("reading", "0007_exposures_left_out").keep_left_out(current, None)
    assert shown() == {(people.reviewer.pk, one) for one in pixels(case)}


def test_open_links_end_used_ones_stay_and_an_account_that_nobody_opened_goes(
    people: People, lab: Laboratory
) -> None:
    alter(
        "ALTER TABLE accounts_invitation ADD COLUMN token varchar(64)",
        "ALTER TABLE accounts_invitation ALTER COLUMN token_sha256 DROP NOT NULL",
    )
    models = as_of("accounts", "0006_invitations")
    founder = User.objects.create(email="founder@lab.example", full_name="Founder", is_active=False)
    rows: dict[str, Document] = {
        "open@lab.example": {"invited_by_id": people.lab_admin.pk},
        "used@lab.example": {"invited_by_id": people.lab_admin.pk, "accepted_at": timezone.now()},
        "expired@lab.example": {
            "invited_by_id": people.lab_admin.pk,
            "expires_at": timezone.now() - timedelta(days=1),
        },
        founder.email: {"invited_by_id": founder.pk},
    }
    for email, fields in rows.items():
        models.get_model("accounts", "Invitation").objects.create(
            email=email, laboratory_id=lab.pk, role="reviewer", token=f"token of {email}", **fields
        )
    migration("accounts", "0007_end_open_invitations").end_open_invitations(models, None)
    after = {row.email: row for row in Invitation.objects.all()}
    assert {email: str(row.state) for email, row in after.items()} == {
        email: "used" if email.startswith("used") else "withdrawn" for email in rows
    }
    for email, row in after.items():
        assert row.token_sha256 == hashlib.sha256(f"token of {email}".encode()).hexdigest()
    assert after[founder.email].invited_by is None
    assert not User.objects.filter(email=founder.email).exists()


@pytest.mark.parametrize(
    ("app", "name"),
    [
        ("accounts", "0008_hashed_links"),
        ("cases", "0009_remove_quick_looked_by"),
        ("cases", "0010_notices_as_codes"),
        ("cases", "0011_reasons_as_codes"),
        ("inference", "0005_errors_as_codes"),
        ("inference", "0004_notices_as_codes"),
        ("reading", "0005_earlier_exposures"),
    ],
)
def test_a_way_back_that_would_lose_something_is_refused_first_and_in_words(app: str, name: str) -> None:
    # The way back begins with the last operation: nothing else has happened by then.
    last = migration(app, name).Migration.operations[-1]
    with pytest.raises(IrreversibleError, match="Restore the backup"):
        last.reverse_code(current, None)


def test_stored_notices_become_codes_and_the_history_stays(people: People, lab: Laboratory) -> None:
    turned = "The photograph was turned upright, as its camera recorded."
    named = "The file is named .png, but it is a JPEG image; it was read as that."
    unknown = "Seen by nobody before."
    case = draft(people.submitter, lab, images=3)
    first, second, third = case.images.all()
    for image, notices in ((first, [turned, named]), (second, [unknown])):
        case.images.filter(pk=image.pk).update(notices=notices)
    alter()
    events = current.get_model("cases", "SmearImageEvent").objects
    before = events.count()
    with connection.schema_editor() as editor:
        migration("cases", "0010_notices_as_codes").to_codes(current, editor)
    assert events.count() == before
    assert [image.notices for image in case.images.all()] == [
        [
            {"code": "turned_upright", "values": {}},
            {"code": "extension_mismatch", "values": {"extension": ".png", "kind": "jpeg"}},
        ],
        [{"code": "text", "values": {"text": unknown}}],
        [],
    ]
    assert [image.notice_words for image in case.images.all()] == [[turned, named], [unknown], []]
    assert events.filter(pgh_obj=first).latest("pgh_id").notices == [turned, named]
    case.images.filter(pk=third.pk).update(position=9)
    assert events.count() == before + 1


def apply(app: str, name: str) -> None:
    """Run a migration on the tables as they are."""
    loader = MigrationLoader(connection)
    before = loader.project_state((app, name), at_end=False)
    with connection.schema_editor(atomic=False) as editor:
        loader.get_migration(app, name).apply(before, editor)


def as_text(table: str, column: str) -> None:
    """A column of messages as the release before had it."""
    alter(
        f"ALTER TABLE {table} ALTER COLUMN {column} TYPE varchar(500) USING ''",
        f"ALTER TABLE {table} ALTER COLUMN {column} SET NOT NULL",
    )


def set_text(table: str, column: str, values: Mapping[int, str] | Mapping[UUID, str]) -> None:
    with connection.cursor() as cursor:
        for key, value in values.items():
            cursor.execute(f"UPDATE {table} SET {column} = %s WHERE id = %s", [value, key])


def test_reasons_become_codes_and_a_signed_report_stays_as_it_was(
    people: People, lab: Laboratory, model: ModelVersion
) -> None:
    cases = [draft(people.submitter, lab) for _turn in range(4)]
    signed_case = read(people.reviewer, analysed(people.submitter, lab))
    report = sign(people.reviewer, signed_case, secret=PASSWORD)
    as_text("cases_case", "no_preclassification_reason")
    as_text("cases_caseevent", "no_preclassification_reason")
    sentences = [
        "1 of 2 photographs have no pre-classification: The model server refused the photograph.",
        "2 de 2 fotografías no tienen preclasificación: Something from long ago.",
        "La preclasificación está desactivada.",
        "Nobody knows this one.",
    ]
    set_text(
        "cases_case",
        "no_preclassification_reason",
        dict(zip([case.pk for case in cases], sentences, strict=True)),
    )
    alter()
    events = current.get_model("cases", "CaseEvent").objects
    before = events.count()
    apply("cases", "0011_reasons_as_codes")
    assert events.count() == before
    for case in (*cases, signed_case):
        case.refresh_from_db()
    refused = {"code": "model_refused", "values": {}}
    assert [case.no_preclassification_reason for case in (*cases, signed_case)] == [
        {"code": "incomplete", "values": {"failed": 1, "total": 2, "error": refused}},
        {
            "code": "incomplete",
            "values": {
                "failed": 2,
                "total": 2,
                "error": {"code": "text", "values": {"text": "Something from long ago."}},
            },
        },
        {"code": "switched_off", "values": {}},
        {"code": "text", "values": {"text": "Nobody knows this one."}},
        None,
    ]
    assert [in_words(present(case.no_preclassification_reason)) for case in cases] == [
        "1 of 2 photographs have no pre-classification: The model server rejected the photograph.",
        "2 of 2 photographs have no pre-classification: Something from long ago.",
        "Pre-classification is switched off.",
        sentences[3],
    ]
    # The history keeps the sentence of its time, and goes on.
    assert "Nobody knows this one." in events.values_list("no_preclassification_reason", flat=True)
    Case.objects.filter(pk=cases[0].pk).update(priority="stat")
    assert events.count() == before + 1
    report.refresh_from_db()
    assert content_sha256(report.content) == report.sha256


def test_errors_of_jobs_tries_and_quick_looks_become_codes(
    people: People, lab: Laboratory, model: ModelVersion
) -> None:
    case = submit(people.submitter, draft(people.submitter, lab, images=2))
    first, second = case.jobs.all()
    attempt = present(claim(first.pk, "a"))
    look = quick_look.start(people.submitter, lab, photograph(71))
    for table in ("inference_job", "inference_attempt", "inference_quicklook"):
        as_text(table, "error")
    set_text("inference_job", "error", {first.pk: "v2 took over before this version had answered."})
    set_text("inference_attempt", "error", {attempt.pk: "Triton is down."})
    set_text(
        "inference_quicklook",
        "error",
        {
            look.pk: "No se puede acceder a la cola de trabajo. Inténtelo de nuevo en un minuto o registre un caso."
        },
    )
    alter()
    apply("inference", "0005_errors_as_codes")
    rows: tuple[Model, ...] = (first, second, attempt, look)
    for row in rows:
        row.refresh_from_db()
    assert first.error == {"code": "superseded", "values": {"version": "v2"}}
    assert second.error is None
    assert attempt.error == {"code": "text", "values": {"text": "Triton is down."}}
    assert look.error == {"code": "queue_away", "values": {}}


def test_an_answer_made_final_by_the_clock_is_known_by_its_old_sentence(
    people: People, lab: Laboratory, model: ModelVersion
) -> None:
    by_clock = "No se volvió a mirar; vale la respuesta dada antes de mostrarse la del modelo."
    for reason in (by_clock, "Fine chromatin."):
        case = claimed(people.reviewer, analysed(people.submitter, lab))
        one = record_read(people.reviewer, case, label="Pre", confidence="high")
        Conclusion.objects.create(read=one, label=one.label, confidence=one.confidence, reason=reason)
    alter()
    with connection.schema_editor() as editor:
        migration("reading", "0008_conclusions_by_the_clock").keep_as_code(current, editor)
    kept = Conclusion.objects.order_by("pk").values_list("is_by_clock", "reason")
    assert list(kept) == [(True, ""), (False, "Fine chromatin.")]
    with pytest.raises(ProgrammingError), transaction.atomic():
        Conclusion.objects.update(reason="Changed.")
