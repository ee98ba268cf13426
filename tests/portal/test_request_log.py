"""What is searched for does not reach the log."""

import pytest
from structlog.testing import capture_logs

pytestmark = pytest.mark.django_db


def test_the_log_names_the_path_and_not_the_query(client, people):
    client.force_login(people.submitter)
    with capture_logs() as lines:
        client.get("/cases/", {"q": "P-secret-0815"})
    assert any(line.get("request") == "GET /cases/" for line in lines)
    assert "P-secret-0815" not in str(lines)
