"""Diagnoses: what is kept at the end, with everything that led to it."""

import pgtrigger
from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.accounts.models import User
from portal.cases.models import Case
from portal.reading.choices import Confidence, ReadLabel
from portal.reading.models import Read


class Diagnosis(models.Model):
    """A version of a case's diagnosis. Never changed: an amendment is a further version."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="diagnoses")
    version = models.PositiveSmallIntegerField(default=1)
    read = models.OneToOneField(Read, on_delete=models.PROTECT, related_name="diagnosis")
    label = models.CharField(_("diagnosis"), max_length=16, choices=ReadLabel.choices)
    confidence = models.CharField(_("confidence"), max_length=8, choices=Confidence.choices)
    comment = models.TextField(_("comment"), blank=True)
    signed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    signed_at = models.DateTimeField(auto_now_add=True)
    model_record = models.JSONField(help_text=_("what the model had said about the case and each photograph"))

    class Meta:
        ordering = ["-version"]
        verbose_name_plural = "diagnoses"
        constraints = [models.UniqueConstraint(fields=["case", "version"], name="diagnosis_version_once")]
        triggers = [
            pgtrigger.Protect(name="diagnosis_append_only", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return f"{self.case.accession}: {self.get_label_display()}"
