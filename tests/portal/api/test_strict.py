"""An address or a body that could be misread is refused, on every endpoint."""

import json
from collections.abc import Iterator
from io import StringIO

import pytest
from django.core.management import call_command
from django.urls import URLPattern, get_resolver
from django.views import View

from portal.accounts.models import Laboratory
from portal.api.strict import StrictQuery
from portal.inference.models import ModelVersion
from tests.factories import analysed
from tests.portal.kinds import Clients, IsProblem, People

CASES, CSV, ALERTS, MODELS = "/api/v1/cases/", "/api/v1/cases/csv/", "/api/v1/alerts/", "/api/v1/models/"


def _views() -> Iterator[tuple[URLPattern, type[View]]]:
    for entry in get_resolver("portal.api.urls").url_patterns:
        assert isinstance(entry, URLPattern)
        view = getattr(entry.callback, "cls", None)
        if view is not None:
            yield entry, view


def test_every_view_is_strict() -> None:
    views = list(_views())
    assert len(views) >= 30
    assert [entry.name for entry, view in views if not issubclass(view, StrictQuery)] == []


def test_the_document_names_the_parameters_that_are_taken() -> None:
    out = StringIO()
    call_command("spectacular", "--format", "openapi-json", stdout=out)
    documented = {}
    for methods in json.loads(out.getvalue())["paths"].values():
        for operation in methods.values():
            named = {one["name"] for one in operation.get("parameters", []) if one["in"] == "query"}
            documented[operation["operationId"]] = named
    taken = []
    for entry, view in _views():
        for method, action in (getattr(entry.callback, "actions", None) or {"get": None}).items():
            one = view(action=action)
            assert isinstance(one, StrictQuery)
            taken.append(frozenset(one.known_parameters(method)))
    assert {frozenset(names) for names in documented.values()} == set(taken) - {frozenset({"format", "lang"})}


@pytest.mark.parametrize(
    ("address", "parameter"),
    [
        (f"{CASES}?prioritty=urgent", "prioritty"),
        (f"{CASES}?ordering=__class__", "ordering"),
        (f"{CASES}?ordering=reads", "ordering"),
        (f"{CASES}?ordering=created_at,-created_at", "ordering"),
        (f"{CASES}?page_size=-1", "page_size"),
        (f"{CASES}?page_size=201", "page_size"),
        (f"{CASES}?page=abc", "page"),
        (f"{CASES}?page=last", "page"),
        (f"{CASES}?page=1{'0' * 30}", "page"),
        (f"{CASES}?mine=abc", "mine"),
        (f"{CASES}?priority=nonsense", "priority"),
        (f"{CASES}?state=draft&state=nonsense", "state"),
        (f"{CASES}?filed_from=10/25/2026", "filed_from"),
        (f"{CASES}?filed_to=9999-12-31", "filed_to"),
        (f"{CASES}?laboratory=elsewhere", "laboratory"),
        (f"{CASES}?priority=urgent&priority=stat", "priority"),
        (f"{CASES}?format=json", "format"),
        (f"{CSV}?prioritty=urgent", "prioritty"),
        (f"{CSV}?page=1", "page"),
        (f"{CSV}?mine=abc", "mine"),
        (f"{ALERTS}?open=abc", "open"),
        (f"{ALERTS}?mine=true&mine=true", "mine"),
        (f"{MODELS}?page_size=0", "page_size"),
        ("/api/v1/me/?x=1", "x"),
        ("/api/v1/schema/?format=xml", "format"),
        ("/api/v1/schema/?lang=xx", "lang"),
    ],
)
def test_a_parameter_that_means_nothing(
    clients: Clients, is_problem: IsProblem, address: str, parameter: str
) -> None:
    problem = is_problem(clients.submitter.get(address), 400, "invalid")
    assert list(problem["errors"]) == [parameter]


def test_words_name_what_is_allowed(clients: Clients, is_problem: IsProblem) -> None:
    # Making the document must not leave anything behind that is laxer.
    clients.submitter.get("/api/v1/schema/")

    def words(address: str) -> str:
        return str(is_problem(clients.submitter.get(address), 400)["detail"])

    assert "Did you mean priority?" in words(f"{CASES}?prioritty=urgent")
    assert "routine" in words(f"{CASES}?priority=nonsense")
    assert "-created_at" in words(f"{CASES}?ordering=nonsense")
    assert "200" in words(f"{CASES}?page_size=-1")
    assert "true, false" in words(f"{CASES}?mine=abc")


def test_what_means_something_still_does(
    clients: Clients, people: People, lab: Laboratory, model: ModelVersion
) -> None:
    analysed(people.submitter, lab)
    for query in (
        "state=awaiting_read&state=draft",
        "mine=true",
        "ordering=-accession,created_at",
        "page=1&page_size=200",
        f"laboratory={lab.slug}",
        "priority=",
        "filed_from=2020-01-01",
    ):
        response = clients.submitter.get(f"{CASES}?{query}")
        assert (response.status_code, response.json()["count"]) == (200, 1), query
    assert clients.submitter.get(f"{CASES}?page=2").status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ('{"specimen": "csf", "specimen": "bone_marrow"}', "specimen"),
        ('{"specimen": "\\ud800"}', "specimen"),
        ('{"patient_pseudonym": "a\\u0000"}', "patient_pseudonym"),
        ('{"microns_per_pixel": 1e999}', None),
        ('{"microns_per_pixel": NaN}', None),
        ('{"laboratory": ' + "9" * 400 + "}", None),
        ("[" * 100_000, None),
    ],
)
def test_json_that_could_be_misread(
    clients: Clients, is_problem: IsProblem, body: str, field: str | None
) -> None:
    response = clients.submitter.generic("POST", CASES, body, content_type="application/json")
    problem = is_problem(response, 400, "invalid" if field else "parse_error")
    assert list(problem["errors"]) == ([field] if field else [])


@pytest.mark.parametrize(
    "path", ["/api/", "/api", "/api/v2/cases/", "/api/v1/reports/verify/%00/", "/api/v1/%FF/"]
)
def test_no_page_below_api(clients: Clients, path: str) -> None:
    response = clients.submitter.get(path)
    assert response.status_code in (400, 404)
    assert response["Content-Type"] == "application/problem+json"


def test_invisible_characters_name_their_field(clients: Clients, is_problem: IsProblem) -> None:
    body = {"patient_pseudonym": "P\u202e1", "specimen": "csf"}
    problem = is_problem(clients.submitter.post(CASES, body), 400, "invalid")
    assert "U+202E" in problem["errors"]["patient_pseudonym"][0]
