"""Diagnoses: what is kept at the end, with everything that led to it."""

import pghistory
import pgtrigger
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.accounts.models import Laboratory, User
from portal.cases.models import Case
from portal.cases.search import document
from portal.reading.choices import Confidence, ReadLabel
from portal.reading.models import Read
from portal.reports.choices import SignMethod
from portal.text_fields import LineField, LinesField

#: What a search of the cases finds of a signed report.
DIAGNOSIS_DOCUMENT = document("comment")


class Diagnosis(models.Model):
    """A signed version of a case's report. Never changed: an amendment is a further version.

    ``content`` is the report as it was signed, the signature included (``portal.reports.content``); ``sha256`` is over
    its canonical JSON. Versions from before reports were signed that way have neither.
    """

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="diagnoses")
    version = models.PositiveSmallIntegerField(default=1)
    read = models.ForeignKey(
        Read,
        on_delete=models.PROTECT,
        related_name="diagnoses",
        help_text=_("the read whose conclusion was signed"),
    )
    label = models.CharField(_("diagnosis"), max_length=16, choices=ReadLabel.choices)
    confidence = models.CharField(_("confidence"), max_length=8, choices=Confidence.choices)
    comment = LinesField(_("comment"), blank=True)
    signed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    signed_at = models.DateTimeField(default=timezone.now)
    meaning = models.CharField(_("meaning of the signature"), max_length=200, blank=True)
    method = models.CharField(_("identity proved by"), max_length=8, choices=SignMethod.choices, blank=True)
    reason = LinesField(_("reason for the amendment"), max_length=2000, blank=True)
    content = models.JSONField(default=dict, help_text=_("the report as it was signed"))
    sha256 = models.CharField(max_length=64, blank=True, help_text=_("over the content's canonical JSON"))
    model_record = models.JSONField(help_text=_("what the model had said about the case and each photograph"))

    class Meta:
        ordering = ["-version"]
        verbose_name_plural = "diagnoses"
        constraints = [models.UniqueConstraint(fields=["case", "version"], name="diagnosis_version_once")]
        indexes = [GinIndex(DIAGNOSIS_DOCUMENT, name="diagnosis_words")]
        triggers = [
            pgtrigger.Protect(name="diagnosis_append_only", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return f"{self.case.accession}: {self.get_label_display()}"


@pghistory.track()
class Alert(models.Model):
    """An urgent finding that a named person is notified of and has to acknowledge."""

    diagnosis = models.OneToOneField(Diagnosis, on_delete=models.PROTECT, related_name="alert")
    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="alerts")
    raised_at = models.DateTimeField(auto_now_add=True)
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    note = LineField(_("note"), max_length=500, blank=True)

    class Meta:
        ordering = ["-raised_at"]
        indexes = [
            models.Index(fields=["person"], condition=models.Q(acknowledged_at=None), name="open_alerts")
        ]

    def __str__(self) -> str:
        return f"{self.diagnosis} for {self.person}"


class ReviewedExport(models.Model):
    """A data set of signed cases that was written for training: what was asked for and what went out. Never changed."""

    created_at = models.DateTimeField(auto_now_add=True)
    exported_by = models.CharField(max_length=150, help_text=_("the system's user who ran the command"))
    laboratory = models.ForeignKey(
        Laboratory,
        on_delete=models.PROTECT,
        null=True,
        related_name="reviewed_exports",
        help_text=_("empty where all laboratories were asked for"),
    )
    since = models.DateField(null=True)
    include_disputed = models.BooleanField()
    cases = models.PositiveIntegerField()
    photographs = models.PositiveIntegerField()
    manifest_sha256 = models.CharField(max_length=64)

    class Meta:
        ordering = ["-created_at"]
        triggers = [
            pgtrigger.Protect(
                name="reviewed_export_append_only", operation=pgtrigger.Update | pgtrigger.Delete
            )
        ]

    def __str__(self) -> str:
        return f"{self.photographs} photographs of {self.cases} cases"
