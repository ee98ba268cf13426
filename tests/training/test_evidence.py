"""The statistics beside the figures: intervals over groups, conformal sets, outlier scores, stain normalisation."""

import numpy as np
import pytest
from numpy.typing import NDArray

from smear.refer import ReferRule
from training.data import normalise
from training.evaluate import bootstrap, conformal, metrics
from training.model import outliers
from training.model.network import LeukemiaVGG16

#: Outlier features of the same photographs as they are and changed, their labels, and their folds.
Features = tuple[list[NDArray[np.float32]], NDArray[np.int64], NDArray[np.int64]]
#: Probabilities, labels and groups.
Judged = tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]


def judged(share_right: float, groups: int, size: int, seed: int = 0) -> Judged:
    """Probabilities, labels and groups; whole groups are right or wrong together."""
    random = np.random.default_rng(seed)
    group = np.repeat(np.arange(groups), size)
    labels = group % 4
    right = (random.random(groups) < share_right)[group]
    called = np.where(right, labels, (labels + 1) % 4)
    return np.eye(4)[called], labels, group


def ends(interval: dict[str, float | None]) -> tuple[float, float]:
    """Where an interval that could be told begins and ends."""
    low, high = interval["low"], interval["high"]
    assert low is not None
    assert high is not None
    return low, high


def test_intervals_over_groups_are_wider_than_over_photographs() -> None:
    probabilities, labels, group = judged(0.8, groups=40, size=25)
    over_groups = bootstrap.intervals(probabilities, labels, group, resamples=300)["accuracy"]
    over_photographs = bootstrap.intervals(probabilities, labels, np.arange(len(labels)), resamples=300)[
        "accuracy"
    ]
    widths = [high - low for low, high in map(ends, (over_groups, over_photographs))]
    assert widths[0] > 3 * widths[1]
    low, high = ends(over_groups)
    value = over_groups["value"]
    assert value is not None
    assert low < value < high


def test_intervals_cover_the_truth_about_as_often_as_they_say() -> None:
    inside = 0
    for seed in range(60):
        probabilities, labels, group = judged(0.8, groups=60, size=3, seed=seed)
        found = bootstrap.intervals(probabilities, labels, group, resamples=200, seed=seed)["accuracy"]
        low, high = ends(found)
        inside += low <= 0.8 <= high
    assert inside >= 51


def test_figures_repeat_themselves() -> None:
    probabilities, labels, group = judged(0.9, groups=20, size=5)
    once, twice = (bootstrap.intervals(probabilities, labels, group, resamples=50) for _ in range(2))
    assert once == twice


