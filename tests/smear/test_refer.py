"""When an answer is *refer*."""

import pytest

from smear.classes import CLASSES
from smear.refer import Reason, ReferRule

RULE = ReferRule(
    level=0.95, least_probability=(0.2, 0.3, 0.3, 0.3), least_confidence=0.6, outlier_threshold=1.5
)


@pytest.mark.parametrize(
    ("probabilities", "score", "labels", "reasons"),
    [
        ((0.01, 0.97, 0.01, 0.01), 1.0, ("Early",), ()),
        ((0.02, 0.60, 0.35, 0.03), 1.0, ("Early", "Pre"), ()),
        ((0.25, 0.70, 0.03, 0.02), 1.0, ("Benign", "Early"), (Reason.MIXED_SET,)),
        ((0.95, 0.03, 0.01, 0.01), 1.6, ("Benign",), (Reason.OUTLIER,)),
        ((0.19, 0.27, 0.27, 0.27), 1.0, (), (Reason.LOW_CONFIDENCE,)),
        ((0.05, 0.50, 0.35, 0.10), 1.5, ("Early", "Pre"), (Reason.LOW_CONFIDENCE,)),
        ((0.45, 0.45, 0.05, 0.05), 9.0, ("Benign", "Early"), tuple(Reason)),
    ],
)
def test_reasons(
    probabilities: tuple[float, ...], score: float, labels: tuple[str, ...], reasons: tuple[Reason, ...]
) -> None:
    assert RULE.prediction_set(probabilities) == labels
    assert RULE.reasons(probabilities, score) == reasons


def test_an_answer_whose_leading_class_misses_its_own_bar_is_refer() -> None:
    # Version 3's bars: Pro needs far more than Pre.
    rule = ReferRule(
        level=0.99, least_probability=(0.53, 0.52, 0.13, 0.94), least_confidence=0.0, outlier_threshold=1
    )
    assert rule.prediction_set((0.0, 0.0, 0.2, 0.8)) == ("Pre",)
    assert rule.reasons((0.0, 0.0, 0.2, 0.8), 0.5) == (Reason.LOW_CONFIDENCE,)


def test_the_card_keeps_the_rule() -> None:
    card = {"outlier_threshold": 1.5, "refer_rule": RULE.to_card()}
    assert ReferRule.from_card(card) == RULE


def test_a_card_without_a_rule_knows_only_outliers() -> None:
    rule = ReferRule.from_card({"outlier_threshold": 1.3})
    assert rule.reasons((0.4, 0.3, 0.2, 0.1), 1.2) == (Reason.LOW_CONFIDENCE,)
    assert rule.reasons((0.97, 0.01, 0.01, 0.01), 1.4) == (Reason.OUTLIER,)


def test_a_rule_for_other_classes_is_refused() -> None:
    with pytest.raises(ValueError, match="classes are Benign"):
        ReferRule.from_card({"outlier_threshold": 1, "refer_rule": {"least_probability": {CLASSES[0]: 0.5}}})
