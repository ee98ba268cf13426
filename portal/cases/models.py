"""Cases and their smear images."""

import math
import uuid
from typing import Any

import pghistory
import pgtrigger
from django.contrib.postgres.indexes import GinIndex
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Case as Switch
from django.db.models import Q, Value, When
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from portal.accounts.models import Laboratory, User
from portal.cases.choices import (
    PRIORITY_ORDER,
    TRANSITIONS,
    CaseState,
    Magnification,
    Priority,
    Specimen,
    Stain,
)
from portal.cases.search import document
from portal.text_fields import LineField, LinesField
from portal.words import all_in_words
from smear.contract import Message
from smear.likeness import HASH_BYTES

#: The lowest and the highest scale that a microscope's photograph can have.
MICRONS_PER_PIXEL = (0.01, 10.0)
_SCALE_REFUSAL = _("State the micrometres per pixel as a number from 0.01 to 10, or leave it empty.")


def validate_number(value: float) -> None:
    """Refuse what is not a number: it would pass every comparison that follows."""
    if math.isnan(value):
        raise ValidationError(_SCALE_REFUSAL)


class AccessionCounter(models.Model):
    """The last accession number a laboratory gave out in a year; its row lock keeps them gapless and unique."""

    laboratory = models.ForeignKey(Laboratory, on_delete=models.CASCADE)
    year = models.PositiveSmallIntegerField()
    last = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["laboratory", "year"], name="one_counter_per_year")]

    def __str__(self) -> str:
        return f"{self.laboratory} {self.year}: {self.last}"


class CaseQuerySet(models.QuerySet["Case"]):
    def by_urgency(self, *before: Any) -> "CaseQuerySet":
        """What ``before`` says, then the most pressing first, then the longest waiting."""
        whens = [When(priority=priority, then=Value(place)) for place, priority in enumerate(PRIORITY_ORDER)]
        return self.order_by(*before, Switch(*whens, default=Value(len(whens))), "submitted_at", "created_at")


#: What a search of the cases looks through, besides the comments of signed reports.
CASE_DOCUMENT = document("accession", "patient_pseudonym", "clinical_note")


@pghistory.track()
class Case(models.Model):
    """One patient's smear photographs on their way to a signed diagnosis."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    laboratory = models.ForeignKey(Laboratory, on_delete=models.PROTECT, related_name="cases")
    accession = LineField(_("accession"), max_length=24, editable=False)
    patient_pseudonym = LineField(
        _("patient pseudonym"),
        max_length=64,
        help_text=_("The laboratory's code for the patient. No name, no date of birth."),
    )
    specimen = models.CharField(_("specimen"), max_length=24, choices=Specimen.choices)
    stain = models.CharField(_("stain"), max_length=24, choices=Stain.choices, blank=True)
    magnification = models.CharField(
        _("magnification"), max_length=8, choices=Magnification.choices, blank=True
    )
    microns_per_pixel = models.FloatField(
        _("micrometres per pixel"),
        null=True,
        blank=True,
        validators=[
            validate_number,
            MinValueValidator(MICRONS_PER_PIXEL[0], _SCALE_REFUSAL),
            MaxValueValidator(MICRONS_PER_PIXEL[1], _SCALE_REFUSAL),
        ],
        help_text=_(
            "Lets readers measure. A camera with pixels of 6.5 µm behind a 100× objective gives 0.065. "
            "Leave it empty if you do not know it."
        ),
    )
    clinical_note = LinesField(_("clinical note"), max_length=4000, blank=True)
    priority = models.CharField(
        _("priority"), max_length=8, choices=Priority.choices, default=Priority.ROUTINE, db_index=True
    )
    state = models.CharField(_("state"), max_length=24, choices=CaseState.choices, default=CaseState.DRAFT)
    #: A message of ``smear.contract`` as JSON, null where there is none.
    no_preclassification_reason = models.JSONField(
        null=True, blank=True, help_text=_("Why the model has not answered, if it has not.")
    )
    round = models.PositiveSmallIntegerField(
        default=1, help_text=_("how often it was submitted; reads of an earlier round no longer count")
    )
    assigned_to = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="assigned_cases"
    )
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    submitted_at = models.DateTimeField(null=True, blank=True)
    state_changed_at = models.DateTimeField(auto_now_add=True)

    objects = CaseQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["laboratory", "accession"], name="accession_unique_in_laboratory"
            ),
            models.CheckConstraint(condition=Q(state__in=CaseState.values), name="case_state_known"),
            models.CheckConstraint(
                condition=Q(microns_per_pixel=None) | Q(microns_per_pixel__range=MICRONS_PER_PIXEL),
                name="case_scale_within_reason",
            ),
            models.CheckConstraint(
                condition=Q(state__in=[CaseState.DRAFT, CaseState.CANCELLED]) | Q(submitted_at__isnull=False),
                name="case_submitted_has_a_time",
            ),
        ]
        indexes = [
            models.Index(fields=["laboratory", "state", "-created_at"]),
            models.Index(fields=["laboratory", "-created_at"]),
            GinIndex(CASE_DOCUMENT, name="case_words"),
        ]
        triggers = [
            pgtrigger.FSM(
                name="case_state_machine",
                field="state",
                transitions=[
                    (old, new) for old, following in TRANSITIONS.items() for new in following if old != new
                ],
            ),
        ]

    def __str__(self) -> str:
        return str(self.accession)


def image_path(image: "SmearImage", _name: str) -> str:
    """A name of our own: what the file was called may hold a patient's name."""
    return f"cases/{image.case_id}/{image.pk}.{image.extension}"


