"""What is searched for, and what the code was working on when it failed, does not reach the log."""

import logging
import sys
from logging.config import DictConfigurator

import pytest
import structlog
from structlog.testing import capture_logs


def work_on(pseudonym):
    raise ValueError("broken")


def logged(processor, settings):
    """A failure as the log writes it."""
    entry = settings.LOGGING["formatters"]["line"]
    if processor is not None:
        entry = entry | {"processor": processor}
    try:
        work_on("-".join(("P", "secret", "0815")))
    except ValueError:
        record = logging.LogRecord("portal", logging.ERROR, __file__, 1, "failed", None, sys.exc_info())
    return DictConfigurator(settings.LOGGING).configure_formatter(entry).format(record)


@pytest.mark.parametrize("processor", [None, structlog.processors.JSONRenderer()], ids=["line", "json"])
def test_a_traceback_names_the_place_and_no_values(processor, settings):
    text = logged(processor, settings)
    assert "in work_on" in text
    assert "ValueError: broken" in text
    assert "P-secret-0815" not in text


@pytest.mark.django_db
def test_the_log_names_the_path_and_not_the_query(client, people):
    client.force_login(people.submitter)
    with capture_logs() as lines:
        client.get("/cases/", {"q": "P-secret-0815"})
    assert any(line.get("request") == "GET /cases/" for line in lines)
    assert "P-secret-0815" not in str(lines)
