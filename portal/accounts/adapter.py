"""What allauth asks the project."""

from contextlib import suppress
from http import HTTPStatus
from typing import Any

import structlog
from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context as allauth_context
from allauth.core.exceptions import ImmediateHttpResponse
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from portal import mail
from portal.accounts import attempts
from portal.accounts.locked import counted_page, too_many_page
from portal.accounts.models import User
from portal.accounts.selectors import user_with_address
from portal.text_fields import validate_line

log = structlog.get_logger(__name__)

#: Mails that anybody who knows an address can request; notices of changes to an account's owner have no limit.
ASKED_FOR = frozenset(
    f"account/email/{name}"
    for name in (
        "email_confirmation",
        "email_confirmation_signup",
        "password_reset_key",
        "unknown_account",
        "account_already_exists",
    )
)

_NO_MAIL = gettext_noop(
    "This installation does not send e-mail, so no link can be sent. Ask its operator for help."
)
_LATER = gettext_noop("The e-mail could not be sent: %(why)s. Try again in a few minutes.")
#: Where asking for the same once more would be refused, with the way there is.
_AGAIN = {
    "account/email/email_confirmation": gettext_noop(
        "The e-mail could not be sent: %(why)s. The new address is noted; have the e-mail sent again from "
        "the page of your e-mail address in a few minutes."
    )
}


class _WrongPassword(Exception):
    """Leaves the count of a try as it is."""


class AccountAdapter(DefaultAccountAdapter):
    """People come by invitation; nobody signs up. Tries are counted in the database, not in the cache."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def clean_email(self, email: str) -> str:
        """An address is read by people: it holds nothing that nobody sees. Raises ValidationError."""
        validate_line(email)
        return str(super().clean_email(email))

    def get_client_ip(self, request: HttpRequest) -> str:
        return attempts.network_of(request)

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        """Check a password at sign-in, and count it: for the account, and much later for the network address.

        An unknown address is counted like a known one, so nobody learns from a refusal who has an account.
        """
        email = str(credentials.get("email", "")).strip().lower()
        known = user_with_address(email)
        account = attempts.sign_in(known.pk if known else email)
        user = None
        with suppress(_WrongPassword), counted_page(request, account, attempts.sign_in_network(request)):
            user = super().authenticate(request, **credentials)
            if user is None or user != known:
                user = None
                raise _WrongPassword
        return user

    def reauthenticate(self, user: User, password: str) -> bool:
        """Whether it is the password of the person who is signed in; counted apart from sign-in."""
        with suppress(_WrongPassword), counted_page(allauth_context.request, attempts.in_session(user.pk)):
            if not user.check_password(password):
                raise _WrongPassword
            return True
        return False

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Mail something; so many links an hour to one address, whether it has an account or not.

        The page does not announce a link that was not sent: it says why instead, and what to do.
        """
        request = allauth_context.request
        is_asked_for = template_prefix in ASKED_FOR
        if is_asked_for:
            if not mail.is_configured():
                raise ImmediateHttpResponse(_not_mailed_page(request, _(_NO_MAIL)))
            with too_many_page(request):
                for what in attempts.links(request, email.strip().lower()):
                    attempts.count(what)
        try:
            super().send_mail(template_prefix, email, context)
        except OSError as error:
            # A change that the owner is notified of has happened by now; a link that was requested was not sent.
            failed = mail.failure_of(error)
            log.warning("accounts.not_mailed", template=template_prefix, failure=failed.failure.value)
            if is_asked_for:
                words = _(_AGAIN.get(template_prefix, _LATER)) % {"why": failed.words}
                raise ImmediateHttpResponse(_not_mailed_page(request, words)) from error

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Always; where there is nothing to ask for, neither password nor second factor, a password comes first."""
        request = allauth_context.request
        if not self.get_reauthentication_methods(request.user):
            message = _("This account has no password yet. Request one by e-mail first.")
            page = render(request, "refused.html", {"message": message}, status=403)
            raise ImmediateHttpResponse(page)
        return True

    def _delete_login_attempts_cached_email(self, request: HttpRequest, **credentials: Any) -> None:
        """A person who has set a new password by mail need not wait."""
        if user := user_with_address(str(credentials.get("email", ""))):
            attempts.forget(attempts.sign_in(user.pk))


def _not_mailed_page(request: HttpRequest, words: str) -> HttpResponse:
    return render(request, "refused.html", {"message": words}, status=HTTPStatus.SERVICE_UNAVAILABLE)
