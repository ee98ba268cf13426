"""When the model's answer is *refer*: a person has to look without leaning on it.

One rule for everybody who needs it: training measures it, the worker applies it, the portal says it in words.
Its numbers belong to a model version and come with its card.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from smear.classes import CLASSES, MALIGNANT


class Reason(StrEnum):
    """Why an answer is *refer*."""

    OUTLIER = "outlier"
    MIXED_SET = "mixed_set"
    LOW_CONFIDENCE = "low_confidence"


@dataclass(frozen=True, slots=True)
class ReferRule:
    """The numbers of the rule, one set a model version.

    ``level`` is the coverage promised for each class (0.99: of photographs of any one class, 99 % have that class
    in their set); ``least_probability`` holds, in the order of ``smear.classes.CLASSES``, the probability from
    which a class is in the set: class-conditional split conformal prediction (Vovk, ACML 2012; Sadinle, Lei and
    Wasserman, J Am Stat Assoc 2019). Below ``least_confidence`` for the leading class, or above
    ``outlier_threshold`` for the OUTLIER_SCORE, the answer is *refer* whatever the set.
    """

    level: float
    least_probability: tuple[float, ...]
    least_confidence: float
    outlier_threshold: float

    @classmethod
    def from_card(cls, card: Mapping[str, Any]) -> Self:
        """The rule of a model card; a card without one (version 1) promises nothing and knows only outliers.

        :raises ValueError: when the card's rule does not name a probability for every class.
        """
        stored = card.get("refer_rule") or {}
        least = stored.get("least_probability", dict.fromkeys(CLASSES, 0.5))
        if set(least) != set(CLASSES):
            raise ValueError(f"refer_rule names {', '.join(least)}; the classes are {', '.join(CLASSES)}")
        return cls(
            level=float(stored.get("level", 0.0)),
            least_probability=tuple(float(least[label]) for label in CLASSES),
            least_confidence=float(stored.get("least_confidence", 0.0)),
            outlier_threshold=float(card["outlier_threshold"]),
        )

    def to_card(self) -> dict[str, Any]:
        """What :meth:`from_card` reads under ``refer_rule``."""
        return {
            "level": self.level,
            "least_probability": dict(zip(CLASSES, self.least_probability, strict=True)),
            "least_confidence": self.least_confidence,
        }

    def prediction_set(self, probabilities: Sequence[float]) -> tuple[str, ...]:
        """The classes that cannot be ruled out at ``level``, in the order of ``CLASSES``; may be empty.

        The leading class may be missing: each class has a bar of its own, and one with a high bar can lead and still
        stay below it. Such an answer is *refer*.

        :param probabilities: PROBABILITIES of one photograph, in the order of ``CLASSES``.
        """
        bars = zip(CLASSES, probabilities, self.least_probability, strict=True)
        return tuple(label for label, probability, least in bars if probability >= least)

    def reasons(self, probabilities: Sequence[float], outlier_score: float) -> tuple[Reason, ...]:
        """Why this answer is *refer*, the gravest first; empty when it is not."""
        labels = self.prediction_set(probabilities)
        malignant = sum(label in MALIGNANT for label in labels)
        found = []
        if outlier_score > self.outlier_threshold:
            found.append(Reason.OUTLIER)
        if 0 < malignant < len(labels):
            found.append(Reason.MIXED_SET)
        leading = CLASSES[max(range(len(CLASSES)), key=probabilities.__getitem__)]
        if max(probabilities) < self.least_confidence or leading not in labels:
            found.append(Reason.LOW_CONFIDENCE)
        return tuple(found)
