"""API tokens: issued, listed, revoked. When all of them end is said in ``access``."""

from datetime import timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.accounts.access import end_tokens
from portal.accounts.models import ApiToken, User
from portal.accounts.notices import tell_owner
from portal.errors import Duplicate, Gone, Invalid, NotAllowed
from portal.text import clean_line

log = structlog.get_logger()

#: A use is written down when the one before is older than this: a script that asks often costs no write each time.
NOTED_EVERY = timedelta(minutes=1)
LONGEST_DAYS = 3650


def tokens_of(user: User) -> QuerySet[ApiToken]:
    """The tokens that work, the newest first."""
    found: QuerySet[ApiToken] = ApiToken.objects.filter(
        Q(expiry=None) | Q(expiry__gt=timezone.now()), user=user
    )
    return found


@transaction.atomic
def issue_token(user: User, *, name: str = "", days: int | None = None) -> tuple[ApiToken, str]:
    """Make a token for a person; returns its row and, this once, the token itself.

    ``name`` is one that no other token of the person has, by default the next free *Token 1*, *Token 2*, ...
    ``days`` is how long it holds, by default ``API_TOKEN_DAYS``. Raises Duplicate, Invalid, NotAllowed.
    """
    # Changing the password saves this row: a token is made before that, and ends, or after it.
    if not User.objects.select_for_update().get(pk=user.pk).is_active:
        raise NotAllowed(_("This account is not active."))
    days = settings.API_TOKEN_DAYS if days is None else days
    if not 1 <= days <= LONGEST_DAYS:
        raise Invalid(_("Choose between 1 and %(most)d days.") % {"most": LONGEST_DAYS}, field="days")
    ApiToken.objects.filter(user=user, expiry__lte=timezone.now()).delete()
    name = clean_line(name, field="name") or _free_name(user)
    if ApiToken.objects.filter(user=user, name__iexact=name).exists():
        raise Duplicate(
            _("You already have a token with this name. Choose another name, or revoke it first."),
            field="name",
        )
    row, token = ApiToken.objects.create(user, name=name, expiry=timedelta(days=days))
    log.info("api_token_issued", user_id=user.pk, token_id=str(row.public_id))
    transaction.on_commit(lambda: _tell(user, "token_issued", row.name))
    return row, token


def _free_name(user: User) -> str:
    taken = set(ApiToken.objects.filter(user=user).values_list("name", flat=True))
    return next(name for number in range(1, len(taken) + 2) if (name := f"Token {number}") not in taken)


@transaction.atomic
def revoke_token(user: User, public_id: UUID) -> ApiToken:
    """End one token of a person. Raises Gone where there is none such."""
    row: ApiToken | None = ApiToken.objects.filter(user=user, public_id=public_id).first()
    if row is None:
        raise Gone(_("This token has already been revoked."))
    row.delete()
    log.info("api_token_revoked", user_id=user.pk, token_id=str(public_id))
    transaction.on_commit(lambda: _tell(user, "token_revoked", row.name))
    return row


@transaction.atomic
def revoke_tokens(user: User) -> int:
    """End every token of a person; returns how many there were."""
    count = end_tokens(user)
    log.info("api_tokens_revoked", user_id=user.pk, count=count)
    if count:
        transaction.on_commit(lambda: _tell(user, "tokens_revoked"))
    return count


def _tell(user: User, template: str, name: str = "") -> None:
    tell_owner(user, template, name=name)


def note_use(row: ApiToken) -> None:
    """Write down that a token was used just now."""
    now = timezone.now()
    if row.last_used_at is None or now - row.last_used_at > NOTED_EVERY:
        ApiToken.objects.filter(pk=row.pk).update(last_used_at=now)
