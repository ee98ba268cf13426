"""Who has been shown the model's answer about a picture does not read it blind, wherever and whenever that was."""

from __future__ import annotations

import io
import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from PIL import Image
from pytest_django.fixtures import Settings

from portal.accounts.choices import Role
from portal.accounts.models import Laboratory, User
from portal.accounts.tokens import issue_token
from portal.cases.models import Case
from portal.cases.photographs import read_photograph
from portal.errors import NotAllowed
from portal.inference import quick_looks
from portal.inference import services as inference
from portal.inference.models import ModelVersion, QuickLook
from portal.insights import selectors as insights
from portal.insights.scope import Scope, local_day
from portal.intake import services as cases
from portal.quick_look import services as quick_look
from portal.reading import blind, exposure
from portal.reading.models import Exposure, Read
from portal.reading.policy.services import set_policy
from portal.reading.services import adjudicate, record_read, return_to_submitter
from portal.reports import services as reports
from tests.factories import PASSWORD, analysed, answer, claimed, member, photograph, read, signed
from tests.portal.addresses import addresses
from tests.portal.blind_worlds import WORLDS, Builder
from tests.portal.kinds import People, present

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.inference.sending.app.send_task", lambda name, args, **options: None)


def client_of(user: User) -> Client:
    client = Client(HTTP_AUTHORIZATION=f"Bearer {issue_token(user)[1]}")
    client.force_login(user)
    return client


def changed(seed: int = 0, *, cut: int = 1, quality: int = 80) -> SimpleUploadedFile:
    """The drawn photograph, cut at its left edge and saved again."""
    with Image.open(photograph(seed)) as image:
        buffer = io.BytesIO()
        image.crop((cut, 0, image.width, image.height)).save(buffer, "JPEG", quality=quality)
    return SimpleUploadedFile("x.jpg", buffer.getvalue(), "image/jpeg")


def filed(by: User, lab: Laboratory, *uploads: SimpleUploadedFile) -> Case:
    """A case with these photographs, answered by the model, that awaits its read."""
    case = cases.create_case(by, laboratory=lab, patient_pseudonym="P-2", specimen="csf")
    for upload in uploads:
        cases.add_image(by, case, upload)
    return answer_all(cases.submit(by, case))


def answer_all(case: Case) -> Case:
    for job in case.jobs.all():
        attempt = inference.claim(job.pk, "test")
        if attempt is not None:
            inference.record(attempt, answer())
    case.refresh_from_db()
    return case


def answered_look(by: User, lab: Laboratory, upload: SimpleUploadedFile) -> QuickLook:
    look = quick_look.start(by, lab, upload)
    quick_looks.record(present(quick_looks.claim(look.pk)).pk, answer())
    return look


def returned_and_mended(people: People, case: Case) -> Case:
    """The case sent back by its reader, submitted again with one more photograph, and answered."""
    return_to_submitter(people.reviewer, case, missing="The feathered edge.")
    case.refresh_from_db()
    cases.add_image(people.submitter, case, photograph(7))
    return answer_all(cases.submit(people.submitter, case))


def model_seen(by: User, case: Case) -> bool:
    return record_read(by, claimed(by, case), label="Pre", confidence="high").model_seen


# --- Where answers go out -----------------------------------------------------------------------------------

#: The addresses at which a member of the laboratory is shown the model's answer about a signed case.
SHOWING = {
    *("cases:detail", "cases:live", "cases:heat_map", "insights:cases"),
    *("reports:diagnosis", "reports:pdf", "reports:fhir", "reports:content", "reports:csv"),
    *("api:case", "api:images", "api:image", "api:image-activation-map"),
    *("api:report-pdf", "api:report-fhir", "api:report-content", "api:cases-csv"),
}


