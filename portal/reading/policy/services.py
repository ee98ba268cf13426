"""How a laboratory reads: looking it up and changing it."""

import secrets
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from portal.accounts.choices import Action
from portal.accounts.models import Laboratory, User
from portal.accounts.permissions import require
from portal.errors import Invalid, only_fields
from portal.reading.choices import Confidence, SecondRead
from portal.reading.models import Conclusion, ReadingPolicy

#: What an administrator sets.
POLICY_FIELDS = ("blindness", "second_read", "second_read_share", "claim_minutes", "alert_contact")


def policy_for(laboratory: Laboratory) -> ReadingPolicy:
    """The laboratory's policy, the defaults where it has set none."""
    try:
        return laboratory.reading_policy
    except ReadingPolicy.DoesNotExist:
        return ReadingPolicy(
            laboratory=laboratory
        )  # which is the laboratory's from here on, as Django sets it


@transaction.atomic
def set_policy(by: User, laboratory: Laboratory, **fields: Any) -> ReadingPolicy:
    """Change how a laboratory reads; ``fields`` are those of ``POLICY_FIELDS``. Raises NotAllowed, Invalid."""
    require(by, Action.SET_POLICY, laboratory)
    only_fields(fields, POLICY_FIELDS)
    Laboratory.objects.select_for_update().get(pk=laboratory.pk)
    policy = ReadingPolicy.objects.filter(laboratory=laboratory).first() or ReadingPolicy()
    policy.laboratory = laboratory
    for name, value in fields.items():
        setattr(policy, name, value)
    contact = policy.alert_contact
    if contact and not contact.memberships.filter(laboratory=laboratory, is_active=True).exists():
        raise Invalid(_("Name an active member of this laboratory."), field="alert_contact")
    try:
        policy.full_clean(exclude={"laboratory"})
    except ValidationError as error:
        raise Invalid.of(error) from error
    policy.save()
    return policy


def wants_second_read(policy: ReadingPolicy, conclusion: Conclusion) -> bool:
    """Whether a second reviewer is to read the case after this first conclusion."""
    if policy.second_read == SecondRead.SHARE:
        return secrets.randbelow(100) < policy.second_read_share
    if policy.second_read == SecondRead.DOUBT:
        model_label = conclusion.read.model_label
        # A reader who changed to the model's answer had differed from it even so.
        differs = bool(model_label) and {conclusion.read.label, conclusion.label} != {model_label}
        return differs or conclusion.confidence == Confidence.LOW
    return policy.second_read == SecondRead.ALWAYS
