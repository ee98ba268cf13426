"""Two worlds that differ in nothing but what a blind reader must not know."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from portal.accounts.models import User
from portal.annotations.services import add_marker
from portal.cases.models import Case, SmearImage
from portal.inference import services as inference
from portal.inference.models import Job
from portal.intake.services import submit
from portal.reading import claims
from portal.reading import services as reading
from tests.factories import answer, draft

# --- What the worlds differ in -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Secrets:
    """The answers of one world. ``numbers`` are patterns of the model's figures as a page or a program writes them."""

    probabilities: tuple[tuple[float, ...], ...]
    outlier_score: float
    first: str
    second: str
    confidence: str
    word: str
    seconds: float
    numbers: str

    @property
    def traces(self) -> re.Pattern[bytes]:
        """What no response may hold."""
        return re.compile(f"{self.word}|{self.numbers}".encode())


#: Everything that could tell the classes, the certainty and the colleagues' opinions apart is different.
WORLDS = (
    Secrets(
        probabilities=((0.0713, 0.0612, 0.8377, 0.0298), (0.0713, 0.0612, 0.8377, 0.0298)),
        outlier_score=0.4731,
        first="Early",
        second="Benign",
        confidence="low",
        word="zanthoryx",
        seconds=41.25,
        numbers=r"0?[.,](?:837[67]|071[23]|061[12]|0297|0298|473)|83[.,]?8? ?%|\b7[.,]1\d* ?%|\b41[.,]25",
    ),
    Secrets(
        probabilities=((0.7913, 0.0288, 0.1287, 0.0512), (0.0287, 0.3991, 0.3813, 0.1909)),
        outlier_score=9.8642,
        first="Pro",
        second="Pre",
        confidence="high",
        word="quibblefex",
        seconds=97.5,
        numbers=r"0?[.,](?:791[23]|399[01]|381[23]|128[67]|190[89])|79[.,]?1? ?%|9[.,]864|\b97[.,]5",
    ),
)


# --- The stages at which a reader has not answered yet ------------------------------------------------------


@dataclass
class World:
    """A case of one world, and the people around it; ``tests.portal.addresses.ARGUMENTS`` names its attributes."""

    case: Case
    image: SmearImage
    image_two: SmearImage
    lab: str
    reader: User
    marker: object = None
    notification: int = 1
    unknown: str = "00000000-0000-4000-8000-000000000000"


@dataclass
class Builder:
    """Makes the case of a world as it stands at a stage."""

    admin: User
    submitter: User
    reader: User
    first: User
    second: User
    secrets: Secrets
    case: Case = field(init=False)
    marker: object = None

    def build(self, stage: str) -> World:
        self.case = draft(self.submitter, self.submitter.memberships.get().laboratory, images=2)
        submit(self.submitter, self.case)
        STAGES[stage](self)
        self.case.refresh_from_db()
        one, two = self.case.images.all()
        mine = self.reader.notifications.values_list("pk", flat=True).first()
        return World(
            case=self.case,
            image=one,
            image_two=two,
            lab=self.case.laboratory.slug,
            reader=self.reader,
            marker=self.marker or World.unknown,
            notification=mine or 1,
        )

    def answer(self, *positions: int) -> None:
        """The model answers these photographs."""
        for position in positions:
            job = Job.objects.get(image__case=self.case, image__position=position)
            attempt = inference.claim(job.pk, "test")
            assert attempt is not None
            given = answer(
                *self.secrets.probabilities[position - 1], outlier_score=self.secrets.outlier_score
            )
            heat = np.random.default_rng(len(self.secrets.word)).normal(size=(4, 14, 14))
            inference.record(attempt, replace(given, activation_map=heat.astype(np.float32)))

    def own_answer(self, by: User, label: str) -> None:
        """A colleague takes the case, marks a place, and answers."""
        claims.claim(by, self.case)
        image = self.case.images.first()
        assert image is not None
        self.marker = add_marker(by, image, x=0.5, y=0.5, note=f"see {self.secrets.word}").pk
        reading.record_read(
            by,
            self.case,
            label=label,
            confidence=self.secrets.confidence,
            comment=f"I find {self.secrets.word}.",
            seconds=self.secrets.seconds,
        )

    def read(self, by: User, label: str) -> None:
        self.own_answer(by, label)
        reading.conclude(
            by,
            self.case,
            label=label,
            confidence=self.secrets.confidence,
            reason=f"Because of {self.secrets.word}.",
        )


def _analysing(world: Builder) -> None:
    world.answer(1)


def _waiting(world: Builder) -> None:
    world.answer(1, 2)


def _claimed(world: Builder) -> None:
    _waiting(world)
    claims.claim(world.reader, world.case)


def _with_a_colleague(world: Builder) -> None:
    _waiting(world)
    world.own_answer(world.first, world.secrets.first)


def _second(world: Builder) -> None:
    _waiting(world)
    world.read(world.first, world.secrets.first)


def _second_claimed(world: Builder) -> None:
    _second(world)
    claims.assign(world.admin, Case.objects.filter(pk=world.case.pk), world.reader)
    claims.claim(world.reader, world.case)


def _adjudication(world: Builder) -> None:
    _second(world)
    world.read(world.second, world.secrets.second)


def _read_by_others(world: Builder) -> None:
    _second(world)
    world.read(world.second, world.secrets.first)


def _again(world: Builder) -> None:
    _second(world)
    claims.claim(world.second, world.case)
    reading.return_to_submitter(world.second, world.case, missing="The feathered edge.")
    submit(world.submitter, world.case)


#: Each leaves the reader without an own answer. The laboratory has every case read twice.
STAGES: dict[str, Callable[[Builder], None]] = {
    "the model at work": _analysing,
    "awaiting the first read": _waiting,
    "in the reader's hands": _claimed,
    "in the hands of a colleague who has answered": _with_a_colleague,
    "awaiting the second read": _second,
    "in the second reader's hands": _second_claimed,
    "before the adjudication is taken": _adjudication,
    "ready for others to sign": _read_by_others,
    "submitted again after a read": _again,
}
