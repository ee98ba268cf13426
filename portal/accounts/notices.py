"""Mails to an account's owner about changes that somebody else may have made."""

import structlog
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.utils import timezone, translation

from portal.accounts.models import User
from portal.mail import failure_of

log = structlog.get_logger(__name__)


def tell_owner(user: User, template: str, **context: object) -> bool:
    """Mail ``accounts/mail/<template>_subject.txt`` and ``_message.txt`` in the person's language; whether it left.

    A mail server that is away does not undo the change: the log says it.
    """
    with translation.override(user.chosen_preferences.language or translation.get_language()):
        known = {"user": user, "timestamp": timezone.now(), **context}
        subject = " ".join(render_to_string(f"accounts/mail/{template}_subject.txt", known).split())
        body = render_to_string(f"accounts/mail/{template}_message.txt", known)
    try:
        EmailMessage(subject, body, None, [user.email], headers={"Auto-Submitted": "auto-generated"}).send()
    except OSError as error:
        log.warning(
            "notices.not_mailed", user=user.pk, about=template, failure=failure_of(error).failure.value
        )
        return False
    return True
