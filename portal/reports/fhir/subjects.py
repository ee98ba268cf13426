"""Of whom and of what the report speaks, and who and what spoke: patient, specimen, people, laboratory, model.

No name, birth date or address of a patient is known to Hemalens; the patient is a pseudonym within one laboratory.
"""

from portal.cases.choices import Magnification, Specimen, Stain
from portal.reports.codes import own, specimen
from portal.reports.fhir.base import Resource, Signed, concept, identifier, lasting_id, notes, reference


def patient(signed: Signed) -> Resource:
    laboratory, pseudonym = signed.content["laboratory"]["slug"], signed.content["case"]["patient_pseudonym"]
    return {
        "resourceType": "Patient",
        "id": lasting_id("patient", laboratory, pseudonym),
        "identifier": [identifier(f"{laboratory}-pseudonym", pseudonym)],
    }


def organization(signed: Signed) -> Resource:
    laboratory = signed.content["laboratory"]
    return {
        "resourceType": "Organization",
        "id": lasting_id("laboratory", laboratory["slug"]),
        "identifier": [identifier("laboratory", laboratory["slug"])],
        "name": laboratory["name"],
    }


def practitioner(signed: Signed, name: str) -> Resource:
    # Names alone do not tell two people of one name apart, so nobody is the same person in another report.
    return {
        "resourceType": "Practitioner",
        "id": signed.own_id("practitioner", name),
        "name": [{"text": name}],
    }


def specimen_of(signed: Signed, subject: Resource) -> Resource:
    case = signed.content["case"]
    laboratory = signed.content["laboratory"]["slug"]
    words = str(Specimen(case["specimen"]).label)
    found: Resource = {
        "resourceType": "Specimen",
        "id": lasting_id("specimen", case["id"]),
        "accessionIdentifier": identifier(f"{laboratory}-accession", signed.content["report"]["accession"]),
        "type": concept(specimen(case["specimen"]), own("specimen", case["specimen"], words)),
        "subject": reference(subject),
    }
    if case["stain"]:
        stain = str(Stain(case["stain"]).label)
        found["processing"] = [
            {"description": "Staining", "procedure": concept(own("stain", case["stain"], stain))}
        ]
    if case["magnification"]:
        found |= notes(f"Photographed at {Magnification(case['magnification']).label}.")
    return found


def device(signed: Signed) -> Resource | None:
    """The model's version, or None where the model has not answered."""
    record = signed.content["model"]
    if not record["answer"]:
        return None
    model = record["model"]
    return {
        "resourceType": "Device",
        "id": lasting_id("model", model["name"], model["version"], model["sha256"]),
        "identifier": [identifier("model-weights-sha256", model["sha256"])],
        "status": "active",
        "deviceName": [{"name": model["name"], "type": "model-name"}],
        "type": concept(own("device", "classifier")),
        "version": [{"value": str(model["version"])}],
        **notes(signed.content["notice"], *record.get("limits", [])),
    }
