"""What a reader may answer, how a laboratory reads, and how a claim ends."""

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


#: Why an answer became final that its reader never came back to (``Conclusion.is_by_clock``).
BY_CLOCK = _("Not reviewed again; the answer given before the model's was shown is final.")


class Confidence(models.TextChoices):
    LOW = "low", _("Low")
    MEDIUM = "medium", _("Medium")
    HIGH = "high", _("High")


class ReadKind(models.TextChoices):
    """Whose turn a read was."""

    FIRST = "first", _("First read")
    SECOND = "second", _("Second read")
    ADJUDICATION = "adjudication", _("Adjudication")


class Blindness(models.TextChoices):
    """When a reader sees the model's answer."""

    BLIND = "blind", _("Blind first: the model's answer is shown once the reader has answered")
    CONCURRENT = "concurrent", _("Concurrent: the model's answer is shown next to the photographs")


class SecondRead(models.TextChoices):
    """When a second reviewer reads a case, without seeing the first one's answer."""

    NEVER = "never", _("Never")
    SHARE = "share", _("A random share of the cases")
    DOUBT = "doubt", _("When the reader differs from the model or is not sure")
    ALWAYS = "always", _("Always")


class ClaimEnd(models.TextChoices):
    """Why a claim is over."""

    DONE = "done", _("Read")
    RELEASED = "released", _("Given back")
    EXPIRED = "expired", _("Expired")
    TAKEN_OVER = "taken_over", _("Taken over")
    RETURNED = "returned", _("Returned to the submitter")
