"""People, laboratories, memberships and invitations."""

import secrets
import uuid
from datetime import datetime, timedelta
from typing import Any, ClassVar

import pghistory
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from knox.models import AbstractAuthToken

from portal.accounts.choices import Delivery, InvitationState, Language, MailChoice, Role
from portal.text_fields import AddressField, LineField


class UserManager(BaseUserManager["User"]):
    """People by their e-mail address, whatever its case."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A person who can sign in; without a password only after setting one by mail."""
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """An operator, who administers the users of every laboratory."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        """The person who signs in with this address. Raises User.DoesNotExist."""
        return self.get(email__iexact=username)


@pghistory.track(exclude=["password", "last_login"])
class User(AbstractBaseUser, PermissionsMixin):  # type: ignore[django-manager-missing] # knox has no types
    """A person who signs in with an e-mail address. A superuser administers every laboratory's users."""

    email = AddressField(_("e-mail"), unique=True)
    full_name = LineField(_("full name"), max_length=150)
    is_active = models.BooleanField(_("active"), default=True)
    is_staff = models.BooleanField(default=False)
    #: Closed by the operator: a laboratory cannot open the account again.
    is_closed = models.BooleanField(default=False)
    date_joined = models.DateTimeField(default=timezone.now)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["full_name"]

    class Meta:
        ordering = ["full_name", "email"]
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_unique_whatever_case")]

    def __str__(self) -> str:
        return str(self.full_name or self.email)

    @cached_property
    def active_memberships(self) -> list["Membership"]:
        """Where the person belongs, by the laboratories' names; asked once for each object, so once a request."""
        memberships = self.memberships.filter(is_active=True).select_related("laboratory")
        return list(memberships.order_by("laboratory__name"))

    @cached_property
    def chosen_preferences(self) -> "Preferences":
        """What the person prefers, the defaults where nothing was ever chosen."""
        return Preferences.objects.filter(user=self).first() or Preferences(user=self)

    def get_full_name(self) -> str:
        """The name as reports print it."""
        return str(self.full_name)

    def get_short_name(self) -> str:
        """The first of the names."""
        return str(self.full_name.split(" ")[0] or self.email)


class Laboratory(models.Model):
    """One tenant: what belongs to a laboratory is seen by its members only."""

    name = LineField(_("name"), max_length=120, unique=True)
    slug = models.SlugField(unique=True)
    accession_prefix = LineField(max_length=8, default="HL")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "laboratories"

    def __str__(self) -> str:
        return str(self.name)


@pghistory.track()
class Membership(models.Model):
    """A person's role in a laboratory."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="memberships")
    laboratory = models.ForeignKey(Laboratory, on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(_("role"), max_length=16, choices=Role.choices)
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["user__full_name"]
        constraints = [
            models.UniqueConstraint(fields=["user", "laboratory"], name="one_membership_per_laboratory"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="membership_role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user}, {self.get_role_display()}"


def invitation_token() -> str:
    """A default of an old migration."""
    return secrets.token_urlsafe(32)


def invitation_expiry() -> datetime:
    """When an invitation that is sent now ends."""
    return timezone.now() + timedelta(days=settings.INVITATION_DAYS)


@pghistory.track(exclude=["token_sha256"])
class Invitation(models.Model):
    """An offer of a role to an address, redeemed once by the person who holds the link that was mailed there."""

    email = AddressField(_("e-mail"))
    laboratory = models.ForeignKey(Laboratory, on_delete=models.CASCADE, related_name="invitations")
    role = models.CharField(_("role"), max_length=16, choices=Role.choices)
    #: Of the link's token, in hexadecimal. The token itself is in the link and nowhere else.
    token_sha256 = models.CharField(max_length=64, unique=True)
    #: None where the operator invites.
    invited_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(default=invitation_expiry)
    delivery = models.CharField(max_length=16, choices=Delivery.choices, default=Delivery.WAITING)
    delivered_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    accepted_at = models.DateTimeField(null=True, blank=True)
    accepted_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                "laboratory",
                Lower("email"),
                condition=models.Q(accepted_at=None, withdrawn_at=None),
                name="one_open_invitation_per_address",
            )
        ]

    def __str__(self) -> str:
        return f"{self.email}, {self.get_role_display()}"

    @property
    def state(self) -> InvitationState:
        """Whether it is open, accepted, withdrawn or expired."""
        if self.accepted_at is not None:
            return InvitationState.USED
        if self.withdrawn_at is not None:
            return InvitationState.WITHDRAWN
        return InvitationState.OPEN if self.expires_at > timezone.now() else InvitationState.EXPIRED


class ApiToken(AbstractAuthToken):
    """A bearer token of the API: knox keeps its hash and the day on which it ends; name and last use are ours."""

    #: How addresses and pages name the row: the primary key is the hash.
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = LineField(_("name"), max_length=80)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["-created"]
        constraints = [
            models.UniqueConstraint("user", Lower("name"), name="one_token_of_a_name"),
        ]

    def __str__(self) -> str:
        return f"{self.name}, {self.user}"


class Preferences(models.Model):
    """How a person wants the portal to be. Without a row everything is as the field defaults say."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="preferences", primary_key=True)
    language = models.CharField(
        _("language"), max_length=8, choices=Language.choices, blank=True, help_text=_("empty: the browser's")
    )
    mail = models.CharField(_("e-mail"), max_length=16, choices=MailChoice.choices, default=MailChoice.DIGEST)
    keys = models.JSONField(
        default=dict, blank=True, help_text=_("chosen keys by action, where they are not the default")
    )
    single_keys_on = models.BooleanField(_("single keys"), default=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name_plural = "preferences"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(mail__in=MailChoice.values), name="preferred_mail_known"
            ),
            models.CheckConstraint(
                condition=models.Q(language__in=["", *Language.values]), name="preferred_language_known"
            ),
        ]

    def __str__(self) -> str:
        return f"Preferences of {self.user}"


class Tally(models.Model):
    """How often something was tried lately that has a limit (``accounts.attempts``)."""

    key = models.CharField(max_length=64, unique=True, help_text=_("keyed hash of what is counted"))
    count = models.PositiveIntegerField(default=0)
    since = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name_plural = "tallies"

    def __str__(self) -> str:
        return f"{self.count} since {self.since:%Y-%m-%d %H:%M:%S}"
