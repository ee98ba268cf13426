"""The OpenAPI document: complete, valid, and kept by the API."""

import itertools
import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from django.core.management import call_command
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, Phase, given, settings
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from portal.accounts.choices import Role
from portal.accounts.tokens import issue_token
from portal.cases.models import Case as Filed
from portal.config.wsgi import application
from tests.documents import Document
from tests.factories import LaboratoryFactory, active_model, analysed, draft, member
from tests.portal.kinds import present

# As in the other walks, lines are not counted.
pytestmark = pytest.mark.no_cover

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
BOUNDED = settings(
    max_examples=20,
    phases=[Phase.generate],
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
#: A request that schemathesis made, of whichever operation.
MadeCase = Case[Any]
METHODS = {"get", "post", "patch", "put", "delete"}


@pytest.fixture(scope="module")
def document() -> Document:
    out = StringIO()
    call_command("spectacular", "--format", "openapi-json", "--validate", "--fail-on-warn", stdout=out)
    document: Document = json.loads(out.getvalue())
    return document


def operations(document: Document) -> Iterator[tuple[str, Document]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method in METHODS:
                yield f"{method.upper()} {path}", operation


def test_every_operation_is_described_with_examples_and_refusals(document: Document) -> None:
    seen = [name for name, _operation in operations(document)]
    assert len(seen) >= 14
    for name, operation in operations(document):
        if name.endswith("/schema/"):
            continue
        assert operation.get("summary"), name
        responses = operation["responses"]
        assert {"401", "429"} <= set(responses), name
        for status, response in responses.items():
            for content_type, content in response.get("content", {}).items():
                if int(status) >= 400:
                    assert content_type == "application/problem+json", (name, status)
                if content_type.endswith("json"):
                    assert content.get("examples"), (name, status)
        for content_type, content in operation.get("requestBody", {}).get("content", {}).items():
            if content_type == "application/json":
                assert content.get("examples"), name


def test_the_probabilities_are_documented_class_by_class(document: Document) -> None:
    prediction = document["components"]["schemas"]["Prediction"]["properties"]
    assert list(prediction["probabilities"]["properties"]) == ["Benign", "Early", "Pre", "Pro"]


def test_it_is_served_to_everybody(db: None) -> None:
    response = APIClient().get("/api/v1/schema/?format=json")
    assert response.status_code == 200
    assert response.json()["info"]["title"] == "Hemalens"


@pytest.fixture
def lab_with_cases(db: None, settings: Settings, tmp_path: Path) -> tuple[str, list[Filed]]:
    """A reviewer's token, and ids of a draft and of a case that awaits its read."""
    settings.MEDIA_ROOT = tmp_path
    lab = LaboratoryFactory.create()
    reviewer = member(lab, Role.REVIEWER)
    active_model()
    return issue_token(reviewer)[1], [draft(reviewer, lab), analysed(reviewer, lab)]


@pytest.fixture
def one_connection() -> Iterator[None]:
    """Requests share the test's transaction, as with Django's own test client."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.mark.usefixtures("one_connection")
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_the_api_keeps_to_its_document(
    mode: GenerationMode,
    document: Document,
    lab_with_cases: tuple[str, list[Filed]],
    monkeypatch: pytest.MonkeyPatch,
    subtests: pytest.Subtests,
) -> None:
    monkeypatch.setattr("portal.api.framework.PersonThrottle.rate", None, raising=False)
    token, cases = lab_with_cases
    turn = itertools.cycle(cases)
    api = schemathesis.openapi.from_dict(document)
    api.app = application

    def send_and_check(case: MadeCase) -> None:
        if mode is GenerationMode.POSITIVE and "case_id" in case.path_parameters:
            # More is found out about cases that are there.
            chosen = next(turn)
            case.path_parameters["case_id"] = str(chosen.pk)
            if "image_id" in case.path_parameters:
                case.path_parameters["image_id"] = str(present(chosen.images.first()).pk)
        with transaction.atomic():
            response = case.call(headers={"Authorization": f"Bearer {token}"})
            transaction.set_rollback(True)
        case.validate_response(response, checks=CHECKS)

    for result in api.get_all_operations():
        assert isinstance(result, Ok), result
        operation = result.ok()
        with subtests.test(operation.label):
            check = given(operation.as_strategy(generation_mode=mode))(send_and_check)
            BOUNDED(check)()
