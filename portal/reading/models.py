"""Reads: what a person says about a case."""

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.accounts.models import User
from portal.cases.models import Case
from portal.reading.choices import Confidence, ReadLabel


class Read(models.Model):
    """One reviewer's answer to a case, with what the model had said when it was given. Never changed."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="reads")
    reader = models.ForeignKey(User, on_delete=models.PROTECT, related_name="reads")
    label = models.CharField(_("answer"), max_length=16, choices=ReadLabel.choices)
    confidence = models.CharField(_("confidence"), max_length=8, choices=Confidence.choices)
    comment = models.TextField(_("comment"), max_length=4000, blank=True)
    model_label = models.CharField(
        max_length=16, blank=True, help_text=_("the model's answer for the case, empty where it had none")
    )
    model_seen = models.BooleanField(
        default=True, help_text=_("whether the reader saw the model's answer first")
    )
    seconds = models.FloatField(null=True, help_text=_("from opening the case to the answer"))
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["created_at"]
        constraints = [
            models.CheckConstraint(condition=Q(label__in=ReadLabel.values), name="read_label_known"),
            models.CheckConstraint(
                condition=Q(confidence__in=Confidence.values), name="read_confidence_known"
            ),
        ]
        triggers = [pgtrigger.Protect(name="read_append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.get_label_display()} by {self.reader}"

    @property
    def agrees(self) -> bool | None:
        """Whether reader and model say the same; None where the model had no answer."""
        return None if not self.model_label else self.label == self.model_label
