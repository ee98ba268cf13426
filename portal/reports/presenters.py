"""A report version as its page shows it, and what an amendment changed."""

from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal.cases.models import SmearImage
from portal.reading.choices import Confidence, ReadKind, ReadLabel
from portal.reports.models import Diagnosis
from smear.classes import CLASSES


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that an amendment changed."""

    title: str | Promise
    before: str
    after: str


def changes(before: Diagnosis, after: Diagnosis) -> list[Change]:
    """What a version says otherwise than the one it amends."""
    pairs = (
        (_("Conclusion"), before.get_label_display(), after.get_label_display()),
        (_("Confidence"), before.get_confidence_display(), after.get_confidence_display()),
        (_("Comment"), before.comment, after.comment),
        (_("Signed by"), before.signed_by.full_name, after.signed_by.full_name),
    )
    return [Change(title, old, new) for title, old, new in pairs if old != new]


@dataclass(frozen=True)
class ReportPage:
    """One signed version. ``versions`` are all of the case's, the newest first; ``images`` its photographs."""

    diagnosis: Diagnosis
    versions: list[Diagnosis]
    images: dict[int, SmearImage]

    @property
    def is_newest(self) -> bool:
        return self.diagnosis.pk == self.versions[0].pk

    @property
    def amends(self) -> Diagnosis | None:
        """The version before."""
        return next((one for one in self.versions if one.version == self.diagnosis.version - 1), None)

    @property
    def changes(self) -> list[Change]:
        return changes(self.amends, self.diagnosis) if self.amends else []

    @property
    def reads(self) -> list[dict[str, Any]]:
        """The reads that led to it, in words."""
        return [
            {
                **read,
                "kind_words": ReadKind(read["kind"]).label,
                "answer": ReadLabel(read["label"]).label,
                "sure": Confidence(read["confidence"]).label,
                "concluded": ReadLabel(read["concluded_label"]).label if read["concluded_label"] else "",
                "changed": bool(read["concluded_label"]) and read["concluded_label"] != read["label"],
            }
            for read in self.diagnosis.content.get("reads", [])
        ]

    @property
    def model_rows(self) -> list[dict[str, Any]]:
        """What the model had said of each photograph; the classes in their order, which JSON in the database loses."""
        answers = {one["position"]: one["label"] for one in self.diagnosis.content.get("images", [])}
        return [
            {
                "said": said,
                "image": self.images.get(said["position"]),
                "read": ReadLabel(answers[said["position"]]).label if answers.get(said["position"]) else "",
                "probabilities": [said["probabilities"][label] for label in CLASSES],
            }
            for said in self.diagnosis.model_record["images"]
        ]
