"""Counting tries at passwords, codes and mails, in the database: it works whatever becomes of the cache.

A try is counted before it is made, so that many at once are not more than the limit, and taken back when it was right.
What is counted is kept as a keyed hash: no address that somebody typed, and nobody's network address.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from allauth.core.internal.ratelimit import truncate_ip
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from portal.accounts.models import Tally
from portal.errors import TooManyAttempts
from portal.web.client_address import client_address

#: Mails with a link within an hour, to one address and asked for by one network address.
LINKS_TO_ONE, LINKS_BY_ONE = 5, 60


@dataclass(frozen=True, slots=True)
class Limit:
    """So many tries within so long; the next one so long after the last that was allowed."""

    most: int
    within: timedelta


@dataclass(frozen=True, slots=True)
class Counted:
    """What is counted (``sign-in:7``, say) and how much of it is allowed."""

    name: str
    limit: Limit

    @property
    def key(self) -> str:
        return salted_hmac("portal.accounts.attempts", self.name, algorithm="sha256").hexdigest()


def _sign_in_limit() -> Limit:
    return Limit(settings.SIGN_IN_ATTEMPTS, timedelta(seconds=settings.SIGN_IN_LOCK_SECONDS))


def sign_in(account: int | str) -> Counted:
    """Passwords at sign-in for an account, by its key; for an address that has none, by the address."""
    return Counted(f"sign-in:{account}", _sign_in_limit())


def sign_in_network(request: HttpRequest) -> Counted:
    """Passwords at sign-in from one network address, which a whole laboratory may share: many more."""
    limit = Limit(settings.SIGN_IN_ATTEMPTS_PER_ADDRESS, timedelta(seconds=settings.SIGN_IN_LOCK_SECONDS))
    return Counted(f"sign-in from:{network_of(request)}", limit)


def in_session(account: int) -> Counted:
    """Passwords of somebody who is signed in, where they are asked for again."""
    return Counted(f"in session:{account}", _sign_in_limit())


def code(account: int) -> Counted:
    """Authenticator and recovery codes."""
    return Counted(f"code:{account}", _sign_in_limit())


def signature(account: int) -> Counted:
    """Passwords and codes at the signature."""
    return Counted(
        f"signature:{account}",
        Limit(settings.SIGN_ATTEMPTS, timedelta(seconds=settings.SIGN_LOCK_SECONDS)),
    )


def links(request: HttpRequest, address: str) -> tuple[Counted, Counted]:
    """Mails with a link, which anybody who knows an address can request: to one address, and by one network address."""
    hour = timedelta(hours=1)
    return (
        Counted(f"link to:{address}", Limit(LINKS_TO_ONE, hour)),
        Counted(f"link by:{network_of(request)}", Limit(LINKS_BY_ONE, hour)),
    )


def network_of(request: HttpRequest) -> str:
    """The client's address; of IPv6 the network that one subscriber has; "unknown" where there is none."""
    return str(truncate_ip(client_address(request) or "unknown"))


@contextmanager
def counted(account: Counted, network: Counted | None = None) -> Iterator[None]:
    """Count a try before it is made. Leaving without an exception says that it was right: the account's count ends.

    Raises TooManyAttempts; nothing is counted then, so that knocking on does not prolong the wait.
    """
    if network is not None:
        _require(network)
    count(account)
    if network is not None:
        count(network)
    yield
    forget(account)
    if network is not None:
        Tally.objects.filter(key=network.key, count__gt=0).update(count=F("count") - 1)


def forget(what: Counted) -> None:
    """Reset the count."""
    Tally.objects.filter(key=what.key).delete()


def count(what: Counted) -> None:
    """Count one more, for good. Raises TooManyAttempts where there were enough."""
    now = timezone.now()
    Tally.objects.filter(expires_at__lte=now).delete()
    with transaction.atomic():
        begun = {"since": now, "expires_at": now + what.limit.within}
        tally, _new = Tally.objects.select_for_update().get_or_create(key=what.key, defaults=begun)
        _check(tally, what.limit)
        tally.count += 1
        if tally.count >= what.limit.most:
            # The wait begins with the last try.
            tally.since, tally.expires_at = now, now + what.limit.within
        tally.save()


def once(name: str, within: timedelta) -> bool:
    """Whether this is the first time within so long, of a code that holds once."""
    with suppress(TooManyAttempts):
        count(Counted(name, Limit(1, within)))
        return True
    return False


def _require(what: Counted) -> None:
    """Raises TooManyAttempts where there were enough."""
    tally = Tally.objects.filter(key=what.key, expires_at__gt=timezone.now()).first()
    if tally is not None:
        _check(tally, what.limit)


def _check(tally: Tally, limit: Limit) -> None:
    if tally.count >= limit.most:
        raise too_many(tally.expires_at)


def too_many(until: datetime) -> TooManyAttempts:
    """The refusal, with the time in the person's format."""
    local, today = timezone.localtime(until), timezone.localdate()
    when = date_format(local, "TIME_FORMAT" if local.date() == today else "DATETIME_FORMAT")
    return TooManyAttempts(_("Too many attempts. Try again at %(time)s.") % {"time": when}, until=until)
