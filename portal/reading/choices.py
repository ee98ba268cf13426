"""What a reader may answer."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from smear.classes import SMEAR_CLASSES


class ReadLabel(models.TextChoices):
    """The model's four classes, in its order, and two answers that are a reader's alone."""

    BENIGN = "Benign", _("Benign (haematogones)")
    EARLY = "Early", _("Early pre-B ALL")
    PRE = "Pre", _("Pre-B ALL")
    PRO = "Pro", _("Pro-B ALL")
    NONE_OF_THESE = "none_of_these", _("None of these")
    UNSUITABLE_IMAGE = "unsuitable_image", _("Unsuitable image")


if [c.label for c in SMEAR_CLASSES] != ReadLabel.values[: len(SMEAR_CLASSES)]:
    raise RuntimeError(
        "portal.reading.choices.ReadLabel must begin with the classes of smear.classes, in order."
    )


class Confidence(models.TextChoices):
    LOW = "low", _("Low")
    MEDIUM = "medium", _("Medium")
    HIGH = "high", _("High")
