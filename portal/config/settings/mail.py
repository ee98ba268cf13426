"""E-mail and reminders."""

from portal.config.settings.environment import env

_url = env.str("EMAIL_URL", default="")
# The console is the log of a container, and mails hold links that open accounts.
if _url and (env.bool("DEBUG", default=False) or not _url.startswith("consolemail:")):
    vars().update(env.email_url("EMAIL_URL"))
    if vars()["EMAIL_BACKEND"] == "django.core.mail.backends.smtp.EmailBackend":
        EMAIL_BACKEND = "portal.mail.NotedMail"
else:
    EMAIL_BACKEND = "portal.mail.NoMail"
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Hemalens <hemalens@localhost>")
EMAIL_TIMEOUT = env.int("EMAIL_TIMEOUT_SECONDS", default=10)
# What need not be known at once is mailed together when the oldest of it has waited so long: a report is known the same
# half-day, nobody gets more than a few mails a working day, and a busy day's news come in one.
DIGEST_HOURS = env.float("DIGEST_HOURS", default=4)
# An urgent finding that is not acknowledged is notified again every so many minutes, to the administrators too.
ALERT_REMIND_MINUTES = env.int("ALERT_REMIND_MINUTES", default=60)
