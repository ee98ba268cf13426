"""The report itself, and the signatures under it."""

from typing import Any

from django.conf import settings
from django.urls import reverse

from portal.reports.codes import own, standard
from portal.reports.fhir.base import Resource, Signed, concept, extension, identifier, reference, references
from portal.reports.fhir.observations import Scene, answer


def diagnostic_report(signed: Signed, scene: Scene, results: list[Resource]) -> Resource:
    """The report, with its conclusion and all observations that led to it."""
    content = signed.content
    signer = reference(scene.person(content["signature"]["name"]), content["signature"]["name"])
    said = content["conclusion"]
    value = answer(said["label"])
    return {
        "resourceType": "DiagnosticReport",
        "id": signed.own_id("report"),
        "identifier": [
            identifier(f"{content['laboratory']['slug']}-accession", content["report"]["accession"]),
            by_hash(signed),
        ],
        "status": signed.status,
        "category": [concept(standard("section"))],
        "code": concept(standard("report"), text="Blood smear report"),
        "subject": reference(scene.patient),
        "issued": signed.signed_at,
        "performer": [reference(scene.organization, content["laboratory"]["name"])],
        "resultsInterpreter": [signer],
        "specimen": [reference(scene.specimen)],
        "result": references(results),
        "conclusion": "\n".join(part for part in (value["text"], said["comment"], content["notice"]) if part),
        "conclusionCode": [value],
        "presentedForm": _presented(signed),
    }


def provenance(signed: Signed, scene: Scene, target: dict[str, Any], before: Signed | None) -> Resource:
    """Who signed a version, when, with what meaning, and over which hash; for an amendment also why, and of what."""
    content = signed.content
    signer = scene.person(content["signature"]["name"])
    who = reference(signer, content["signature"]["name"])
    entity = [
        {
            "role": "source",
            "what": {"identifier": by_hash(signed), "display": f"Content, {content['schema']}"},
        }
    ]
    if before is not None:
        entity.append({"role": "revision", "what": logical(before)})
    found: Resource = {
        "resourceType": "Provenance",
        "id": signed.own_id("provenance"),
        "target": [target],
        "recorded": signed.signed_at,
        "activity": concept(standard("update" if before else "create")),
        "agent": [
            {"type": concept(standard("author")), "who": who, "onBehalfOf": reference(scene.organization)}
        ],
        "entity": entity,
        "signature": [_signature(signed, who)],
    }
    if reason := content["report"]["reason"]:
        found["reason"] = [{"text": reason}]
    return found


def logical(signed: Signed) -> dict[str, Any]:
    """A version that is not in the bundle, by its hash."""
    words = f"{signed.content['report']['accession']}, version {signed.version}"
    return {"type": "DiagnosticReport", "identifier": by_hash(signed), "display": words}


def by_hash(signed: Signed) -> dict[str, str]:
    """The identifier of a version: the SHA-256 over its canonical content."""
    return identifier("report-sha256", signed.sha256)


def _signature(signed: Signed, who: dict[str, str]) -> dict[str, Any]:
    # No ``data``: what was signed with a password or a code has no cryptographic signature to show.
    said = signed.content["signature"]
    return {
        "extension": [
            extension("signature-meaning", valueString=said["meaning"]),
            extension(
                "signature-method", valueCoding=own("signature-method", said["method"], said["method"])
            ),
        ],
        "type": [standard("signature")],
        "when": signed.signed_at,
        "who": who,
        "targetFormat": "application/json",
    }


def _presented(signed: Signed) -> list[dict[str, str]]:
    site = settings.SITE_URL.rstrip("/")
    forms = (("reports:pdf", "application/pdf", "PDF"), ("reports:content", "application/json", "Content"))
    return [
        {
            "contentType": content_type,
            "url": f"{site}{reverse(name, args=[signed.content['case']['id']])}?version={signed.version}",
            "title": title,
        }
        for name, content_type, title in forms
    ]
