"""Markers: places on a photograph, with a note."""

import uuid

import pghistory
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.accounts.models import User
from portal.cases.models import SmearImage
from portal.text_fields import LineField

NOTE_LENGTH = 500


@pghistory.track(pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent())
class Marker(models.Model):
    """A place that somebody points at. A removed one is kept, so that the trail can say what it was."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # A photograph can only be removed from a draft; what was pointed at goes with it.
    image = models.ForeignKey(SmearImage, on_delete=models.CASCADE, related_name="markers")
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    by_reader = models.BooleanField(
        help_text=_("whether the author could read cases: then it is as blind as the author's answer")
    )
    x = models.FloatField(help_text=_("from the left edge, as a share of the width"))
    y = models.FloatField(help_text=_("from the upper edge, as a share of the height"))
    note = LineField(_("note"), max_length=NOTE_LENGTH, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(x__range=(0.0, 1.0), y__range=(0.0, 1.0)), name="marker_on_the_photograph"
            )
        ]

    def __str__(self) -> str:
        return f"{self.author} on {self.image}"
