"""Roles, and what each may do. The one place that says so."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from django.db import models
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class Role(models.TextChoices):
    """What a person does in one laboratory."""

    SUBMITTER = "submitter", _("Submitter")
    REVIEWER = "reviewer", _("Reviewer")
    LAB_ADMIN = "lab_admin", _("Laboratory administrator")


class Delivery(models.TextChoices):
    """How an invitation's link reached the invited person."""

    WAITING = "waiting", _("Not sent yet")
    MAILED = "mailed", _("Sent")
    FAILED = "failed", _("Not sent: the mail server refused it or did not answer")
    BY_OPERATOR = "by_operator", _("Link printed for the operator")


class InvitationState(models.TextChoices):
    """What has become of an invitation."""

    OPEN = "open", _("Open")
    EXPIRED = "expired", _("Expired")
    WITHDRAWN = "withdrawn", _("Withdrawn")
    USED = "used", _("Used")


class MailChoice(models.TextChoices):
    """When the portal writes to a person about cases."""

    IMMEDIATELY = "immediately", _("Immediately, one message for each event")
    DIGEST = "digest", _("Together, a few times a day")
    NEVER = "never", _("Never")


class Language(models.TextChoices):
    """The languages of the pages, each by its own name."""

    ENGLISH = "en", "English"
    SPANISH = "es", "Español"


class Action(StrEnum):
    """What can be done with the things of a laboratory."""

    VIEW_CASE = "view_case"
    SUBMIT_CASE = "submit_case"
    READ_CASE = "read_case"
    ASSIGN_CASES = "assign_cases"
    SET_POLICY = "set_policy"
    MANAGE_USERS = "manage_users"


ROLE_ACTIONS: dict[str, frozenset[Action]] = {
    Role.SUBMITTER: frozenset({Action.VIEW_CASE, Action.SUBMIT_CASE}),
    Role.REVIEWER: frozenset({Action.VIEW_CASE, Action.SUBMIT_CASE, Action.READ_CASE}),
    Role.LAB_ADMIN: frozenset(
        {
            Action.VIEW_CASE,
            Action.SUBMIT_CASE,
            Action.MANAGE_USERS,
            Action.ASSIGN_CASES,
            Action.SET_POLICY,
        }
    ),
}

ROLE_EXPLANATIONS: dict[str, StrOrPromise] = {
    Role.SUBMITTER: _("Files cases and photographs and sees their results."),
    Role.REVIEWER: _("Reads cases and signs diagnoses; may file cases too."),
    Role.LAB_ADMIN: _("Invites people and sets their roles; may file cases, does not read them."),
}
