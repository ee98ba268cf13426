"""Registering, activating and switching model versions, and the gate in front of it."""

import json
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Protocol

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from portal.accounts.models import Laboratory
from portal.cases.choices import CaseState
from portal.cases.models import Case
from portal.inference import quick_looks, services
from portal.inference.choices import JobState, Outcome
from portal.inference.models import Attempt, Job, ModelVersion, Prediction
from portal.inference.selectors import active_version, case_preclassification, latest_job
from portal.inference.versions import register_version
from portal.intake import services as cases
from portal.quick_look import services as quick_look
from portal.words import in_words
from smear.contract import Message
from tests.documents import Document
from tests.factories import REFER_RULE, active_model, answer, draft, model_card, photograph
from tests.portal.kinds import OnCommit, People, present

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def sent(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The ids handed to the broker."""
    ids: list[object] = []
    monkeypatch.setattr(
        "portal.inference.sending.app.send_task", lambda name, args, **options: ids.extend(args)
    )
    return ids


# --- Registering, and the gate -----------------------------------------------------------------------------


class Repository(Protocol):
    """Writes a version's card and gate (None: no file) into a model repository."""

    def __call__(self, version: int, gate: Document | None = None, **card: object) -> Document: ...


#: Exit status and gate -> a package ``training`` that ends so.
StandIn = Callable[[int, Document | None], None]


@pytest.fixture
def repository(settings: Settings, tmp_path: Path) -> Repository:
    """Return a function that writes a version's card and gate (None: no file) into a model repository."""
    settings.MODEL_REPOSITORY = tmp_path
    settings.MODEL_VERSION = None

    def write(version: int, gate: Document | None = None, **card: object) -> Document:
        folder = tmp_path / "leukemia_vgg16"
        (folder / str(version)).mkdir(parents=True, exist_ok=True)
        described = model_card(version, **card)
        (folder / "model_card.json").write_text(json.dumps(described))
        if gate is not None:
            (folder / str(version) / "gate.json").write_text(json.dumps(gate))
        return described

    return write


def gate_of(card: Document, *, passed: bool = True) -> Document:
    criterion = {
        "key": "test_macro_f1",
        "text": "macro-F1 on the test part",
        "bar": "at least 0.995",
        "value": 0.997 if passed else 0.991,
        "passed": passed,
    }
    return {"weights_sha256": card["sha256"], "passed": passed, "criteria": [criterion]}


def register(*arguments: str) -> str:
    out = StringIO()
    call_command("register_model", *arguments, stdout=out, stderr=out)
    return out.getvalue()


def test_the_card_says_which_version_it_is(repository: Repository) -> None:
    repository(3, estimates=[], refer_rule=REFER_RULE, gate=gate_of(model_card(3)))
    assert register().startswith("leukemia_vgg16 v3, weights cccccccccccc, active")
    version = present(active_version())
    assert (version.version, version.refer_rule) == (3, REFER_RULE)
    assert version.gate["passed"] is True
    assert version.despite_gate == ""


def test_a_card_from_before_the_gate_needs_none(repository: Repository) -> None:
    repository(1)
    register()
    assert present(active_version()).gate == {}


@pytest.mark.parametrize(
    ("gate", "words"),
    [
        (None, "no gate.json"),
        (gate_of(model_card(5)), "about other weights"),
        (gate_of(model_card(2), passed=False), r"macro-F1 on the test part is 0\.991, has to be at least"),
        (gate_of(model_card(2), passed=False) | {"passed": True}, "has not passed"),
        (gate_of(model_card(2)) | {"passed": False}, "has not passed: gate.json says so"),
    ],
)
def test_a_version_that_has_not_passed_its_gate_is_not_activated(
    repository: Repository, gate: Document | None, words: str
) -> None:
    repository(1)
    register()
    repository(2, gate, estimates=[])
    with pytest.raises(CommandError, match=words) as refused:
        register()
    assert "--despite-gate" in str(refused.value)
    assert present(active_version()).version == 1
    assert not ModelVersion.objects.filter(version=2).exists()
    register("--inactive")
    assert ModelVersion.objects.get(version=2).gate == (gate or {})
    assert present(active_version()).version == 1


def test_a_reason_lets_it_pass_and_is_kept_in_the_trail(repository: Repository) -> None:
    card = repository(2, gate_of(model_card(2), passed=False), estimates=[])
    assert "despite its gate: A trial." in register("--despite-gate", "A trial.")
    assert present(active_version()).despite_gate == "A trial."
    event = apps.get_model("inference", "ModelVersionEvent")._default_manager.get(
        pgh_obj=present(active_version())
    )
    assert (event.despite_gate, event.gate["passed"]) == ("A trial.", False)
    assert event.pgh_context.metadata == {"command": "register_model"}
    register()  # as at the next start: the reason still holds
    assert present(active_version()).despite_gate == "A trial."
    repository(2, gate_of(card, passed=False) | {"finished": "later"}, estimates=[])
    with pytest.raises(CommandError, match="not activated"):
        register()
    repository(2, gate_of(card), estimates=[])
    register()
    assert present(active_version()).despite_gate == "", "a gate that has passed needs no reason"


def test_a_version_known_to_miss_a_bar_is_used_for_the_reason_delivered_with_it(
    repository: Repository, tmp_path: Path
) -> None:
    repository(2, gate_of(model_card(2), passed=False), estimates=[])
    known = tmp_path / "leukemia_vgg16" / "2" / "despite_gate.json"
    known.write_text(json.dumps({"reason": "Too strict a split.", "criteria": ["cv_macro_f1"]}))
    with pytest.raises(CommandError, match="has not passed"):
        register()  # what failed is not what was admitted
    known.write_text(
        json.dumps({"reason": "Too strict a split.", "criteria": ["test_macro_f1", "cv_macro_f1"]})
    )
    assert "despite its gate: Too strict a split." in register()
    assert present(active_version()).despite_gate == "Too strict a split."


def test_a_reason_delivered_with_a_version_does_not_cover_other_weights(
    repository: Repository, tmp_path: Path
) -> None:
    repository(2, gate_of(model_card(2), passed=False) | {"weights_sha256": "0" * 64}, estimates=[])
    known = tmp_path / "leukemia_vgg16" / "2" / "despite_gate.json"
    known.write_text(json.dumps({"reason": "Too strict a split.", "criteria": ["test_macro_f1"]}))
    with pytest.raises(CommandError, match="other weights"):
        register()


def test_a_broken_card_or_gate_is_named(repository: Repository, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="There is no model card at"):
        register()
    repository(2, estimates=[])
    (tmp_path / "leukemia_vgg16" / "2" / "gate.json").write_text("{")
    with pytest.raises(CommandError, match=r"gate\.json is not JSON"):
        register()
    repository(2, refer_rule={"least_probability": {"Benign": 0.5}})
    (tmp_path / "leukemia_vgg16" / "2" / "gate.json").unlink()
    with pytest.raises(CommandError, match="the classes are Benign"):
        register()
    repository(2, name="leukemia_vgg16_int8")
    with pytest.raises(CommandError, match="is that of leukemia_vgg16_int8"):
        register()
    (tmp_path / "leukemia_vgg16" / "model_card.json").write_text('{"version": 2}')
    with pytest.raises(CommandError, match="lacks sha256, classes, outlier_threshold"):
        register()


def test_an_earlier_version_is_taken_up_again_from_its_stored_card(repository: Repository) -> None:
    repository(1)
    register()
    repository(2, gate_of(model_card(2)), estimates=[])
    register()
    with pytest.raises(CommandError, match="describes version 2, not 7"):
        register("--model-version", "7")
    register("--model-version", "1")
    assert present(active_version()).version == 1


def test_a_second_model_is_registered_beside_the_one_in_use(
    settings: Settings, repository: Repository, tmp_path: Path
) -> None:
    repository(1)
    register()
    (tmp_path / "leukemia_vgg16").rename(tmp_path / "leukemia_vgg16_int8")
    register("--name", "leukemia_vgg16_int8")
    assert present(active_version()).name == "leukemia_vgg16"
    settings.MODEL_NAME = "leukemia_vgg16_int8"
    assert present(active_version()).name == "leukemia_vgg16_int8"


# --- Running the gate --------------------------------------------------------------------------------------

#: Stands in for the package ``training``, whose gate takes minutes and the photographs: `python -m training gate …`.
STAND_IN = """
import json, pathlib, sys
_, gate, number, option, folder = sys.argv
assert (gate, option) == ("gate", "--model")
content = json.loads(pathlib.Path("wanted.json").read_text())
if content["gate"] is not None:
    (pathlib.Path(folder) / number / "gate.json").write_text(json.dumps(content["gate"]))
sys.exit(content["status"])
"""


@pytest.fixture
def stand_in(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """Return a function: exit status and gate -> a package ``training`` that ends so."""
    settings.BASE_DIR = tmp_path / "base"
    (settings.BASE_DIR / "training").mkdir(parents=True)
    (settings.BASE_DIR / "training" / "__main__.py").write_text(STAND_IN)

    def ends(status: int, gate: Document | None) -> None:
        (settings.BASE_DIR / "wanted.json").write_text(json.dumps({"status": status, "gate": gate}))

    return ends


def test_the_gate_is_run_and_believed(repository: Repository, stand_in: StandIn) -> None:
    card = repository(2, estimates=[])
    stand_in(0, gate_of(card))
    register("--run-gate")
    assert present(active_version()).version == 2


def test_a_gate_that_fails_is_refused_with_its_figures(repository: Repository, stand_in: StandIn) -> None:
    card = repository(2, gate_of(model_card(2)), estimates=[])
    stand_in(1, gate_of(card, passed=False))
    with pytest.raises(CommandError, match=r"is 0\.991, has to be at least 0\.995"):
        register("--run-gate")


@pytest.mark.parametrize("status", [1, 2, 0])
def test_a_gate_that_breaks_off_is_not_taken_for_an_answer(
    repository: Repository, stand_in: StandIn, status: int
) -> None:
    repository(2, gate_of(model_card(2)), estimates=[])
    stand_in(status, None)
    with pytest.raises(CommandError, match=f"ended with status {status} and without a new"):
        register("--run-gate")
    assert not ModelVersion.objects.exists()


def test_without_torch_the_gate_says_where_to_run_it(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository(2, estimates=[])
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(CommandError, match="torch is not installed with the portal"):
        register("--run-gate")


# --- Switching with work under way -------------------------------------------------------------------------


@pytest.fixture
def waiting(people: People, lab: Laboratory, model: ModelVersion) -> Case:
    """A case of three photographs: one answered by version 1, one being classified by it, one waiting for it."""
    case = cases.submit(people.submitter, draft(people.submitter, lab, images=3))
    first, second, _third = case.jobs.all()
    services.record(present(services.claim(first.pk, "a")), answer(0.9, 0.1, 0, 0))
    services.claim(second.pk, "a")
    return case


@pytest.fixture
def running(waiting: Case) -> Attempt:
    """The one that version 1 is at work on."""
    return Attempt.objects.get(job__case=waiting, outcome="")


def finish(case: Case) -> None:
    for job in case.jobs.filter(state=JobState.QUEUED):
        services.record(present(services.claim(job.pk, "b")), answer())
    case.refresh_from_db()


def test_open_jobs_go_to_the_version_that_is_activated(
    waiting: Case,
    running: Attempt,
    model: ModelVersion,
    sent: list[object],
    django_capture_on_commit_callbacks: OnCommit,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        second = active_model(2)
    old = waiting.jobs.filter(model_version=model).order_by("pk")
    assert [job.state for job in old] == [JobState.DONE, JobState.FAILED, JobState.FAILED]
    assert (
        in_words(present(old[2].error))
        == "This version was replaced by leukemia_vgg16 v2 before it had answered."
    )
    assert list(old[1].attempts.values_list("outcome", flat=True)) == [Outcome.SUPERSEDED]
    new = waiting.jobs.filter(model_version=second)
    assert [job.state for job in new] == [JobState.QUEUED] * 3, "one version answers the whole case"
    assert sent == [job.pk for job in new.order_by("pk")]
    assert all(present(latest_job(image)).model_version == second for image in waiting.images.all())
    assert services.record(running, answer()) is None, "the first version's answer comes too late"
    finish(waiting)
    assert (waiting.state, waiting.no_preclassification_reason) == (CaseState.AWAITING_READ, None)
    summary = present(case_preclassification(waiting))
    assert (summary.version, summary.label, summary.images) == (second, "Pre", 3)


def test_going_back_takes_the_ended_jobs_up_again(
    waiting: Case, running: Attempt, model: ModelVersion
) -> None:
    active_model(2)
    assert active_model(1) == model
    assert [job.state for job in waiting.jobs.filter(model_version=model).order_by("pk")] == [
        JobState.DONE, JobState.QUEUED, JobState.QUEUED
    ]  # fmt: skip
    assert not waiting.jobs.exclude(model_version=model).exclude(state=JobState.FAILED).exists()
    assert services.record(running, answer()) is None
    finish(waiting)
    assert (waiting.state, waiting.no_preclassification_reason) == (CaseState.AWAITING_READ, None)
    assert Prediction.objects.filter(image__case=waiting, model_version=model).count() == 3


def test_a_photograph_that_no_version_answered_is_counted_once(waiting: Case, settings: Settings) -> None:
    settings.JOB_MAX_ATTEMPTS = 1
    active_model(2)
    last = present(waiting.jobs.filter(state=JobState.QUEUED).last())
    services.fail(present(services.claim(last.pk, "b")), Message("stored_unreadable"))
    finish(waiting)
    assert in_words(present(waiting.no_preclassification_reason)) == (
        "1 of 3 photographs have no pre-classification: The stored photograph could not be read."
    )


def test_a_case_submitted_while_the_version_changed_is_moved_by_beat(
    waiting: Case, people: People, lab: Laboratory
) -> None:
    late = cases.submit(people.submitter, draft(people.submitter, lab))
    ModelVersion.objects.update(is_active=False)
    second = ModelVersion.objects.create(
        name="leukemia_vgg16", version=2, sha256="b" * 64, outlier_threshold=3, is_active=True
    )
    assert services.requeue_stale()["moved"] == 2
    assert services.requeue_stale()["moved"] == 0
    assert present(latest_job(late.images.get())).model_version == second


def test_with_the_model_switched_off_nothing_is_moved(waiting: Case) -> None:
    ModelVersion.objects.update(is_active=False)
    assert services.requeue_stale()["moved"] == 0
    assert waiting.jobs.filter(state__in=(JobState.QUEUED, JobState.RUNNING)).count() == 2


def test_registering_another_model_moves_nothing(waiting: Case) -> None:
    register_version("leukemia_vgg16_int8", model_card(2), activate=True)
    assert not Job.objects.exclude(model_version__name="leukemia_vgg16").exists()


def test_a_waiting_quick_look_moves_and_a_running_one_keeps_its_version(
    people: People, lab: Laboratory, model: ModelVersion
) -> None:
    looks = [quick_look.start(people.submitter, lab, photograph(seed)) for seed in (1, 2)]
    quick_looks.claim(looks[1].pk)
    second = active_model(2)
    for look in looks:
        look.refresh_from_db()
    assert [look.model_version for look in looks] == [second, model]
