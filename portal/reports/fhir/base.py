"""What every resource of a bundle is made with: ids that stay the same, references, and small data types."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from django.conf import settings

from portal.reports.codes import Coding, address, own
from portal.reports.models import Diagnosis

Resource = dict[str, Any]


@dataclass(frozen=True)
class Signed:
    """A signed version as the resources see it: its content, its hash, and the ids that follow from them."""

    content: dict[str, Any]
    sha256: str

    @classmethod
    def of(cls, diagnosis: Diagnosis) -> "Signed":
        return cls(diagnosis.content, diagnosis.sha256)

    def own_id(self, *parts: object) -> str:
        """The id of something that belongs to this version alone."""
        return lasting_id(self.sha256, *parts)

    @property
    def version(self) -> int:
        return int(self.content["report"]["version"])

    @property
    def status(self) -> str:
        """``final`` for the first version, ``amended`` for those after it."""
        return "amended" if self.version > 1 else "final"

    @property
    def signed_at(self) -> str:
        return str(self.content["signature"]["at"])


def lasting_id(*parts: object) -> str:
    """The same id for the same thing in every bundle of this installation (a patient, a specimen, a model)."""
    return str(uuid5(_namespace(), "/".join(str(part) for part in parts)))


def _namespace() -> UUID:
    return uuid5(NAMESPACE_URL, settings.SITE_URL.rstrip("/"))


def full_url(resource: Resource) -> str:
    return f"urn:uuid:{resource['id']}"


def reference(resource: Resource, display: str = "") -> dict[str, str]:
    """A reference to a resource of the same bundle."""
    found = {"reference": full_url(resource), "type": resource["resourceType"]}
    return {**found, "display": display} if display else found


def identifier(system: str, value: str) -> dict[str, str]:
    """An identifier in a naming system of this installation."""
    return {"system": address("NamingSystem", system), "value": value}


def concept(*codings: Coding | None, text: str = "") -> dict[str, Any]:
    """A CodeableConcept of the codings that there are; without words of its own it has the last coding's."""
    known = [coding for coding in codings if coding is not None]
    return {"coding": known, "text": text or known[-1]["display"]}


def extension(name: str, **value: Any) -> dict[str, Any]:
    """An extension of ours, its value as FHIR spells it: ``valueString="…"``."""
    return {"url": address("StructureDefinition", name), **value}


def component(code: str, **value: Any) -> dict[str, Any]:
    """A part of an observation under one of our codes."""
    return {"code": concept(own("observation", code)), **value}


def notes(*texts: str) -> dict[str, list[dict[str, str]]]:
    """``note`` with the texts that say something, each once; nothing where none does."""
    said = list(dict.fromkeys(text.strip() for text in texts if text.strip()))
    return {"note": [{"text": text} for text in said]} if said else {}


def ratio(value: float) -> dict[str, Any]:
    """A number without a unit."""
    return {"value": value, "unit": "1", "system": "http://unitsofmeasure.org", "code": "1"}


def references(resources: Sequence[Resource]) -> list[dict[str, str]]:
    return [reference(resource) for resource in resources]
