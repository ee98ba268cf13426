"""What was said about the smear: by each reader, by the model of the case and of each photograph, and in the end."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from portal.cases.choices import Specimen
from portal.inference.choices import ReferReason
from portal.reading.choices import Confidence, ReadKind, ReadLabel
from portal.reports.codes import own, standard
from portal.reports.fhir.base import (
    Resource,
    Signed,
    component,
    concept,
    extension,
    notes,
    ratio,
    reference,
    references,
)
from smear.classes import CLASSES


@dataclass(frozen=True)
class Scene:
    """The resources that observations point at. ``person`` gives the practitioner of a name."""

    patient: Resource
    specimen: Resource
    organization: Resource
    person: Callable[[str], Resource]
    device: Resource | None


def answer(label: str) -> dict[str, Any]:
    """An answer in words and in our codes: the classes are those of the model's training data."""
    return concept(own("answer", label, str(ReadLabel(label).label)))


def sureness(confidence: str) -> dict[str, Any]:
    """``confidence`` as a component."""
    words = str(Confidence(confidence).label)
    return component("confidence", valueCodeableConcept=concept(own("confidence", confidence, words)))


def conclusion(signed: Signed, scene: Scene, based_on: list[Resource]) -> Resource:
    """What was signed."""
    said = signed.content["conclusion"]
    signer = scene.person(signed.content["signature"]["name"])
    # LOINC's code is for blood: elsewhere only our own code is given.
    is_blood = signed.content["case"]["specimen"] == Specimen.PERIPHERAL_BLOOD
    code = concept(standard("blood-smear") if is_blood else None, own("observation", "conclusion"))
    return {
        **_observation(signed, scene, "conclusion", code=code),
        "status": signed.status,
        "issued": signed.signed_at,
        "performer": [reference(signer, signed.content["signature"]["name"]), reference(scene.organization)],
        "valueCodeableConcept": answer(said["label"]),
        "component": [sureness(said["confidence"])],
        "derivedFrom": references(based_on),
        **notes(said["comment"]),
    }


def read(signed: Signed, scene: Scene, number: int, said: dict[str, Any]) -> Resource:
    """One person's answer: the last as the value, the reader's own, given before the reveal, as a component."""
    kind = said["kind"]
    last = said["concluded_label"] or said["label"]
    parts = [
        component(
            "read-kind", valueCodeableConcept=concept(own("read-kind", kind, str(ReadKind(kind).label)))
        ),
        component("own-answer", valueCodeableConcept=answer(said["label"])),
        component("model-seen", valueBoolean=said["model_seen"]),
        sureness(said["concluded_confidence"] or said["confidence"]),
    ]
    if said["seconds"] is not None:
        seconds = {"value": said["seconds"], "unit": "s", "system": "http://unitsofmeasure.org", "code": "s"}
        parts.append(component("seconds", valueQuantity=seconds))
    images = {image["position"]: image for image in signed.content["images"]}
    for one in said["images"]:
        place = _photograph(one["position"], images[one["position"]]["pixel_sha256"])
        parts.append(component("image-answer", extension=place, valueCodeableConcept=answer(one["label"])))
    return {
        **_observation(signed, scene, "read", number),
        "effectiveDateTime": said["at"],
        "performer": [reference(scene.person(said["reader"]), said["reader"])],
        "valueCodeableConcept": answer(last),
        "component": parts,
        **notes(said["comment"], said["reason"]),
    }


def preclassification(signed: Signed, scene: Scene) -> list[Resource]:
    """The model's answer for the case, then those for its photographs, from which it follows."""
    record = signed.content["model"]
    said = record["answer"]
    if not said or scene.device is None:
        return [_no_answer(signed, scene, record["reason"])]
    of_images = [_image_answer(signed, scene, scene.device, image) for image in record["images"]]
    reasons = [
        f"{ReferReason(reason).label}: {', '.join(map(str, positions))}"
        for reason, positions in said["refer_reasons"].items()
    ]
    low, high = said["spread"]
    spread = {"low": ratio(low), "high": ratio(high)}
    mixed = "Some photographs had been answered benign, others malignant." if said["mixed"] else ""
    of_case: Resource = {
        **_observation(signed, scene, "preclassification"),
        "device": reference(scene.device),
        "valueCodeableConcept": answer(said["label"]),
        "component": [
            *_probabilities(said["probabilities"]),
            component("spread", valueRange=spread),
            component("refer", valueBoolean=said["refer"]),
        ],
        "derivedFrom": references(of_images),
        **notes(mixed, *reasons),
    }
    return [of_case, *of_images]


def _no_answer(signed: Signed, scene: Scene, reason: str) -> Resource:
    return {
        **_observation(signed, scene, "preclassification"),
        "status": "cancelled",
        "dataAbsentReason": concept(standard("not-performed")),
        **notes(reason),
    }


def _image_answer(signed: Signed, scene: Scene, device: Resource, said: dict[str, Any]) -> Resource:
    reasons = [str(ReferReason(reason).label) for reason in said["refer_reasons"]]
    return {
        **_observation(signed, scene, "image-preclassification", said["position"]),
        "extension": _photograph(said["position"], said["pixel_sha256"]),
        "device": reference(device),
        "valueCodeableConcept": answer(said["label"]),
        "component": [
            *_probabilities(said["probabilities"]),
            component("outlier-score", valueQuantity=ratio(said["outlier_score"])),
            component("refer", valueBoolean=said["refer"]),
        ],
        **notes(*reasons),
    }


def _probabilities(probabilities: dict[str, float]) -> list[dict[str, Any]]:
    """A component for each class in the model's order, distinguished by a second coding."""
    return [
        {
            "code": {
                "coding": [own("observation", "probability"), *answer(label)["coding"]],
                "text": f"Probability of {ReadLabel(label).label}",
            },
            "valueQuantity": ratio(probabilities[label]),
        }
        for label in CLASSES
    ]


def _photograph(position: int, pixel_sha256: str) -> list[dict[str, Any]]:
    return [
        extension("photograph-position", valuePositiveInt=position),
        extension("photograph-pixel-sha256", valueString=pixel_sha256),
    ]


def _observation(
    signed: Signed, scene: Scene, kind: str, *parts: object, code: dict[str, Any] | None = None
) -> Resource:
    return {
        "resourceType": "Observation",
        "id": signed.own_id(kind, *parts),
        "status": "final",
        "category": [concept(standard("category"))],
        "code": code or concept(own("observation", kind)),
        "subject": reference(scene.patient),
        "specimen": reference(scene.specimen),
    }
