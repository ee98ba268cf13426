"""Model versions, jobs, attempts, predictions and quick looks: the record of what the model said."""

import uuid

import numpy as np
import pghistory
import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.accounts.models import Laboratory, User
from portal.cases.models import Case, SmearImage
from portal.inference.choices import JOB_TRANSITIONS, OPEN_STATES, JobState, Outcome, ReferReason
from portal.text_fields import LineField
from smear import contract
from smear.classes import CLASSES
from smear.likeness import HASH_BYTES
from smear.refer import ReferRule


@pghistory.track(exclude=["card"])
class ModelVersion(models.Model):
    """One version of the model in the Triton repository, by the hash of its weights."""

    name = LineField(max_length=64)
    version = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64, help_text=_("of the weights file"))
    labels = models.JSONField(default=list)
    outlier_threshold = models.FloatField(help_text=_("above this the answer is 'refer'"))
    refer_rule = models.JSONField(
        default=dict, help_text=_("the card's conformal sets and least confidence; empty: only outliers")
    )
    gate = models.JSONField(
        default=dict, help_text=_("the result of the version's gate when it was registered; empty: none")
    )
    despite_gate = LineField(
        max_length=500, blank=True, help_text=_("why it is used although its gate has not passed")
    )
    card = models.JSONField(default=dict, help_text=_("the version's model card"))
    is_active = models.BooleanField(default=False, help_text=_("new cases are sent to it"))
    registered_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["name", "version"], name="model_version_once"),
            models.UniqueConstraint(
                fields=["name"], condition=Q(is_active=True), name="one_active_version_per_model"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"

    def rule(self) -> ReferRule:
        """When an answer of this version is *refer*."""
        return ReferRule.from_card(
            {"refer_rule": self.refer_rule, "outlier_threshold": self.outlier_threshold}
        )


class Job(models.Model):
    """The order to have one photograph classified by one model version. This row is the truth, not the queue."""

    image = models.ForeignKey(SmearImage, on_delete=models.CASCADE, related_name="jobs")
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="jobs")
    model_version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="jobs")
    state = models.CharField(max_length=8, choices=JobState.choices, default=JobState.QUEUED)
    queued_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True, help_text=_("last handed to the broker"))
    not_before = models.DateTimeField(null=True, help_text=_("back-off after a failed try"))
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    attempt_count = models.PositiveSmallIntegerField(default=0)
    #: A message of ``smear.contract`` as JSON, null where there is none.
    error = models.JSONField(null=True, blank=True)

    class Meta:
        ordering = ["image__position"]
        constraints = [
            models.UniqueConstraint(fields=["image", "model_version"], name="one_job_per_image_and_version"),
            models.CheckConstraint(condition=Q(state__in=JobState.values), name="job_state_known"),
        ]
        indexes = [
            models.Index(fields=["state", "queued_at"], condition=Q(state__in=OPEN_STATES), name="open_jobs"),
        ]
        triggers = [pgtrigger.FSM(name="job_state_machine", field="state", transitions=list(JOB_TRANSITIONS))]

    def __str__(self) -> str:
        return f"job {self.pk} ({self.state})"


class Attempt(models.Model):
    """One try at a job."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="attempts")
    number = models.PositiveSmallIntegerField()
    worker = models.CharField(max_length=120)
    started_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=12, choices=Outcome.choices, blank=True)
    #: A message of ``smear.contract`` as JSON, null where there is none.
    error = models.JSONField(null=True, blank=True)

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["job", "number"], name="attempt_number_once_per_job")]

    def __str__(self) -> str:
        return f"attempt {self.number} of {self.job_id}"


class ModelAnswer(models.Model):
    """What the model says about one photograph. Arrays are half-precision, row-major, little-endian."""

    label = models.CharField(max_length=16)
    probabilities = ArrayField(models.FloatField(), size=len(CLASSES))
    activation_map = models.BinaryField(help_text=_("float16 [4, 14, 14]"))
    embedding = models.BinaryField(help_text=_("float16 [512]"))
    outlier_score = models.FloatField()
    prediction_set = ArrayField(
        models.CharField(max_length=16),
        default=list,
        db_default=[],  # a worker of the release before may still write during an upgrade
        help_text=_("classes that cannot be ruled out at the level of the version's refer rule"),
    )
    refer_reasons = ArrayField(
        models.CharField(max_length=16),
        default=list,
        db_default=[],
        help_text=_("why the answer is 'refer'; empty in answers older than the reasons"),
    )
    refer = models.BooleanField(help_text=_("whether there is any reason"))
    seconds = models.FloatField(help_text=_("from claiming the job to the answer"))

    class Meta:
        abstract = True

    def probability_of(self) -> dict[str, float]:
        """Probability by class label, in the model's order."""
        return dict(zip(CLASSES, self.probabilities, strict=True))

    def reasons(self) -> list[ReferReason]:
        """Why the answer is *refer*, the gravest first. Before reasons were stored, there was one: an outlier."""
        if self.refer and not self.refer_reasons:
            return [ReferReason.OUTLIER]
        return [ReferReason(reason) for reason in self.refer_reasons]

    def activation(self) -> np.ndarray:
        """The class activation map, float32 [4, 14, 14]."""
        stored = np.frombuffer(bytes(self.activation_map), dtype="<f2")
        return stored.reshape(contract.ACTIVATION_MAP.shape).astype(np.float32)


class Prediction(ModelAnswer):
    """The stored answer for one job; never changed, never removed."""

    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="prediction")
    image = models.ForeignKey(SmearImage, on_delete=models.PROTECT, related_name="predictions")
    model_version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="predictions")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["image__position"]
        constraints = [
            models.UniqueConstraint(
                fields=["image", "model_version"], name="one_prediction_per_image_and_version"
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="prediction_append_only", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return f"{self.label} for {self.image_id}"


def quick_look_path(quick_look: "QuickLook", _name: str) -> str:
    return f"quick-looks/{quick_look.pk}.{quick_look.extension}"


def quick_look_thumbnail_path(quick_look: "QuickLook", _name: str) -> str:
    return f"quick-looks/{quick_look.pk}.thumb.jpg"


class QuickLook(models.Model):
    """One photograph looked at outside any case; row and files are removed when it expires."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    laboratory = models.ForeignKey(Laboratory, on_delete=models.CASCADE, related_name="+")
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="quick_looks")
    model_version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="+")
    file = models.FileField(upload_to=quick_look_path, max_length=200)
    thumbnail = models.FileField(upload_to=quick_look_thumbnail_path, max_length=200)
    extension = models.CharField(max_length=8)
    content_type = models.CharField(max_length=32)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    size = models.PositiveIntegerField()
    pixel_sha256 = models.CharField(max_length=64)
    perceptual_hash = models.BinaryField(max_length=HASH_BYTES, null=True)
    notices = models.JSONField(default=list)
    state = models.CharField(max_length=8, choices=JobState.choices, default=JobState.QUEUED)
    #: A message of ``smear.contract`` as JSON, null where there is none.
    error = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["expires_at"])]

    def __str__(self) -> str:
        return f"quick look {self.pk}"


class QuickLookAnswer(ModelAnswer):
    """The answer to a quick look; goes with it."""

    quick_look = models.OneToOneField(QuickLook, on_delete=models.CASCADE, related_name="answer")

    def __str__(self) -> str:
        return f"{self.label} for {self.quick_look_id}"
