"""A signed version and all it speaks of in one collection.

Everything comes from the signed content, so that the same version gives the same bundle whenever it is asked for.
"""

from django.utils import translation

from portal.reports.fhir import observations, subjects
from portal.reports.fhir.base import Resource, Signed, full_url, reference
from portal.reports.fhir.observations import Scene
from portal.reports.fhir.report import by_hash, diagnostic_report, logical, provenance
from portal.reports.versions import SignedVersion

CONTENT_TYPE = "application/fhir+json"
LANGUAGE = "en"


def bundle_json(version: SignedVersion) -> str:
    """The bundle as JSON, validated. Its words are English whatever language the reader's pages are in."""
    # These models take a quarter of a second to import, and only this needs them.
    from fhir.resources.R4B.bundle import Bundle

    with translation.override(LANGUAGE):
        history = [Signed.of(diagnosis) for diagnosis in version.history]
        bundle = Bundle.model_validate(_bundle(history))
    return str(bundle.model_dump_json())


def _bundle(history: list[Signed]) -> Resource:
    """``history``: the version and those before it, the newest first."""
    signed = history[0]
    resources = _resources(signed, history)
    return {
        "resourceType": "Bundle",
        "id": signed.own_id("bundle"),
        "language": LANGUAGE,
        "identifier": by_hash(signed),
        "type": "collection",
        "timestamp": signed.signed_at,
        "entry": [{"fullUrl": full_url(resource), "resource": resource} for resource in resources],
    }


def _resources(signed: Signed, history: list[Signed]) -> list[Resource]:
    people: dict[str, Resource] = {}

    def person(name: str) -> Resource:
        return people.setdefault(name, subjects.practitioner(signed, name))

    patient = subjects.patient(signed)
    scene = Scene(
        patient=patient,
        specimen=subjects.specimen_of(signed, patient),
        organization=subjects.organization(signed),
        person=person,
        device=subjects.device(signed),
    )
    said = signed.content["reads"]
    reads = [observations.read(signed, scene, number, one) for number, one in enumerate(said)]
    model = observations.preclassification(signed, scene)
    results = [observations.conclusion(signed, scene, [*reads, model[0]]), *reads, *model]
    report = diagnostic_report(signed, scene, results)
    signatures = [
        provenance(one, scene, reference(report) if one is signed else logical(one), before)
        for one, before in zip(history, [*history[1:], None], strict=True)
    ]
    machine = [scene.device] if scene.device else []
    things = [scene.patient, scene.specimen, scene.organization, *machine, *people.values()]
    return [report, *results, *things, *signatures]
