"""The bytes of a report that are hashed: by RFC 8785, and for those signed before as they were."""

import hashlib
import json

import pytest

from portal.accounts.models import Laboratory
from portal.inference.models import ModelVersion
from portal.reports.content import FIRST_SCHEMA, SCHEMA, canonical, content_sha256
from portal.reports.models import Diagnosis
from portal.reports.verify import verify
from tests.factories import analysed, signed
from tests.portal.kinds import People, present


@pytest.mark.parametrize(
    ("value", "written"),
    [
        # RFC 8785, 3.2.2 and appendix B
        ([333333333.33333329, 1e30, 4.50, 2e-3, 1e-27], "[333333333.3333333,1e+30,4.5,0.002,1e-27]"),
        ([12.0, 1e-07, -0.0, 1e21], "[12,1e-7,0,1e+21]"),
        ("\u20ac$\u000f\nA'B\"\\/", '"€$\\u000f\\nA\'B\\"\\\\/"'),
    ],
)
def test_numbers_and_texts_are_written_as_the_rfc_says(value: list[float] | str, written: str) -> None:
    assert (
        canonical({"schema": SCHEMA, "value": value}) == f'{{"schema":"{SCHEMA}","value":{written}}}'.encode()
    )


def test_names_are_sorted_by_utf_16_as_the_rfc_says() -> None:
    # RFC 8785, 3.2.3: the emoji's first surrogate comes before the Hebrew presentation form.
    ordered = list(json.loads(canonical({"\ufb33": 1, "\U0001f600": 2, "1": 3, "\r": 4, "\u20ac": 5})))
    assert ordered == ["\r", "1", "\u20ac", "\U0001f600", "\ufb33"]


def test_what_was_signed_under_the_first_schema_keeps_its_bytes() -> None:
    content = {
        "schema": FIRST_SCHEMA,
        "model": {"seconds": 12.0, "least": 1e-07},
        "\ufb33": 1,
        "\U0001f600": 2,
    }
    asked = '{"model":{"least":1e-07,"seconds":12.0},"schema":"hemalens.report/1","\ufb33":1,"\U0001f600":2}'
    assert canonical(content) == asked.encode()


@pytest.mark.django_db
def test_reports_of_both_schemas_verify(people: People, lab: Laboratory, model: ModelVersion) -> None:
    new = signed(people.reviewer, analysed(people.submitter, lab)).diagnoses.get()
    assert new.content["schema"] == SCHEMA
    assert present(verify(people.reviewer, new.sha256)).intact
    old = json.dumps(
        new.content | {"schema": FIRST_SCHEMA}, sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    before = Diagnosis(
        **{
            field.attname: getattr(new, field.attname)
            for field in Diagnosis._meta.concrete_fields
            if field.name not in ("id", "version", "content", "sha256")
        },
        version=2,
        content=json.loads(old),
        sha256=hashlib.sha256(old.encode()).hexdigest(),
    )
    before.save(force_insert=True)
    assert content_sha256(Diagnosis.objects.get(pk=before.pk).content) == before.sha256
    assert present(verify(people.reviewer, before.sha256)).intact
