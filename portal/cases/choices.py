"""States and labels of a case, with their words, icons and allowed ways from one to the next."""

from datetime import timedelta

from django.db import models
from django.utils.translation import gettext_lazy as _


class CaseState(models.TextChoices):
    """The state of a case. ``TRANSITIONS`` says what may follow; a database trigger holds it."""

    DRAFT = "draft", _("Draft")
    SUBMITTED = "submitted", _("Submitted")
    ANALYSING = "analysing", _("Analysing")
    AWAITING_READ = "awaiting_read", _("Awaiting read")
    IN_READING = "in_reading", _("In reading")
    AWAITING_SECOND_READ = "awaiting_second_read", _("Awaiting second read")
    ADJUDICATION = "adjudication", _("Adjudication")
    READY_TO_SIGN = "ready_to_sign", _("Ready to sign")
    REPORTED = "reported", _("Reported")
    AMENDED = "amended", _("Amended")
    RETURNED = "returned", _("Returned")
    CANCELLED = "cancelled", _("Cancelled")


S = CaseState
TRANSITIONS: dict[str, tuple[str, ...]] = {
    S.DRAFT: (S.SUBMITTED, S.CANCELLED),
    S.SUBMITTED: (S.ANALYSING, S.AWAITING_READ, S.CANCELLED),
    S.ANALYSING: (S.AWAITING_READ, S.CANCELLED),
    S.AWAITING_READ: (S.IN_READING, S.RETURNED, S.CANCELLED),
    S.IN_READING: (S.AWAITING_READ, S.AWAITING_SECOND_READ, S.ADJUDICATION, S.READY_TO_SIGN, S.RETURNED),
    S.AWAITING_SECOND_READ: (S.IN_READING, S.ADJUDICATION, S.READY_TO_SIGN),
    S.ADJUDICATION: (S.READY_TO_SIGN, S.RETURNED),
    S.READY_TO_SIGN: (S.REPORTED, S.IN_READING),
    S.REPORTED: (S.AMENDED,),
    S.AMENDED: (S.AMENDED,),
    S.RETURNED: (S.SUBMITTED, S.CANCELLED),
    S.CANCELLED: (),
}

#: bootstrap-icons name and tone of each state's chip; the label is always shown next to them.
STATE_ICONS: dict[str, str] = {
    S.DRAFT: "pencil",
    S.SUBMITTED: "inbox",
    S.ANALYSING: "cpu",
    S.AWAITING_READ: "eye",
    S.IN_READING: "person-lines-fill",
    S.AWAITING_SECOND_READ: "people",
    S.ADJUDICATION: "signpost-split",
    S.READY_TO_SIGN: "pen",
    S.REPORTED: "check2-circle",
    S.AMENDED: "journal-text",
    S.RETURNED: "arrow-counterclockwise",
    S.CANCELLED: "x-circle",
}
STATE_TONES: dict[str, str] = {
    S.DRAFT: "neutral",
    S.SUBMITTED: "progress",
    S.ANALYSING: "progress",
    S.AWAITING_READ: "action",
    S.IN_READING: "action",
    S.AWAITING_SECOND_READ: "action",
    S.ADJUDICATION: "attention",
    S.READY_TO_SIGN: "action",
    S.REPORTED: "done",
    S.AMENDED: "done",
    S.RETURNED: "attention",
    S.CANCELLED: "neutral",
}

#: While a case is in one of these, the machine is at work and a page may expect news.
UNDER_ANALYSIS = frozenset({S.SUBMITTED, S.ANALYSING})
#: A reviewer may take the case in these, to read it or to adjudicate.
CLAIMABLE = frozenset({S.AWAITING_READ, S.AWAITING_SECOND_READ, S.ADJUDICATION})
#: A reviewer has something to do with the case in these.
UNDER_READING = CLAIMABLE | {S.IN_READING, S.READY_TO_SIGN}
#: An administrator may mean the case for a reviewer in these.
ASSIGNABLE = UNDER_ANALYSIS | CLAIMABLE | {S.IN_READING}
#: Nobody waits for a case any more in these.
SETTLED = frozenset({S.REPORTED, S.AMENDED, S.CANCELLED})
#: Photographs and fields may change in these.
EDITABLE = frozenset({S.DRAFT, S.RETURNED})
SIGNED = frozenset({S.REPORTED, S.AMENDED})


class Priority(models.TextChoices):
    ROUTINE = "routine", _("Routine")
    URGENT = "urgent", _("Urgent")
    STAT = "stat", _("STAT")


#: The order of a worklist: the most pressing first.
PRIORITY_ORDER: tuple[str, ...] = (Priority.STAT, Priority.URGENT, Priority.ROUTINE)

#: A case that waits for longer than this since it was submitted is marked in the lists.
LONG_WAIT: dict[str, timedelta] = {
    Priority.STAT: timedelta(hours=1),
    Priority.URGENT: timedelta(hours=4),
    Priority.ROUTINE: timedelta(hours=24),
}


class Specimen(models.TextChoices):
    PERIPHERAL_BLOOD = "peripheral_blood", _("Peripheral blood")
    BONE_MARROW = "bone_marrow", _("Bone marrow aspirate")
    CSF = "csf", _("Cerebrospinal fluid")
    OTHER = "other", _("Other")


class Stain(models.TextChoices):
    MAY_GRUNWALD_GIEMSA = "may_grunwald_giemsa", _("May-Grünwald-Giemsa")
    WRIGHT_GIEMSA = "wright_giemsa", _("Wright-Giemsa")
    WRIGHT = "wright", _("Wright")
    GIEMSA = "giemsa", _("Giemsa")
    LEISHMAN = "leishman", _("Leishman")
    OTHER = "other", _("Other")


class Magnification(models.TextChoices):
    X10 = "10x", "10×"
    X20 = "20x", "20×"
    X40 = "40x", "40×"
    X50 = "50x", _("50× (oil)")
    X60 = "60x", "60×"
    X100 = "100x", _("100× (oil)")


#: The tab of the worklist with what waits for the person alone; addresses hold it.
MINE = "mine"
