"""The statistics of the insights as pure functions: shares, agreement, percentiles, distances.

NumPy only. Nothing here knows cases or the database; docs/insights.md says which figure uses what, and why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: Two-sided 95 % and 99 % points of the normal distribution.
Z95 = 1.959964
Z99 = 2.575829
#: 99 % points of the chi-square distribution by degrees of freedom.
CHI2_99 = {1: 6.6349, 2: 9.2103, 3: 11.3449, 4: 13.2767, 5: 15.0863}
#: c(0.01) of the two-sample Kolmogorov-Smirnov test: sqrt(-ln(0.01 / 2) / 2).
KS_C99 = sqrt(-log(0.005) / 2)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its interval; ``low`` and ``high`` are None where none can be given. ``n`` is what it rests on."""

    value: float
    low: float | None
    high: float | None
    n: int


def wilson(count: float, n: float, z: float = Z95) -> Estimate | None:
    """A share with Wilson's score interval; None for nothing out of nothing.

    Wilson, J Am Stat Assoc 22 (1927) 209; Brown, Cai & DasGupta, Stat Sci 16 (2001) 101 on why not Wald's.
    :raises ValueError: when ``count`` is not within 0..n.
    """
    if n == 0 and count == 0:
        return None
    if not 0 <= count <= n:
        raise ValueError(f"{count} of {n} is no share")
    p = count / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    # At the ends the formula gives 0 and 1 but for rounding.
    low = 0.0 if count == 0 else centre - half
    high = 1.0 if count == n else centre + half
    return Estimate(p, low, high, round(n))


def confusion(pairs: Sequence[tuple[str, str]], labels: Sequence[str]) -> NDArray[np.int64]:
    """Counts [rows, columns] of pairs (row label, column label), both in the order of ``labels``.

    :raises ValueError: when a label is not among them.
    """
    place = {label: index for index, label in enumerate(labels)}
    unknown = {label for pair in pairs for label in pair} - set(place)
    if unknown:
        raise ValueError(f"unknown labels: {', '.join(sorted(unknown))}")
    matrix = np.zeros((len(labels), len(labels)), dtype=np.int64)
    for row, column in pairs:
        matrix[place[row], place[column]] += 1
    return matrix


def cohen_kappa(matrix: ArrayLike, z: float = Z95) -> Estimate | None:
    """Cohen's kappa of a square matrix of counts with its large-sample interval; None where it is undefined.

    Standard error for an interval (kappa not 0): Fleiss, Cohen & Everitt, Psychol Bull 72 (1969) 323, as in Fleiss,
    Levin & Paik, Statistical Methods for Rates and Proportions (3rd ed. 2003), formula 18.13. Undefined without pairs
    and where both sides gave one and the same answer throughout (chance alone would agree completely). Where no pair
    disagrees the formula's error is 0, which says nothing, so there is no interval.
    """
    counts = np.asarray(matrix, dtype=float)
    n = counts.sum()
    if n == 0:
        return None
    p = counts / n
    rows, columns = p.sum(axis=1), p.sum(axis=0)
    agreed, expected = float(np.trace(p)), float(rows @ columns)
    if expected >= 1:
        return None
    kappa = (agreed - expected) / (1 - expected)
    if agreed == 1:
        return Estimate(kappa, None, None, int(n))
    on_diagonal = np.diag(p) * (1 - (rows + columns) * (1 - kappa)) ** 2
    off_diagonal = p * (columns[:, None] + rows[None, :]) ** 2
    np.fill_diagonal(off_diagonal, 0)
    a, b = on_diagonal.sum(), (1 - kappa) ** 2 * off_diagonal.sum()
    c = (kappa - expected * (1 - kappa)) ** 2
    error = sqrt(max(a + b - c, 0.0)) / ((1 - expected) * sqrt(n))
    return Estimate(kappa, max(-1.0, kappa - z * error), min(1.0, kappa + z * error), int(n))