def answers(count: int, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    random = np.random.default_rng(seed)
    labels = np.arange(count) % 4
    logits = random.normal(0, 1.5, (count, 4))
    logits[np.arange(count), labels] += 3
    exponents = np.exp(logits)
    return exponents / exponents.sum(axis=1, keepdims=True), labels


def test_prediction_sets_cover_every_class_as_promised() -> None:
    probabilities, labels = answers(8000)
    fold = np.arange(8000) // 4 % 5
    inside = conformal.cross_covered(probabilities, labels, fold, level=0.9)
    found = conformal.coverage(inside, labels, groups=np.arange(8000) // 40)
    assert found["photographs"] == pytest.approx(0.9, abs=0.01)
    assert all(share == pytest.approx(0.9, abs=0.025) for share in found["by_class"].values())
    assert found["by_group"]["groups"] == 200


def test_too_few_photographs_promise_nothing() -> None:
    probabilities, labels = answers(40)
    with pytest.raises(ValueError, match="too few"):
        conformal.bars(probabilities, labels, level=0.99)


def test_referral_and_what_it_misses_are_counted() -> None:
    rule = ReferRule(0.9, (0.2, 0.2, 0.2, 0.2), least_confidence=0.5, outlier_threshold=1.5)
    probabilities = np.array([[0.9, 0.1, 0, 0], [0.6, 0.4, 0, 0], [0.1, 0.9, 0, 0], [0.9, 0.1, 0, 0]])
    scores, labels = np.array([1, 1, 9, 1], dtype=np.float32), np.array([0, 1, 1, 1])
    shares = conformal.referred(probabilities, scores, rule)
    assert shares == {"any": 0.5, "mixed_set": 0.25, "outlier": 0.25}
    assert conformal.errors(probabilities, scores, labels, rule) == {"wrong": 2, "wrong_and_not_referred": 1}
    assert conformal.set_sizes(probabilities, rule) == {"0": 0, "1": 0.75, "2": 0.25, "3": 0, "4": 0}


def test_a_twentieth_is_below_the_least_confidence() -> None:
    leading = np.linspace(0.4, 1, 1001)
    probabilities = np.stack([leading, *[(1 - leading) / 3] * 3], axis=1)
    assert conformal.least_confidence(probabilities) == pytest.approx(0.43, abs=1e-3)


def test_reliability_bins_hold_equal_numbers_and_their_gaps_make_the_calibration_error() -> None:
    probabilities, labels = answers(1500)
    bins = metrics.reliability(probabilities, labels)
    assert {one["photographs"] for one in bins} == {100}
    gap = np.mean([abs(one["confidence"] - one["accuracy"]) for one in bins])
    assert metrics.expected_calibration_error(probabilities, labels) == pytest.approx(gap)


def test_brier_is_zero_for_certainty_and_two_for_certain_error() -> None:
    assert metrics.brier(np.eye(4), np.arange(4)) == 0
    assert metrics.brier(np.eye(4), (np.arange(4) + 1) % 4) == 2


@pytest.fixture(scope="module")
def features() -> Features:
    """Outlier features (as they are, and all a little off in one direction), labels and folds of four classes."""
    random = np.random.default_rng(0)
    labels = np.arange(400) % 4
    found = random.normal(3, 0.2, (400, 768)) + labels[:, None] * 0.1
    plain = found.astype(np.float32)
    changed = plain + np.linspace(-1, 1, 768, dtype=np.float32)
    return [plain, changed], labels, np.arange(400) // 4 % 5


def test_the_threshold_refers_as_few_true_fields_as_promised(features: Features) -> None:
    scores, _ = outliers.held_out_scores(*features)
    assert (scores > outliers.threshold(scores)).mean() <= outliers.FALSE_REFER + 1e-9


def test_what_augmentation_has_shown_is_no_outlier(features: Features) -> None:
    (plain, changed), labels, fold = features
    above = []
    for versions in ([plain], [plain, changed]):
        network = LeukemiaVGG16()
        outliers.fit(network, [one[fold > 0] for one in versions], labels[fold > 0])
        limit = outliers.threshold(outliers.scores(network, plain[fold == 0]))
        above.append((outliers.scores(network, changed[fold == 0]) > limit).mean())
    assert above[0] == 1
    assert above[1] < 0.1


def test_both_scores_over_every_layer_tell_other_images_apart(features: Features) -> None:
    strange = np.random.default_rng(1).normal(5, 0.2, (30, 768)).astype(np.float32)
    versions, labels, fold = features
    rows = outliers.compare(versions, labels, fold, {"strange": strange})
    assert len(rows) == 2 * len(outliers.LAYERS)
    assert all(row["other_images"]["strange"]["auroc"] == 1 for row in rows)
    own = versions[0][:30]
    rows = outliers.compare(versions, labels, fold, {"own": own})
    assert all(row["other_images"]["own"]["auroc"] < 0.9 for row in rows)


@pytest.mark.parametrize("name", sorted(normalise.NORMALISATIONS))
def test_normalisation_takes_out_the_lamp(name: str) -> None:
    random = np.random.default_rng(0)
    picture = random.integers(60, 220, (3, 64, 64)).astype(np.uint8)
    dimmed = (picture * 0.7).astype(np.uint8)
    change = normalise.NORMALISATIONS[name]
    between = np.abs(change(picture).astype(int) - change(dimmed).astype(int)).mean()
    assert (between > 20) if name == "none" else (between < 6)
