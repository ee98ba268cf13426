"""What is written down: the audit trail and the logs."""

import structlog

from portal.config.masking import format_exception
from portal.config.settings.environment import env

# The audit trail keeps who did it and where; both are set by pghistory's middleware.
PGHISTORY_APPEND_ONLY = True
PGHISTORY_MIDDLEWARE_METHODS = ("POST", "PUT", "PATCH", "DELETE")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"arguments": {"()": "portal.config.masking.MaskArguments"}},
    "formatters": {
        "ours": {"()": "portal.config.masking.formatter", "style": env.str("LOG_FORMAT", default="line")}
    },
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "ours", "filters": ["arguments"]},
    },
    # Says again, with the path as it was sent, what the request log says.
    "loggers": {"django.request": {"level": "CRITICAL"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
}
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.filter_by_level,
        structlog.processors.TimeStamper(fmt="iso"),
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        format_exception,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
