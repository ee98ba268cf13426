"""A running system and the doors to it, for tests that break one of its parts."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import psycopg
import redis
import requests
from psycopg.rows import dict_row

from embedded.settings import ROOT
from tests.live import LiveSystem, wait_for
from tests.portal_client import Api, Browser, draw_photograph

SUBMITTER = "submitter@demo.example"


def run_python(system: LiveSystem, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python on the repository with the system's addresses in its environment."""
    environment = {
        "PATH": os.defpath,
        "DJANGO_SETTINGS_MODULE": "portal.config.settings",
        **system.environment,
    }
    return subprocess.run(
        [sys.executable, *arguments], env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )


@dataclass
class Bench:
    """A running system and the doors to it: the API, the pages, the database, the broker."""

    system: LiveSystem
    api: Api

    def browser(self) -> Browser:
        return Browser(self.system.base_url, SUBMITTER, self.system.accounts[SUBMITTER])

    def rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        """Run one statement; the rows it returns, if any."""
        with psycopg.connect(self.system.environment["DATABASE_URL"], row_factory=dict_row) as connection:
            cursor = connection.execute(query, values)
            return cursor.fetchall() if cursor.description else []

    def broker(self) -> redis.Redis:
        return redis.Redis.from_url(self.system.environment["BROKER_URL"])

    def health(self) -> dict[str, dict[str, Any]]:
        """Status and detail of each part, as the health page gives them."""
        # On a machine with other work the page comes late; how soon is not asked here.
        parts: dict[str, dict[str, Any]] = requests.get(
            f"{self.system.base_url}/health/ready", timeout=60
        ).json()["parts"]
        return parts

    def wait_health(self, status: str, *parts: str, timeout: float = 180.0) -> dict[str, dict[str, Any]]:
        """Wait until all of some parts have a status; returns every part as it was then."""

        def told() -> dict[str, dict[str, Any]]:
            found = self.health()
            return found if {found[part]["status"] for part in parts} == {status} else {}

        found: dict[str, dict[str, Any]] = wait_for(told, f"{', '.join(parts)} to be {status}", timeout)
        return found

    def filed(self, images: int, seed: int = 0) -> str:
        """A draft with drawn photographs."""
        drawn = [draw_photograph(1000 * seed + number, (320, 240)) for number in range(images)]
        return self.api.file_case(drawn)

    def jobs(self, case_id: str) -> dict[str, int]:
        """How many jobs of the case are in each state."""
        query = "SELECT state, count(*) AS n FROM inference_job WHERE case_id = %s GROUP BY state"
        return {row["state"]: row["n"] for row in self.rows(query, case_id)}

    def in_the_middle(self, case_id: str) -> None:
        """Wait until some photographs of the case are answered and others are not."""

        def is_under_way() -> bool:
            states = self.jobs(case_id)
            return states.get("done", 0) >= 1

        wait_for(is_under_way, "the first answer", 60)
        left = sum(n for state, n in self.jobs(case_id).items() if state in ("queued", "running"))
        assert left, "all photographs were answered before the fault could happen: use more of them"

    def wait_awaiting_read(self, case_id: str, timeout: float = 240.0) -> dict[str, Any]:
        def arrived() -> dict[str, Any]:
            case = self.api.case(case_id)
            return case if case["state"] == "awaiting_read" else {}

        found: dict[str, Any] = wait_for(arrived, f"case {case_id} to await its read", timeout)
        return found

    def assert_each_predicted_once(self, case_id: str, images: int) -> None:
        """Every photograph of the case has exactly one prediction, and every try says how it ended."""
        case = self.wait_awaiting_read(case_id)
        assert case["no_preclassification_reason"] == ""
        assert len(case["images"]) == images
        per_image = self.rows(
            "SELECT i.id, count(p.id) AS n FROM cases_smearimage i "
            "LEFT JOIN inference_prediction p ON p.image_id = i.id WHERE i.case_id = %s GROUP BY i.id",
            case_id,
        )
        assert [row["n"] for row in per_image] == [1] * images
        assert self.jobs(case_id) == {"done": images}
        outcomes = self.outcomes(case_id)
        assert outcomes.count("answered") == images
        assert "" not in outcomes

    def outcomes(self, case_id: str) -> list[str]:
        """How each try at the case's photographs ended."""
        query = (
            "SELECT a.outcome FROM inference_attempt a JOIN inference_job j ON j.id = a.job_id "
            "WHERE j.case_id = %s ORDER BY a.id"
        )
        return [row["outcome"] for row in self.rows(query, case_id)]

    def age(self, case_id: str) -> None:
        """Let a case's jobs have waited for ten minutes and a second, as if the time had passed."""
        self.rows(
            "UPDATE inference_job SET queued_at = now() - interval '601 seconds' WHERE case_id = %s", case_id
        )

    def container_check(self, part: str) -> int:
        """The exit status of the health check that a container of this part runs."""
        return run_python(self.system, "-m", "worker.health", part).returncode
