"""Thresholds of image quality: proposed as stated, and right for the drawn data set too."""

import numpy as np
import pytest

from smear.quality import Quality
from training.data.synthetic import draw
from training.evaluate.quality import MEASURES, propose, report

FOCUS, CLIPPED_BRIGHT = MEASURES[0], MEASURES[2]


def measured(name: str, values: list[float]) -> list[Quality]:
    good = {"focus": 4.0, "background": 245.0, "clipped_bright": 0.0, "clipped_dark": 0.0, "stained": 0.4}
    return [Quality(**(good | {name: value}), nucleated_cells=5) for value in values]


def test_a_threshold_lies_midway_where_true_and_spoilt_are_apart() -> None:
    true, spoilt = measured("focus", [4.0, 5.0, 6.0]), measured("focus", [1.0, 1.5, 2.0])
    assert propose(FOCUS, true, spoilt) == pytest.approx(3.0)
    assert propose(
        CLIPPED_BRIGHT, measured("clipped_bright", [0, 0.2]), measured("clipped_bright", [0.6, 1])
    ) == pytest.approx(0.4)


def test_a_threshold_flags_at_most_one_in_a_hundred_where_they_overlap() -> None:
    true, spoilt = measured("focus", list(np.arange(1000.0))), measured("focus", list(np.arange(500.0)))
    threshold = propose(FOCUS, true, spoilt)
    assert sum(FOCUS.flags(one.focus, threshold) for one in true) <= 10
    assert threshold > 0


def test_drawn_fields_pass_and_spoilt_ones_are_caught() -> None:
    random = np.random.default_rng(4)
    images = [draw(label, random) for label in ("Benign", "Early", "Pre", "Pro")]
    found = report(images, {"drawn": images})
    assert found["photographs"]["figures"] == 4
    assert found["reasons"]["true"] == {"any": 0.0}
    for spoilt, reason in {
        "blur 2": "out_of_focus",
        "2 stops under": "underexposed",
        "eyepiece's edge": "black_areas",
        "empty": "empty",
    }.items():
        assert found["reasons"][spoilt][reason] == 1.0, spoilt
    focus = found["measures"]["focus"]
    assert focus["blur 2"][-1] < focus["in_use"] < focus["true"][0]
    assert focus["flagged"] == {"thresholds": 0.0, "all": 0.0, "drawn": 0.0}
