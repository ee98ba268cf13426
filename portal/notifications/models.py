"""Notifications of people."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.accounts.models import User
from portal.cases.models import Case
from portal.notifications.choices import Kind


class Notification(models.Model):
    """One notification of one person about a case, on the page and by mail."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="notifications")
    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices)
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="notifications")
    by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    words = models.TextField(_("words"), max_length=2000, blank=True)
    count = models.PositiveIntegerField(default=1, help_text=_("how many cases it is about"))
    created_at = models.DateTimeField(auto_now_add=True)
    read_at = models.DateTimeField(null=True, blank=True)
    mailed_at = models.DateTimeField(null=True, blank=True)
    mail_after = models.DateTimeField(
        null=True, blank=True, help_text=_("not mailed before, since the address was refused")
    )

    class Meta:
        ordering = ["-created_at", "-pk"]
        indexes = [
            models.Index(fields=["user", "-created_at"]),
            models.Index(fields=["user"], condition=models.Q(read_at=None), name="unread_notifications"),
            models.Index(
                fields=["created_at"],
                condition=models.Q(read_at=None, mailed_at=None),
                name="unmailed_notifications",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} for {self.user}"