@pytest.mark.timeout(900)
def test_every_address_that_shows_an_answer_keeps_who_was_shown_it(
    people: People, lab: Laboratory, model: ModelVersion
) -> None:
    set_policy(people.lab_admin, lab, second_read="never")
    person = member(lab, Role.REVIEWER)
    secrets = WORLDS[0]
    builder = Builder(
        people.lab_admin, people.submitter, person, people.reviewer, member(lab, Role.REVIEWER), secrets
    )
    world = builder.build("awaiting the first read")
    builder.read(people.reviewer, secrets.first)
    reports.sign(people.reviewer, builder.case, secret=PASSWORD)
    pixels = set(world.case.images.values_list("pixel_sha256", flat=True))
    # The model's own figures; the last of the patterns is the colleague's seconds.
    figures = re.compile(secrets.numbers.rsplit("|", 1)[0].encode())
    client = client_of(person)
    kept: dict[str, set[str]] = {}
    telling = set()
    for address in addresses(world):
        if address.echoes or address.name.startswith(
            ("account_", "mfa_", "accounts:", "preferences:", "health:")
        ):
            continue
        with transaction.atomic():
            response = client.get(address.path)
            content = response.getvalue() if response.streaming else response.content
            recorded = Exposure.objects.filter(person=person).values_list("pixel_sha256", flat=True)
            kept.setdefault(address.name, set()).update(recorded)
            transaction.set_rollback(True)
        if figures.search(content) and not response["Content-Type"].startswith(("image/", "application/pdf")):
            telling.add(address.name)
    assert {name for name, recorded in kept.items() if recorded} == SHOWING
    assert (
        {"cases:detail", "cases:live", "reports:diagnosis", "reports:fhir", "api:case"} <= telling <= SHOWING
    )
    of_one = {"api:image", "api:image-activation-map"}
    assert all(kept[name] == pixels for name in SHOWING - of_one)
    assert all(kept[name] == {world.image.pixel_sha256} for name in of_one)


def test_who_does_not_see_an_answer_is_not_recorded(
    people: People, lab: Laboratory, model: ModelVersion
) -> None:
    case = analysed(people.submitter, lab, images=2)
    client = client_of(people.reviewer)
    for address in (reverse("cases:detail", args=[case.pk]), reverse("api:case", args=[case.pk])):
        assert client.get(address).status_code == 200
    assert (
        client.get(reverse("cases:heat_map", args=[present(case.images.first()).pk, "Pre"])).status_code
        == 403
    )
    assert not Exposure.objects.exists()


# --- Every way to know an answer before the read ------------------------------------------------------------


def test_a_second_round_is_not_blind_to_who_saw_the_answer_in_the_first(
    people: People, lab: Laboratory, model: ModelVersion
) -> None:
    case = claimed(people.reviewer, analysed(people.submitter, lab))
    assert not record_read(people.reviewer, case, label="Pre", confidence="high").model_seen
    page = client_of(people.reviewer).get(reverse("cases:detail", args=[case.pk]))
    assert b"Comparison with the model" in page.content
    case = returned_and_mended(people, case)
    assert case.round == 2
    claimed(people.reviewer, case)
    page = client_of(people.reviewer).get(reverse("cases:detail", args=[case.pk]))
    assert b"been shown the model's answer to a photograph of this case" in page.content
    stored = record_read(people.reviewer, case, label="Pre", confidence="high")
    assert (stored.round, stored.model_seen) == (2, True)
    # It was known, and is still stored before it is shown again.
    assert not hasattr(stored, "conclusion")


def test_a_colleague_reads_the_second_round_blind(
    people: People, lab: Laboratory, model: ModelVersion
) -> None:
    case = claimed(people.reviewer, analysed(people.submitter, lab))
    record_read(people.reviewer, case, label="Pre", confidence="high")
    client_of(people.reviewer).get(reverse("cases:detail", args=[case.pk]))
    case = returned_and_mended(people, case)
    assert not model_seen(member(lab, Role.REVIEWER), case)