def thumbnail_path(image: "SmearImage", _name: str) -> str:
    return f"cases/{image.case_id}/{image.pk}.thumb.jpg"


@pghistory.track(
    pghistory.InsertEvent(),
    pghistory.UpdateEvent(),
    pghistory.DeleteEvent(),
    exclude=["file", "thumbnail", "perceptual_hash"],
)
class SmearImage(models.Model):
    """One photograph of a field, decoded, turned upright and stored without metadata."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="images")
    position = models.PositiveSmallIntegerField()
    file = models.FileField(upload_to=image_path, max_length=200)
    thumbnail = models.FileField(upload_to=thumbnail_path, max_length=200)
    extension = models.CharField(max_length=8)
    content_type = models.CharField(max_length=32)
    width = models.PositiveIntegerField(help_text=_("pixels"))
    height = models.PositiveIntegerField(help_text=_("pixels"))
    size = models.PositiveIntegerField(help_text=_("bytes as stored"))
    pixel_sha256 = models.CharField(
        max_length=64, help_text=_("over the pixels, whatever the file around them")
    )
    perceptual_hash = models.BinaryField(
        max_length=HASH_BYTES, null=True, help_text=_("of smear.likeness; null where the thumbnail was lost")
    )
    #: Messages of ``smear.contract``, each as JSON.
    notices = models.JSONField(default=list, blank=True)
    quality = models.JSONField(
        null=True, blank=True, help_text=_("measures and reasons of smear.quality; null where never measured")
    )
    uploaded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["case", "pixel_sha256"], name="photograph_once_per_case"),
            models.UniqueConstraint(fields=["case", "position"], name="position_once_per_case"),
        ]

    def __str__(self) -> str:
        return f"{self.case.accession} #{self.position}"

    @property
    def quality_warnings(self) -> list[str]:
        """What may be wrong with the photograph, in words; empty where nothing is or it was never measured."""
        return all_in_words(Message(reason) for reason in (self.quality or {}).get("reasons", ()))

    @property
    def notice_words(self) -> list[str]:
        """The notices about the photograph, in words."""
        return all_in_words(self.notices)

    @property
    def was_submitted(self) -> bool:
        """Whether the case was submitted with this photograph: then it is kept, since somebody may have seen it."""
        handed_over = self.case.submitted_at
        return handed_over is not None and self.created_at <= handed_over

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise TypeError("Use cases.services.remove_image: it checks the state and removes the files.")


class SavedFilter(models.Model):
    """A worklist somebody comes back to: the filters of its address under a name."""

    NAME_LENGTH = 60
    QUERY_LENGTH = 1000

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="saved_filters")
    name = LineField(_("name"), max_length=NAME_LENGTH)
    query = models.CharField(
        max_length=QUERY_LENGTH, help_text=_("the filters as a query string, in one order")
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint("user", Lower("name"), name="saved_filter_name_once"),
            models.UniqueConstraint(fields=["user", "query"], name="saved_filter_query_once"),
        ]

    def __str__(self) -> str:
        return str(self.name)
