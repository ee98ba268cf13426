"""A model card as its page shows it: figures in tables, rules in words.

Cards are written by training and kept as they are. Those with ``estimates`` (from version 2 on) state each figure with
its 95 % interval; version 1 states plain figures of one validation part. Whatever a card leaves out is left out here.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.conf import settings
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.inference.choices import ReferReason
from portal.inference.models import ModelVersion
from smear.classes import SMEAR_CLASSES
from smear.refer import ReferRule

#: A figure: ``value`` with ``low`` and ``high`` of its interval, which may be absent.
Measure = dict[str, Any]

#: The columns of the table, in their order.
MEASURES: dict[str, str | Promise] = {
    "macro_f1": gettext_lazy("Macro-F1"),
    "malignant_sensitivity": gettext_lazy("Malignant sensitivity"),
    "benign_recall": gettext_lazy("Benign recall"),
    "accuracy": gettext_lazy("Accuracy"),
    "ece": gettext_lazy("Calibration error"),
    "brier": gettext_lazy("Brier score"),
}
#: How an estimate that only shows how a careless one flatters is called in cards.
RANDOM_SPLIT = "random_split"
_TRAINING_FACTS: dict[str, str | Promise] = {
    "name": gettext_lazy("Data set"),
    "citation": gettext_lazy("Citation"),
    "article": gettext_lazy("Article"),
    "photographs_used": gettext_lazy("Photographs used"),
    "licence": gettext_lazy("Licence"),
    "start": gettext_lazy("Initial weights"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a part: the model itself or something it is compared with; measures by their key in ``MEASURES``."""

    title: str
    is_model: bool
    measures: dict[str, Measure]


@dataclass(frozen=True, slots=True)
class Part:
    """Photographs on which something was measured, with the model's line first, then those it is compared with."""

    key: str
    title: str
    images: int | None
    groups: int | None
    rows: list[Row]

    @property
    def model(self) -> Row:
        return self.rows[0]

    @property
    def is_random_split(self) -> bool:
        return self.key == RANDOM_SPLIT


@dataclass(frozen=True)
class CardPage:
    """One registered version and its card."""

    version: ModelVersion

    @property
    def card(self) -> dict[str, Any]:
        return dict(self.version.card)

    @property
    def is_in_use(self) -> bool:
        """Whether new cases are sent to it."""
        return self.version.is_active and self.version.name == settings.MODEL_NAME

    @property
    def rule(self) -> ReferRule:
        return self.version.rule()

    @property
    def classes(self) -> list[dict[str, Any]]:
        """The classes with their recall and the probability from which one is in the set, where known."""
        recall = (self.card.get("figures") or {}).get("recall") or {}
        least = self.version.refer_rule.get("least_probability", {})
        return [
            {"smear_class": one, "recall": recall.get(one.label), "least": least.get(one.label)}
            for one in SMEAR_CLASSES
        ]

    @property
    def training_facts(self) -> list[tuple[str, Any]]:
        """What the card says about the training data, ready words first."""
        stated = self.card.get("training_data") or {}
        known = [(str(title), stated[key]) for key, title in _TRAINING_FACTS.items() if stated.get(key)]
        return [
            *known,
            *((key.replace("_", " "), stated[key]) for key in stated if key not in _TRAINING_FACTS),
        ]

    @cached_property
    def parts(self) -> list[Part]:
        """What was measured on which photographs; the random split comes last."""
        card = self.card
        parts = _estimates(card) if "estimates" in card else _plain_figures(card)
        return sorted(parts, key=lambda part: part.is_random_split)

    @property
    def columns(self) -> dict[str, str | Promise]:
        """The measures that any line has, with their titles."""
        measured = {key for part in self.parts for row in part.rows for key in row.measures}
        return {key: title for key, title in MEASURES.items() if key in measured}

    @property
    def has_intervals(self) -> bool:
        rows = [row for part in self.parts for row in part.rows]
        return any(measure.get("low") is not None for row in rows for measure in row.measures.values())

    @property
    def random_gap(self) -> float | None:
        """By how much macro-F1 a random split flatters the model, compared with groups kept whole."""
        found = {part.key: part.model.measures.get("macro_f1") for part in self.parts}
        flattering, honest = found.get(RANDOM_SPLIT), found.get("cross_validation") or found.get("test")
        if not flattering or not honest:
            return None
        return float(flattering["value"]) - float(honest["value"])

    @property
    def calibration_error(self) -> Measure | None:
        """The calibration error on the first part that has one: the test part where there is one."""
        stated = (part.model.measures.get("ece") for part in self.parts)
        return next((measure for measure in stated if measure), None)

    @property
    def confusion(self) -> list[dict[str, Any]]:
        """Lines of the confusion matrix: true class and how its photographs were called; empty without one."""
        stated = (self.card.get("figures") or {}).get("confusion") or {}
        return [
            {"label": label, "counts": list(zip(stated["labels"], counts, strict=True))}
            for label, counts in zip(stated.get("labels", []), stated.get("matrix", []), strict=True)
        ]

    @property
    def refer_words(self) -> list[tuple[ReferReason, str]]:
        """Each reason of the refer rule with this version's bar for it, in words."""
        rule = self.rule
        words = [
            (
                ReferReason.OUTLIER,
                _("the outlier score is above %(threshold)s; the median photograph of the training scores 1")
                % {"threshold": number_format(f"{rule.outlier_threshold:.4g}")},
            )
        ]
        if not rule.level:
            return [
                *words,
                (ReferReason.LOW_CONFIDENCE, _("no class has a probability of at least one half")),
            ]
        return [
            *words,
            (ReferReason.MIXED_SET, _("Neither Benign nor at least one malignant class can be ruled out")),
            (
                ReferReason.LOW_CONFIDENCE,
                _("the leading class has a probability below %(least)s %%, or no class fits")
                % {"least": number_format(f"{100 * rule.least_confidence:.3g}")},
            ),
        ]

    @property
    def gate_words(self) -> str:
        """What is to be said where there is no gate result."""
        if self.version.gate:
            return ""
        if "estimates" in self.card:
            return _("It has not been measured whether this version is good enough: it has no gate result.")
        return _("This version was delivered before a gate was required.")


def _measures(stated: dict[str, Any]) -> dict[str, Measure]:
    found = {key: _measure(stated.get(key)) for key in MEASURES}
    return {key: measure for key, measure in found.items() if measure.get("value") is not None}


def _measure(stated: Any) -> Measure:
    return stated if isinstance(stated, dict) else {"value": stated}


def _estimates(card: dict[str, Any]) -> list[Part]:
    comparisons = card.get("comparisons") or []
    return [
        Part(
            key=estimate["key"],
            title=estimate.get("title", estimate["key"]),
            images=estimate.get("images"),
            groups=estimate.get("groups"),
            rows=[
                Row(_("This model"), True, _measures(estimate["measures"])),
                *(
                    Row(other.get("title", other["key"]), False, _measures(other["measures"]))
                    for other in comparisons
                    if other.get("part") == estimate["key"]
                ),
            ],
        )
        for estimate in card["estimates"]
    ]


def _plain_figures(card: dict[str, Any]) -> list[Part]:
    figures = card.get("figures")
    if not figures:
        return []
    rows = [
        Row(_("This model"), True, _measures(figures)),
        *(
            Row(other.get("title", key), False, _measures(other))
            for key, other in (card.get("baselines") or {}).items()
        ),
    ]
    title = _("Validation part: %(split)s") % {"split": (card.get("split") or {}).get("kind", "")}
    return [Part("validation", title, figures.get("images"), None, rows)]