def test_the_reveal_of_the_api_counts(people: People, lab: Laboratory, model: ModelVersion) -> None:
    case = claimed(people.reviewer, analysed(people.submitter, lab))
    client = client_of(people.reviewer)
    entered = {"label": "Pre", "confidence": "high"}
    address = reverse("api:case-reads", args=[case.pk])
    assert client.post(address, entered, content_type="application/json").json()["reveal"]["label"] == "Pre"
    assert exposure.was_exposed(people.reviewer, case)


@pytest.mark.parametrize("cut", [0, 1, 5])
def test_a_discarded_quick_look_leaves_hash_person_and_time(
    people: People, lab: Laboratory, model: ModelVersion, settings: Settings, cut: int
) -> None:
    look = answered_look(people.reviewer, lab, photograph(3))
    client = client_of(people.reviewer)
    assert b"80.0" in client.get(reverse("inference:quick_look_result", args=[look.pk])).content
    assert client.post(reverse("inference:quick_look_discard", args=[look.pk])).status_code == 302
    assert not QuickLook.objects.exists()
    assert not [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]
    kept = Exposure.objects.get()
    assert (kept.person, kept.pixel_sha256) == (people.reviewer, look.pixel_sha256)
    assert {field.name for field in Exposure._meta.get_fields()} == {
        *("id", "person", "pixel_sha256", "perceptual_hash", "first_at")
    }
    case = filed(people.submitter, lab, photograph(8), changed(3, cut=cut) if cut else photograph(3))
    assert model_seen(people.reviewer, case)


@pytest.mark.parametrize("name", ["quick_look_result", "quick_look_live", "quick_look_heat_map"])
def test_each_part_of_a_quick_look_counts(
    people: People, lab: Laboratory, model: ModelVersion, name: str
) -> None:
    look = answered_look(people.reviewer, lab, photograph(3))
    label = ["Pre"] if name.endswith("heat_map") else []
    assert (
        client_of(people.reviewer).get(reverse(f"inference:{name}", args=[look.pk, *label])).status_code
        == 200
    )
    assert Exposure.objects.get().pixel_sha256 == look.pixel_sha256


def test_a_quick_look_that_expired_counts_and_one_whose_answer_nobody_saw_does_not(
    people: People, lab: Laboratory, model: ModelVersion
) -> None:
    seen, unseen = (answered_look(people.reviewer, lab, photograph(seed)) for seed in (3, 4))
    client_of(people.reviewer).get(reverse("inference:quick_look_live", args=[seen.pk]))
    QuickLook.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert quick_looks.purge() == 2
    assert model_seen(people.reviewer, filed(people.submitter, lab, photograph(3)))
    assert unseen.pixel_sha256 != seen.pixel_sha256
    assert not model_seen(people.reviewer, filed(people.submitter, lab, photograph(4)))


def test_a_quick_look_made_a_case_counts_for_who_looked(
    people: People, lab: Laboratory, model: ModelVersion
) -> None:
    look = answered_look(people.reviewer, lab, photograph(3))
    client_of(people.reviewer).get(reverse("inference:quick_look_result", args=[look.pk]))
    case = quick_look.make_case(people.reviewer, look, patient_pseudonym="P-1", specimen="csf")
    case = answer_all(cases.submit(people.submitter, case))
    set_policy(people.lab_admin, lab, second_read="always")
    assert not model_seen(member(lab, Role.REVIEWER), case)
    other = filed(people.submitter, lab, photograph(3))
    assert model_seen(people.reviewer, other)


@pytest.mark.parametrize(
    "name", ["cases:detail", "reports:diagnosis", "reports:fhir", "api:case", "api:images", "reports:csv"]
)
def test_the_same_photograph_in_another_case_counts(
    people: People, lab: Laboratory, model: ModelVersion, name: str
) -> None:
    """Also where the other case is somebody else's, and the photograph was cut and saved again."""
    other = signed(people.reviewer, analysed(people.submitter, lab))
    person = member(lab, Role.REVIEWER)
    arguments = [] if name == "reports:csv" else [other.pk]
    assert client_of(person).get(reverse(name, args=arguments)).status_code == 200
    assert model_seen(person, filed(people.submitter, lab, changed(0, cut=2)))
    assert not model_seen(person, filed(people.submitter, lab, photograph(9)))


