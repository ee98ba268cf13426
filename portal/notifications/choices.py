"""What people are told about."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Kind(models.TextChoices):
    """Why somebody is told something about a case."""

    CASE_RETURNED = "case_returned", _("Case returned")
    REPORT_SIGNED = "report_signed", _("Report signed")
    REPORT_AMENDED = "report_amended", _("Report amended")
    URGENT_FINDING = "urgent_finding", _("Urgent finding")
    CASES_ASSIGNED = "cases_assigned", _("Cases assigned")
    CLAIM_TAKEN_OVER = "claim_taken_over", _("Case taken over")
    ADJUDICATED = "adjudicated", _("Case adjudicated")
