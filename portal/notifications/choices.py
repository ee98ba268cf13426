"""What people are notified of, and which of it cannot wait for the digest."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Kind(models.TextChoices):
    """Why somebody is notified about a case."""

    CASE_RETURNED = "case_returned", _("Case returned")
    REPORT_SIGNED = "report_signed", _("Report signed")
    REPORT_AMENDED = "report_amended", _("Report amended")
    URGENT_FINDING = "urgent_finding", _("Urgent finding")
    URGENT_REMINDER = "urgent_reminder", _("Urgent finding not acknowledged in time")
    CASES_ASSIGNED = "cases_assigned", _("Cases assigned")
    CLAIM_TAKEN_OVER = "claim_taken_over", _("Case taken over")
    ADJUDICATED = "adjudicated", _("Case adjudicated")


#: Mailed at once whatever the person chose.
URGENT = frozenset({Kind.URGENT_FINDING, Kind.URGENT_REMINDER})
#: Mailed at once to everybody who gets mail: the case does not proceed until the person acts.
AT_ONCE = URGENT | {Kind.CASE_RETURNED}
