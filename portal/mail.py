"""How mail leaves, and what became of the last that did not (docs/decisions/0026-mail.md)."""

import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from smtplib import (
    SMTPAuthenticationError,
    SMTPDataError,
    SMTPException,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPSenderRefused,
)

import structlog
from django.conf import settings
from django.core.cache import cache
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.smtp import EmailBackend
from django.db import models
from django.utils.translation import gettext_lazy as _

log = structlog.get_logger(__name__)

_LAST_FAILURE = "mail:last-failure"
_KEPT_SECONDS = 30 * 24 * 3600


class Failure(models.TextChoices):
    """Why mail did not leave, without the server's own words: these may hold addresses and more."""

    REFUSED_CONNECTION = "refused_connection", _("the mail server refused the connection")
    TIMED_OUT = "timed_out", _("the mail server did not answer in time")
    UNKNOWN_NAME = "unknown_name", _("the mail server's name cannot be resolved")
    TLS = "tls", _("the encrypted connection to the mail server failed")
    SIGN_IN = "sign_in", _("the mail server refused our sign-in")
    SENDER = "sender", _("the mail server refused the sender's address")
    RECIPIENT = "recipient", _("the mail server refused the recipient's address")
    MESSAGE = "message", _("the mail server refused the message")
    BROKEN_OFF = "broken_off", _("the mail server closed the connection")
    UNREACHABLE = "unreachable", _("the mail server cannot be reached")


#: The first that fits says what happened.
_KINDS: tuple[tuple[type[Exception], Failure], ...] = (
    (SMTPAuthenticationError, Failure.SIGN_IN),
    (SMTPSenderRefused, Failure.SENDER),
    (SMTPRecipientsRefused, Failure.RECIPIENT),
    (SMTPDataError, Failure.MESSAGE),
    (SMTPException, Failure.BROKEN_OFF),
    (ssl.SSLError, Failure.TLS),
    (TimeoutError, Failure.TIMED_OUT),
    (socket.gaierror, Failure.UNKNOWN_NAME),
    (ConnectionRefusedError, Failure.REFUSED_CONNECTION),
    (ConnectionError, Failure.BROKEN_OFF),
)


@dataclass(frozen=True, slots=True)
class LastFailure:
    """When mail last failed to leave, and why. ``code`` is SMTP's, 0 where none came."""

    at: datetime
    failure: Failure
    code: int = 0

    @property
    def words(self) -> str:
        """In the reader's language, with SMTP's number for the administrator of the mail server."""
        return f"{self.failure.label} ({self.code})" if self.code else str(self.failure.label)


def failure_of(error: OSError) -> LastFailure:
    """What an error of the mail server means."""
    # smtplib says of a silent server that it has hung up.
    cause = error.__context__ if isinstance(error.__context__, TimeoutError) else error
    failure = next((failure for kind, failure in _KINDS if isinstance(cause, kind)), Failure.UNREACHABLE)
    code = 0
    if isinstance(error, SMTPResponseException):
        code = int(error.smtp_code)
    elif isinstance(error, SMTPRecipientsRefused) and error.recipients:
        code = int(next(iter(error.recipients.values()))[0])
    return LastFailure(datetime.now(UTC), failure, max(code, 0))


def last_failure() -> LastFailure | None:
    """The last failure of any process of the portal; None where there was none in the last month."""
    noted = cache.get(_LAST_FAILURE)
    return None if noted is None else LastFailure(noted[0], Failure(noted[1]), noted[2])


class NotedMail(EmailBackend):
    """Sends by SMTP, and notes what went wrong for health and administrators."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        try:
            return int(super().send_messages(email_messages) or 0)
        except OSError as error:
            failed = failure_of(error)
            log.warning("mail.failed", failure=failed.failure.value, smtp=failed.code)
            cache.set(_LAST_FAILURE, (failed.at, failed.failure.value, failed.code), _KEPT_SECONDS)
            raise


class NoMail(BaseEmailBackend):
    """The backend while no mail server is named: sends nothing, and says that it did not."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        log.warning("mail.not_configured", dropped=len(email_messages))
        return 0


def is_configured() -> bool:
    """Whether mail leaves at all; without it links are handed over by the operator and news wait on the pages."""
    return f"{NoMail.__module__}.{NoMail.__qualname__}" != settings.EMAIL_BACKEND
