"""How a signer proves who they are, and what a signature means."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class SignMethod(models.TextChoices):
    PASSWORD = "password", _("Password")
    TOTP = "totp", _("Authenticator code")


#: What the signature says; part of what is signed (21 CFR 11.50 asks for name, time and meaning).
MEANING = _("I have reviewed this case and am responsible for its conclusion.")
AMENDMENT_MEANING = _("I have reviewed this amendment and am responsible for its conclusion.")
NOTICE = _("Research use only. Not a medical device. The model advises; people decide.")
