"""People, laboratories, photographs and answers for the tests."""

import io
from time import time

import numpy as np
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.core.files.uploadedfile import SimpleUploadedFile
from factory.declarations import PostGeneration, Sequence, SubFactory
from factory.django import DjangoModelFactory
from PIL import Image

from portal.accounts.choices import Role
from portal.accounts.models import Laboratory, Membership, User
from portal.cases.models import Case
from portal.inference import services as inference
from portal.inference.models import ModelVersion
from portal.inference.versions import register_version
from portal.intake import services as cases
from portal.reading import claims
from portal.reading import services as reading
from portal.reports import services as reports
from smear.classes import CLASSES
from smear.contract import Answer
from tests.documents import Document

PASSWORD = "a long enough pass phrase"


class LaboratoryFactory(DjangoModelFactory[Laboratory]):
    class Meta:
        model = Laboratory

    name = Sequence(lambda n: f"Laboratory {n}")
    slug = Sequence(lambda n: f"lab-{n}")


def _set_password(user: User, create: bool, wanted: str | None, **_options: object) -> None:
    user.set_password(wanted or PASSWORD)
    if create:
        user.save()


class UserFactory(DjangoModelFactory[User]):
    class Meta:
        model = User
        skip_postgeneration_save = True

    email = Sequence(lambda n: f"person{n}@lab.example")
    full_name = Sequence(lambda n: f"Person {n}")

    password = PostGeneration(_set_password)


class MembershipFactory(DjangoModelFactory[Membership]):
    class Meta:
        model = Membership

    user = SubFactory(UserFactory)
    laboratory = SubFactory(LaboratoryFactory)
    role = Role.SUBMITTER


def member(laboratory: Laboratory, role: Role, **fields: object) -> User:
    """A new person with a role in the laboratory."""
    user = UserFactory.create(**fields)
    MembershipFactory.create(laboratory=laboratory, role=role, user=user)
    return user


def authenticator_code(secret: str) -> str:
    """What an authenticator with this secret shows now."""
    return str(format_hotp_value(hotp_value(secret, int(time()) // 30)))


def photograph(
    seed: int = 0, *, size: tuple[int, int] = (320, 240), name: str = "field.png"
) -> SimpleUploadedFile:
    """An upload of a drawn, stain-coloured field; another seed gives other pixels."""
    rng = np.random.default_rng(seed)
    pixels = np.clip(rng.normal((220, 180, 200), 12, (size[1], size[0], 3)), 0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return SimpleUploadedFile(name, buffer.getvalue(), "image/png")


def answer(*probabilities: float, outlier_score: float = 0.5) -> Answer:
    """A model's answer with these probabilities, by default clearly Pre."""
    return Answer(
        probabilities=np.array(probabilities or (0.05, 0.1, 0.8, 0.05), dtype=np.float32),
        activation_map=np.linspace(-1, 3, 4 * 14 * 14, dtype=np.float32).reshape(4, 14, 14),
        embedding=np.ones(512, dtype=np.float32),
        outlier_score=outlier_score,
        seconds=0.2,
    )


#: A refer rule as a model card states it: sets at 99 %, and at least 0.6 for the leading class.
REFER_RULE = {
    "level": 0.99,
    "least_probability": {"Benign": 0.3, "Early": 0.15, "Pre": 0.15, "Pro": 0.15},
    "least_confidence": 0.6,
}


def model_card(version: int = 1, **fields: object) -> Document:
    """The least a model card states; each version has weights of its own."""
    return {
        "version": version,
        "sha256": format(version + 9, "x")[-1] * 64,
        "classes": list(CLASSES),
        "outlier_threshold": 3.0,
        **fields,
    }


def active_model(version: int = 1, **fields: object) -> ModelVersion:
    """A registered version that new cases go to and that has passed its gate; ``fields`` are those of its card."""
    card = model_card(version, **fields)
    gate = {"weights_sha256": card["sha256"], "passed": True, "criteria": []} if "estimates" in card else None
    return register_version("leukemia_vgg16", card, activate=True, gate=gate)


def draft(by: User, laboratory: Laboratory, *, images: int = 1, **fields: str | float) -> Case:
    """A draft with drawn photographs."""
    entered: Document = {"patient_pseudonym": "P-0815", "specimen": "peripheral_blood"} | fields
    case = cases.create_case(by, laboratory=laboratory, **entered)
    for seed in range(images):
        cases.add_image(by, case, photograph(seed))
    return case


def analysed(by: User, laboratory: Laboratory, *, images: int = 1, **fields: str | float) -> Case:
    """A submitted case whose photographs the model has answered: it awaits a read."""
    case = cases.submit(by, draft(by, laboratory, images=images, **fields))
    for job in case.jobs.all():
        attempt = inference.claim(job.pk, "test")
        assert attempt is not None
        inference.record(attempt, answer())
    case.refresh_from_db()
    return case


def claimed(by: User, case: Case) -> Case:
    """The case in a reviewer's hands."""
    claims.claim(by, case)
    case.refresh_from_db()
    return case


def read(
    by: User, case: Case, label: str = "Pre", *, end: str | None = None, confidence: str = "high"
) -> Case:
    """A reviewer takes the case, answers, sees the model's answer and keeps the own one, or changes it to ``end``."""
    claims.claim(by, case)
    stored = reading.record_read(by, case, label=label, confidence=confidence, comment="Chromatin.")
    if not hasattr(stored, "conclusion"):
        reading.conclude(by, case, label=end or label, confidence=confidence, reason="Looked again.")
    case.refresh_from_db()
    return case


def signed(by: User, case: Case, label: str = "Pre") -> Case:
    """The case read and its report signed by the same reviewer."""
    reports.sign(by, read(by, case, label), secret=PASSWORD)
    case.refresh_from_db()
    return case
