"""So many requests a minute and no more; without the cache that counts them, work goes on."""

import pytest
from django.core.cache import cache
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from portal.api.framework import AnonymousThrottle, PersonThrottle
from tests.portal.kinds import ClientFor, Clients, IsProblem, People

ME = "/api/v1/me/"


@pytest.fixture(autouse=True)
def _two_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    for throttle in (PersonThrottle, AnonymousThrottle):
        monkeypatch.setattr(throttle, "THROTTLE_RATES", {"user": "2/min", "anon": "2/min"})
    cache.clear()


def test_a_person_is_slowed_down_whatever_the_token(
    people: People, client_for: ClientFor, clients: Clients, is_problem: IsProblem
) -> None:
    other = client_for(people.submitter)
    assert [clients.submitter.get(ME).status_code, other.get(ME).status_code] == [200, 200]
    response = other.get(ME)
    is_problem(response, 429, "throttled")
    assert 0 < int(response["Retry-After"]) <= 60
    assert clients.reviewer.get(ME).status_code == 200


def test_an_address_without_a_token_is_slowed_down_whatever_it_claims(
    db: None, is_problem: IsProblem
) -> None:
    statuses = []
    for claimed in ("10.0.0.1", "10.0.0.2", "10.0.0.3"):
        response = APIClient(HTTP_X_FORWARDED_FOR=claimed).get("/api/v1/schema/")
        statuses.append(response.status_code)
    assert statuses == [200, 200, 429]


def test_without_the_cache_nobody_is_slowed_down(clients: Clients, settings: Settings) -> None:
    settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": "redis://127.0.0.1:1/1"}}
    assert [clients.submitter.get(ME).status_code for _ in range(4)] == [200] * 4
