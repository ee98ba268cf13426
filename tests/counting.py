"""Plugin of pytest: lines are counted for coverage where that can find something.

Counting takes two fifths more time. What is left out can only lower the share that is found.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator

import pytest

#: Further cases of a test with parameters run the same lines.
COUNTED_CASES = 2


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    cases = Counter[str]()
    for item in items:
        test = item.nodeid.partition("[")[0]
        cases[test] += 1
        if cases[test] > COUNTED_CASES:
            item.add_marker(pytest.mark.no_cover)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    """pytest-cov does not count while such a case runs; nor is it counted while it is set up."""
    with _uncounted(item.config) if item.get_closest_marker("no_cover") else contextlib.nullcontext():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[object], request: pytest.FixtureRequest
) -> Iterator[None]:
    """Migrations count for nothing."""
    with _uncounted(request.config) if fixturedef.argname == "django_db_setup" else contextlib.nullcontext():
        return (yield)


@contextlib.contextmanager
def _uncounted(config: pytest.Config) -> Iterator[None]:
    counter = getattr(config.pluginmanager.getplugin("_cov"), "cov_controller", None)
    if counter is None or not counter.started:
        yield
        return
    counter.pause()
    try:
        yield
    finally:
        counter.resume()
