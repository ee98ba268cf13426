"""How a laboratory reads, who holds a case, and what people say about it."""

import pghistory
import pgtrigger
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.accounts.models import Laboratory, User
from portal.cases.models import Case, SmearImage
from portal.reading.choices import BY_CLOCK, Blindness, ClaimEnd, Confidence, ReadKind, ReadLabel, SecondRead
from portal.text_fields import LinesField
from smear.likeness import HASH_BYTES

NEVER_CHANGED = pgtrigger.Update | pgtrigger.Delete


@pghistory.track()
class ReadingPolicy(models.Model):
    """How a laboratory has its cases read. A laboratory without a row reads by the defaults."""

    laboratory = models.OneToOneField(Laboratory, on_delete=models.CASCADE, related_name="reading_policy")
    blindness = models.CharField(
        _("the model's answer"), max_length=12, choices=Blindness.choices, default=Blindness.BLIND
    )
    second_read = models.CharField(
        _("second read"), max_length=8, choices=SecondRead.choices, default=SecondRead.NEVER
    )
    second_read_share = models.PositiveSmallIntegerField(
        _("share of the cases"),
        default=10,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
        help_text=_("percent; used where a random share is read twice"),
    )
    claim_minutes = models.PositiveSmallIntegerField(
        _("minutes a case stays with its reader"),
        default=30,
        validators=[MinValueValidator(5), MaxValueValidator(480)],
        help_text=_("After this time without activity, other reviewers can take the case."),
    )
    alert_contact = models.ForeignKey(
        User,
        verbose_name=_("person notified of urgent findings"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text=_("The person who filed the case, if nobody is named."),
    )

    class Meta:
        verbose_name_plural = "reading policies"
        constraints = [
            models.CheckConstraint(
                condition=Q(blindness__in=Blindness.values), name="policy_blindness_known"
            ),
            models.CheckConstraint(
                condition=Q(second_read__in=SecondRead.values), name="policy_second_read_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.laboratory}: {self.blindness}, second read {self.second_read}"


@pghistory.track()
class Claim(models.Model):
    """A case in one reviewer's hands for a while. A case has at most one that is open."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="claims")
    reader = models.ForeignKey(User, on_delete=models.PROTECT, related_name="claims")
    claimed_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_why = models.CharField(max_length=12, choices=ClaimEnd.choices, blank=True)

    class Meta:
        # Rows of the same moment are listed in the order in which they were written.
        ordering = ["claimed_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["case"], condition=Q(ended_at=None), name="one_open_claim_per_case"
            ),
        ]
        indexes = [models.Index(fields=["reader"], condition=Q(ended_at=None), name="open_claims_of_reader")]

    def __str__(self) -> str:
        return f"{self.case.accession} with {self.reader}"

    @property
    def is_open(self) -> bool:
        return self.ended_at is None and self.expires_at > timezone.now()


class Read(models.Model):
    """One reviewer's own answer to a case, as it was before anything was revealed. Never changed.

    What the reader says after the model's answer was shown is its ``Conclusion``.
    """

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="reads")
    reader = models.ForeignKey(User, on_delete=models.PROTECT, related_name="reads")
    round = models.PositiveSmallIntegerField(default=1, help_text=_("the submission that was read"))
    kind = models.CharField(_("kind"), max_length=12, choices=ReadKind.choices, default=ReadKind.FIRST)
    label = models.CharField(_("answer"), max_length=16, choices=ReadLabel.choices)
    confidence = models.CharField(_("confidence"), max_length=8, choices=Confidence.choices)
    comment = LinesField(_("comment"), max_length=4000, blank=True)
    model_label = models.CharField(
        max_length=16, blank=True, help_text=_("the model's answer for the case, empty where it had none")
    )
    model_seen = models.BooleanField(
        default=True,
        help_text=_("whether the reader had been shown the model's answer about a photograph of the case"),
    )
    seconds = models.FloatField(null=True, help_text=_("from opening the case to the answer"))
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["created_at", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["case", "round", "reader"], name="one_read_per_reader_and_round"),
            models.UniqueConstraint(fields=["case", "round", "kind"], name="one_read_of_a_kind_per_round"),
            models.CheckConstraint(condition=Q(label__in=ReadLabel.values), name="read_label_known"),
            models.CheckConstraint(condition=Q(kind__in=ReadKind.values), name="read_kind_known"),
            models.CheckConstraint(
                condition=Q(confidence__in=Confidence.values), name="read_confidence_known"
            ),
        ]
        triggers = [pgtrigger.Protect(name="read_append_only", operation=NEVER_CHANGED)]

    def __str__(self) -> str:
        return f"{self.get_label_display()} by {self.reader}"

    @property
    def is_concluded(self) -> bool:
        """Whether the reader has said the last word on it; asks the database where ``conclusion`` is not loaded."""
        return hasattr(self, "conclusion")

    @property
    def agrees(self) -> bool | None:
        """Whether the reader's own answer is the model's; None where the model had none."""
        return None if not self.model_label else self.label == self.model_label


class ImageRead(models.Model):
    """The answer to one photograph within a read. Never changed."""

    read = models.ForeignKey(Read, on_delete=models.PROTECT, related_name="image_reads")
    image = models.ForeignKey(SmearImage, on_delete=models.PROTECT, related_name="image_reads")
    label = models.CharField(_("answer"), max_length=16, choices=ReadLabel.choices)

    class Meta:
        ordering = ["image__position"]
        constraints = [
            models.UniqueConstraint(fields=["read", "image"], name="one_answer_per_read_and_image"),
            models.CheckConstraint(condition=Q(label__in=ReadLabel.values), name="image_read_label_known"),
        ]
        triggers = [pgtrigger.Protect(name="image_read_append_only", operation=NEVER_CHANGED)]

    def __str__(self) -> str:
        return f"{self.image_id}: {self.label}"


class Conclusion(models.Model):
    """A reader's final answer: their own kept, or changed with a reason. Never changed."""

    read = models.OneToOneField(Read, on_delete=models.PROTECT, related_name="conclusion")
    label = models.CharField(_("answer"), max_length=16, choices=ReadLabel.choices)
    confidence = models.CharField(_("confidence"), max_length=8, choices=Confidence.choices)
    reason = LinesField(_("reason"), max_length=4000, blank=True)
    is_by_clock = models.BooleanField(
        default=False, help_text=_("the reader never came back, and the answer given before became final")
    )
    seconds = models.FloatField(null=True, help_text=_("from the model's answer to the conclusion"))
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(label__in=ReadLabel.values), name="conclusion_label_known"),
            models.CheckConstraint(
                condition=Q(confidence__in=Confidence.values), name="conclusion_confidence_known"
            ),
        ]
        triggers = [pgtrigger.Protect(name="conclusion_append_only", operation=NEVER_CHANGED)]

    def __str__(self) -> str:
        return f"{self.get_label_display()} in the end"

    @property
    def changed(self) -> bool:
        """Whether the reader changed their own answer."""
        return self.label != self.read.label

    @property
    def reason_words(self) -> str:
        """The reader's reason, or in words of the language in use that there is none because nobody came back."""
        return str(BY_CLOCK) if self.is_by_clock else self.reason


class Exposure(models.Model):
    """A person was shown the model's answer about a picture. It stays when the picture is removed; never changed.

    Written by ``reading.exposure.record`` alone.
    """

    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="exposures")
    pixel_sha256 = models.CharField(max_length=64)
    perceptual_hash = models.BinaryField(max_length=HASH_BYTES, null=True)
    first_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "pixel_sha256"], name="exposure_once_per_picture")
        ]
        triggers = [pgtrigger.Protect(name="exposure_append_only", operation=NEVER_CHANGED)]

    def __str__(self) -> str:
        return f"{self.person} saw the answer about {self.pixel_sha256[:8]}"


class Return(models.Model):
    """A case sent back to the person who filed it, with what is missing. Never changed."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="returns")
    round = models.PositiveSmallIntegerField()
    returned_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    missing = LinesField(_("what is missing"), max_length=2000)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        triggers = [pgtrigger.Protect(name="return_append_only", operation=NEVER_CHANGED)]

    def __str__(self) -> str:
        return f"{self.case.accession} returned"