def percentiles(values: ArrayLike, at: Sequence[float] = (50, 90, 95)) -> list[float]:
    """Percentiles as values that occur (nearest rank: the least one with at least that share at or below it).

    :raises ValueError: without values.
    """
    found = np.asarray(values, dtype=float)
    if not found.size:
        raise ValueError("no values")
    return [float(value) for value in np.percentile(found, at, method="inverted_cdf")]


def population_stability(expected: ArrayLike, actual: ArrayLike) -> float:
    """Population stability index of two count vectors: sum of (q - p) ln(q / p).

    Siddiqi, Credit Risk Scorecards (2006). Half a count is added to every class of both, so that an empty
    one stays finite.
    :raises ValueError: when their lengths differ, or one is empty.
    """
    p, q = (np.asarray(counts, dtype=float) for counts in (expected, actual))
    if p.shape != q.shape or not p.sum() or not q.sum():
        raise ValueError("needs two count vectors of one length, neither empty")
    p, q = ((counts + 0.5) / (counts + 0.5).sum() for counts in (p, q))
    return float(((q - p) * np.log(q / p)).sum())


def stability_by_chance(classes: int, n_expected: float, n_actual: float) -> float:
    """The index that two samples of one population exceed once in a hundred: chi-square over the sample sizes.

    Yurdakul & Naranjo, J Risk Model Validation 14 (2020): the index times nm/(n+m) is about chi-square with
    ``classes`` - 1 degrees of freedom.
    """
    return CHI2_99[classes - 1] * (1 / n_expected + 1 / n_actual)


def ks_distance(one: ArrayLike, other: ArrayLike) -> float:
    """Two-sample Kolmogorov-Smirnov distance: the largest difference of the two distribution functions.

    :raises ValueError: when either has no values.
    """
    a, b = (np.sort(np.asarray(values, dtype=float)) for values in (one, other))
    if not a.size or not b.size:
        raise ValueError("needs values on both sides")
    points = np.concatenate([a, b])
    below = [np.searchsorted(values, points, side="right") / values.size for values in (a, b)]
    return float(np.abs(below[0] - below[1]).max())


def ks_by_chance(n: int, m: int) -> float:
    """The distance that two samples of one population exceed once in a hundred (large-sample approximation)."""
    return KS_C99 * sqrt((n + m) / (n * m))


def clustered_mean(totals: ArrayLike, sizes: ArrayLike, z: float = Z99) -> Estimate | None:
    """A mean over photographs whose interval counts cases: photographs of one case resemble each other.

    :param totals: sum over each case's photographs (or how many have a property), [cases].
    :param sizes: how many photographs each case has, [cases].
    :return: sum of totals over sum of sizes, with the ratio estimator's interval (Cochran, Sampling Techniques, 1977,
        chapter 6); None with fewer than two cases. ``n`` counts cases.
    """
    x, m = np.asarray(totals, dtype=float), np.asarray(sizes, dtype=float)
    cases = x.size
    if cases < 2 or not m.sum():
        return None
    ratio = float(x.sum() / m.sum())
    variance = cases / (cases - 1) * float(((x - ratio * m) ** 2).sum())
    error = sqrt(variance) / float(m.sum())
    return Estimate(ratio, ratio - z * error, ratio + z * error, cases)


def clustered_share(counts: ArrayLike, sizes: ArrayLike, z: float = Z99) -> Estimate | None:
    """``clustered_mean`` for a share of photographs, with Wilson's interval on the sample size that is left.

    Korn & Graubard, Survey Methodology 24 (1998) 193: the design effect of the clusters shrinks the sample; where all
    cases are alike it cannot be estimated, and then a case counts as one photograph.
    """
    plain = clustered_mean(counts, sizes, z)
    if plain is None or plain.high is None:
        return None
    share, error = min(plain.value, 1.0), (plain.high - plain.value) / z
    total = float(np.asarray(sizes, dtype=float).sum())
    effective = min(total, share * (1 - share) / error**2) if error > 1e-9 else float(plain.n)
    effective = max(effective, 1.0)
    found = wilson(share * effective, effective, z)
    return found and Estimate(share, found.low, found.high, plain.n)
