"""Does a running system do its work? Against this machine's own, or any other by its address:

SMOKE_URL=https://lab.example SMOKE_EMAIL=… SMOKE_PASSWORD=… make smoke
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

import pytest
import requests

from tests.documents import Document
from tests.live import LiveSystem, wait_for
from tests.portal_client import Browser, draw_photograph


@dataclass(frozen=True)
class Place:
    url: str
    email: str
    password: str


@pytest.fixture(scope="session")
def place(request: pytest.FixtureRequest) -> Place:
    """The system under test and an account that may submit."""
    if url := os.environ.get("SMOKE_URL"):
        return Place(url.rstrip("/"), os.environ["SMOKE_EMAIL"], os.environ["SMOKE_PASSWORD"])
    system: LiveSystem = request.getfixturevalue("live_system")
    email = "submitter@demo.example"
    return Place(system.base_url, email, system.accounts[email])


def test_every_part_reports_that_it_works(place: Place) -> None:
    def report() -> Document | None:
        answer = requests.get(f"{place.url}/health/ready", timeout=10)
        return answer.json() if answer.json()["status"] == "ok" else None

    parts = wait_for(report, "every part to work", 60)["parts"]
    assert {"database", "broker", "storage", "worker", "beat", "triton", "model"} <= set(parts)
    assert requests.get(f"{place.url}/health/live", timeout=10).status_code == 200


def test_the_sign_in_page_comes_with_its_style_and_scripts(place: Place) -> None:
    page = requests.get(f"{place.url}/account/login/", timeout=10)
    assert page.status_code == 200
    assert "Content-Security-Policy" in page.headers
    assets = re.findall(r'(?:href|src)="(/static/[^"#]+)', page.text)
    assert any(".css" in asset for asset in assets)
    assert any(".js" in asset for asset in assets)
    for asset in assets:
        assert requests.get(place.url + asset, timeout=10).status_code == 200, asset


def test_strangers_see_no_case(place: Place) -> None:
    page = requests.get(f"{place.url}/cases/", timeout=10, allow_redirects=False)
    assert (page.status_code, page.headers["Location"].startswith("/account/login/")) == (302, True)
    assert requests.get(f"{place.url}/api/v1/cases/", timeout=10).status_code == 401
    with pytest.raises(RuntimeError, match="could not sign in"):
        Browser(place.url, place.email, "not the password")


def test_a_photograph_gets_the_models_answer(place: Place) -> None:
    browser = Browser(place.url, place.email, place.password)
    address = browser.start_quick_look(draw_photograph(7, (640, 480)))
    answer = wait_for(lambda: browser.quick_look_answer(address), "the model's answer", 60)
    assert "%" in answer