def test_another_laboratory_counts(people: People, lab: Laboratory, model: ModelVersion) -> None:
    there = people.stranger.memberships.get().laboratory
    look = answered_look(people.stranger, there, photograph(3))
    client_of(people.stranger).get(reverse("inference:quick_look_result", args=[look.pk]))
    people.stranger.memberships.create(laboratory=lab, role=Role.REVIEWER)
    anew = User.objects.get(pk=people.stranger.pk)
    assert model_seen(anew, filed(people.submitter, lab, changed(3)))


def test_an_adjudicator_who_knew_the_answer_elsewhere_is_recorded_so(
    people: People, lab: Laboratory, model: ModelVersion
) -> None:
    """The model has no answer to the case itself, which the adjudicator knows from a quick look."""
    set_policy(people.lab_admin, lab, second_read="always")
    person = member(lab, Role.REVIEWER)
    look = answered_look(person, lab, photograph(3))
    client_of(person).get(reverse("inference:quick_look_result", args=[look.pk]))
    type(model).objects.update(is_active=False)
    case = filed(people.submitter, lab, photograph(3))
    read(people.reviewer, case, "Pre")
    read(member(lab, Role.REVIEWER), case, "Pro")
    decided = adjudicate(person, claimed(person, case), label="Pre", confidence="high", reason="Chromatin.")
    assert (decided.model_label, decided.model_seen) == ("", True)


# --- The guard of the quick look, and what follows ----------------------------------------------------------


@pytest.mark.parametrize("upload", [photograph(0), changed(cut=1), changed(cut=4, quality=50)], ids=str)
def test_a_quick_look_of_a_photograph_to_be_read_blind_is_refused(
    people: People, lab: Laboratory, model: ModelVersion, upload: SimpleUploadedFile
) -> None:
    case = analysed(people.submitter, lab)
    with pytest.raises(NotAllowed, match=case.accession):
        quick_look.start(people.reviewer, lab, upload)
    assert blind.hiding_case(people.submitter, read_photograph(upload)) is None


def test_another_field_may_be_looked_at(people: People, lab: Laboratory, model: ModelVersion) -> None:
    analysed(people.submitter, lab, images=3)
    assert quick_look.start(people.reviewer, lab, photograph(11)).pk


def test_figures_and_learning_do_not_take_it_for_a_blind_answer(
    people: People, lab: Laboratory, model: ModelVersion
) -> None:
    other = signed(people.reviewer, analysed(people.submitter, lab))
    person = member(lab, Role.REVIEWER)
    client_of(person).get(reverse("cases:detail", args=[other.pk]))
    case = signed(person, filed(people.submitter, lab, changed(0)))
    today = local_day(timezone.now())
    found = {one.pk: one for one in insights.signed_cases(Scope(lab, today, today))}
    assert [len(found[pk].blind_reads) for pk in (other.pk, case.pk)] == [1, 0]
    assert (found[other.pk].own, found[case.pk].own) == ("Pre", "")
    content = case.diagnoses.get().content
    assert content["reads"][-1]["model_seen"]


def test_an_exposure_is_written_once_and_never_changed(
    people: People, lab: Laboratory, model: ModelVersion
) -> None:
    case = signed(people.reviewer, analysed(people.submitter, lab))
    first = None
    for _turn in range(2):
        exposure.record_cases(people.submitter, type(case).objects.filter(pk=case.pk))
        kept = Exposure.objects.get(person=people.submitter)
        assert first in (None, kept.first_at)
        first = kept.first_at
    for change in (
        lambda: Exposure.objects.update(first_at=timezone.now()),
        lambda: Exposure.objects.all().delete(),
    ):
        with pytest.raises(DatabaseError, match=r"Cannot (update|delete)"), transaction.atomic():
            change()
    assert Read.objects.get().model_seen is False
