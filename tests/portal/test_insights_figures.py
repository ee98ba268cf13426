"""The insights' statistics against published values and values worked out by hand."""

from math import log

import numpy as np
import pytest

from portal.insights.figures import (
    clustered_mean,
    clustered_share,
    cohen_kappa,
    confusion,
    ks_by_chance,
    ks_distance,
    percentiles,
    population_stability,
    stability_by_chance,
    wilson,
)
from tests.portal.kinds import present


def test_kappa_of_the_published_example() -> None:
    """Fleiss, Statistical Methods for Rates and Proportions (1981), table 13.1: kappa 0.68, standard error 0.087."""
    found = present(cohen_kappa([[75, 1, 4], [5, 4, 1], [0, 0, 10]]))
    assert found.value == pytest.approx(0.676, abs=0.0005)
    assert (present(found.high) - found.value) / 1.96 == pytest.approx(0.087, abs=0.001)
    # The book goes on from its rounded 0.68: 0.51 to 0.85.
    assert (found.low, found.high) == pytest.approx((0.5046, 0.8484), abs=0.0001)
    assert found.n == 100


def test_kappa_of_two_answers_worked_out_by_hand() -> None:
    """The 2x2 table of the textbooks: 70 % agree, 50 % by chance, so kappa is 0.4."""
    assert present(cohen_kappa([[20, 5], [10, 15]])).value == pytest.approx(0.4)
    assert present(cohen_kappa([[25, 25], [25, 25]])).value == pytest.approx(0)
    assert present(cohen_kappa([[0, 10], [10, 0]])).value == pytest.approx(-1)


def test_kappa_holds_its_tongue_where_it_knows_nothing() -> None:
    assert cohen_kappa(np.zeros((4, 4))) is None
    assert cohen_kappa([[9, 0], [0, 0]]) is None, "one answer throughout: chance agrees completely"
    perfect = present(cohen_kappa([[9, 0], [0, 9]]))
    assert (perfect.value, perfect.low, perfect.high) == (1, None, None)


def test_kappa_s_interval_holds_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(4)
    truth = np.array([[0.30, 0.04, 0.02], [0.05, 0.25, 0.03], [0.01, 0.05, 0.25]])
    expected = truth.sum(axis=1) @ truth.sum(axis=0)
    kappa = (np.trace(truth) - expected) / (1 - expected)
    found = [present(cohen_kappa(rng.multinomial(60, truth.ravel()).reshape(3, 3))) for _ in range(2000)]
    held = np.mean([present(one.low) <= kappa <= present(one.high) for one in found])
    assert 0.93 <= held <= 0.97


def test_wilson_s_interval_of_published_examples() -> None:
    """Newcombe, Stat Med 17 (1998) 857, table I: 81/263, 15/148, 0/20, 1/29."""
    published = {
        (81, 263): (0.2553, 0.3662),
        (15, 148): (0.0624, 0.1605),
        (0, 20): (0, 0.1611),
        (1, 29): (0.0061, 0.1718),
    }
    for (count, n), interval in published.items():
        found = present(wilson(count, n))
        assert (found.low, found.high) == pytest.approx(interval, abs=0.00006)
    assert present(wilson(20, 20)).high == 1
    assert wilson(0, 0) is None
    with pytest.raises(ValueError, match="no share"):
        wilson(3, 2)


def test_confusion_counts_row_against_column() -> None:
    matrix = confusion([("a", "b"), ("a", "b"), ("b", "b")], ["a", "b"])
    assert matrix.tolist() == [[0, 2], [0, 1]]
    with pytest.raises(ValueError, match="unknown labels: c"):
        confusion([("a", "c")], ["a", "b"])


def test_percentiles_are_values_that_occur() -> None:
    assert percentiles(range(1, 101)) == [50, 90, 95]
    assert percentiles([3, 1, 2]) == [2, 3, 3]
    with pytest.raises(ValueError, match="no values"):
        percentiles([])


def test_population_stability_by_hand() -> None:
    assert population_stability([10, 30], [100, 300]) == pytest.approx(0, abs=0.001)
    half = 0.5 / 1000
    p, q = (0.5 + half) / (1 + 2 * half), (0.8 + half) / (1 + 2 * half)
    by_hand = (q - p) * log(q / p) + (p - q) * log((1 - q) / (1 - p))
    assert population_stability([500, 500], [800, 200]) == pytest.approx(by_hand)
    assert population_stability([500, 500], [0, 1000]) < 10, "an empty class stays finite"
    with pytest.raises(ValueError, match="neither empty"):
        population_stability([1, 1], [0, 0])


def test_samples_of_one_population_seldom_pass_the_bars_of_chance() -> None:
    rng = np.random.default_rng(5)
    mix = [0.2, 0.3, 0.3, 0.2]
    bar = stability_by_chance(4, 458, 120)
    passed = [
        population_stability(rng.multinomial(458, mix), rng.multinomial(120, mix)) > bar for _ in range(2000)
    ]
    assert 0.001 <= np.mean(passed) <= 0.02
    passed = [
        ks_distance(rng.normal(size=80), rng.normal(size=40)) > ks_by_chance(80, 40) for _ in range(2000)
    ]
    assert 0.001 <= np.mean(passed) <= 0.02


def test_ks_distance_by_hand() -> None:
    assert ks_distance([1, 2, 3], [1, 2, 3]) == 0
    assert ks_distance([1, 2], [3, 4]) == 1
    assert ks_distance([1, 2, 3, 4], [3, 4, 5, 6]) == 0.5
    assert ks_by_chance(100, 100) == pytest.approx(1.628 * (2 / 100) ** 0.5, abs=0.0005)
    with pytest.raises(ValueError, match="both sides"):
        ks_distance([], [1])


def test_photographs_of_one_case_count_together() -> None:
    assert present(clustered_mean([2, 4], [2, 2])).value == pytest.approx(1.5)
    assert clustered_mean([2], [2]) is None
    # Ten cases whose four photographs are all alike say as much as ten photographs.
    counts = [4] * 3 + [0] * 7
    found = present(clustered_share(counts, [4] * 10))
    single = present(wilson(3, 10, 2.575829))
    assert found.value == pytest.approx(0.3)
    assert (found.low, found.high) == pytest.approx((single.low, single.high), abs=0.03)
    none = present(clustered_share([0] * 40, [3] * 40))
    assert none.value == 0
    assert none.high == pytest.approx(present(wilson(0, 40, 2.575829)).high)
