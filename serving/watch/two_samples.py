"""Tests of whether two samples come from one population. Every p-value is of a permutation test.

Each tells a shift too: the least share of one period that would have to change for it to look
like the other (total variation distance, or a bound below it), 0 to 1. With many posts the
smallest difference is significant; the shift says whether it matters.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]
Bools = npt.NDArray[np.bool_]

#: permutations where not all can be counted; the smallest p-value is one more's share
PERMUTATIONS = 9_999
_RIDGE = 1.0
#: columns of permuted labels at a time, and after how many as good as the right ones to stop
_CHUNK, _ENOUGH = 500, 20
_LAST_BITS = 1e-5


@dataclass(frozen=True, slots=True)
class Compared:
    """What a test found; ``shift`` and ``p_value`` in [0, 1]."""

    statistic: float
    shift: float
    p_value: float


def kolmogorov_smirnov(now: Floats, before: Floats) -> Compared:
    """The largest distance of two distribution functions.

    The p-value is exact, ties included: the probability that a random order of the pooled
    values, in which equal values are one step, leads as far apart (Hodges 1957; Schröer and
    Trenkler 1995).

    Args:
        now: shape (n,), n at least 1.
        before: shape (m,), m at least 1.
    """
    n, m = len(now), len(before)
    pooled = np.sort(np.concatenate([now, before]))
    ends = np.flatnonzero(np.append(np.diff(pooled) > 0, [True])) + 1
    below_now = np.searchsorted(np.sort(now), pooled[ends - 1], "right")
    apart = int(np.abs(below_now * m - (ends - below_now) * n).max())
    distance = apart / (n * m)
    return Compared(distance, distance, _leads_apart(n, m, ends, apart))


def _leads_apart(n: int, m: int, ends: npt.NDArray[np.int64], apart: int) -> float:
    """Probability that a walk of n and m steps in random order is once ``apart / (n * m)`` off.

    Args:
        n: steps to the one side.
        m: steps to the other.
        ends: after which numbers of steps one looks, rising.
        apart: in units of 1 / (n * m).
    """
    first = np.arange(n + 1)
    looked = np.zeros(n + m + 1, dtype=bool)
    looked[ends] = True
    near = np.zeros(n + 1)
    near[0] = 1.0
    for step in range(1, n + m + 1):
        left = n + m - step + 1
        moved = near * (n - first) / left
        near = near * (m - (step - 1 - first)) / left
        near[1:] += moved[:-1]
        if looked[step]:
            near[np.abs(first * m - (step - first) * n) >= apart] = 0.0
    return float(np.clip(1.0 - near[n], 0.0, 1.0))


def shares(
    now: Mapping[str, int], before: Mapping[str, int], random: np.random.Generator
) -> Compared:
    """Pearson's chi-square of two lists of counts by name, of the same kind of thing.

    Under the null the counts of one list are a draw without replacement from both (Agresti
    2013, 16.5), so the p-value needs no large counts.
    """
    names = sorted({name for counts in (now, before) for name, n in counts.items() if n})
    one = np.array([now.get(name, 0) for name in names])
    both = one + np.array([before.get(name, 0) for name in names])
    n, whole = int(one.sum()), int(both.sum())
    expected = both * n / whole
    found = _chi_square(one, expected, n / whole)
    drawn = random.multivariate_hypergeometric(both, n, PERMUTATIONS)
    # sums of other order differ in the last bits
    as_far = int((_chi_square(drawn, expected, n / whole) >= found * (1 - 1e-12)).sum())
    shift = np.abs(one / n - (both - one) / (whole - n)).sum() / 2
    return Compared(float(found), float(shift), (as_far + 1) / (PERMUTATIONS + 1))


def _chi_square(counts: npt.NDArray[np.int64], expected: Floats, share: float) -> Floats:
    """Over the last axis; the other list's part follows from this one's."""
    return np.asarray(((counts - expected) ** 2 / expected).sum(axis=-1) / (1 - share))


def told_apart(now: Floats, before: Floats, random: np.random.Generator) -> Compared:
    """How well a linear classifier tells rows of two samples apart that it did not learn from.

    A two-sample test by classifier (Lopez-Paz and Oquab 2017): ridge regression on the label,
    each row foretold by a fit on all the others, in closed form. The statistic is the mean of
    the shares of each sample that are told rightly, a half where nothing can be told; twice what
    it is above a half is the shift.

    Args:
        now: shape (n, d), n at least 2.
        before: shape (m, d), m at least 2.
        random: permutes the labels.
    """
    n, m = len(now), len(before)
    rows = np.concatenate([now, before]).astype(np.float32)
    rows -= rows.mean(axis=0)
    fit = rows @ np.linalg.inv(rows.T @ rows + _RIDGE * np.eye(rows.shape[1], dtype=np.float32))
    leverage = (fit * rows).sum(axis=1) + 1 / (n + m)
    labels = np.repeat([1.0 / n, -1.0 / m], [n, m]).astype(np.float32)
    found = float(_told_rightly(labels[:, None], rows, fit, leverage)[0])

    def as_well(columns: int) -> Bools:
        permuted = random.permuted(np.repeat(labels[:, None], columns, axis=1), axis=0)
        # sums of single precision differ in the last bits
        return np.asarray(_told_rightly(permuted, rows, fit, leverage) >= found - _LAST_BITS)

    return Compared(found, max(0.0, 2 * found - 1), _p_value(as_well))


def _p_value(as_far: Callable[[int], Bools]) -> float:
    """By permutations, no more than it takes to see that a p-value is large.

    Drawing ends with the 20th permutation that leads as far, which leaves the p-value valid
    (Besag and Clifford 1991).

    Args:
        as_far: whether each of so many new permutations leads as far as what was found.
    """
    drawn = met = 0
    while drawn < PERMUTATIONS:
        places = np.flatnonzero(as_far(min(_CHUNK, PERMUTATIONS - drawn)))
        if met + len(places) >= _ENOUGH:
            return float(_ENOUGH / (drawn + places[_ENOUGH - met - 1] + 1))
        met += len(places)
        drawn += _CHUNK
    return (met + 1) / (PERMUTATIONS + 1)


def _told_rightly(labels: Floats, rows: Floats, fit: Floats, leverage: Floats) -> Floats:
    """Shape (columns,): for each column of labels, how well rows are told apart by the others.

    Labels are 1 / n and -1 / m, which add up to nothing, so the fit has no constant term; the
    border lies halfway between the means of the two samples.
    """
    weights = np.abs(labels)
    own = leverage[:, None]
    foretold = (fit @ (rows.T @ labels) - own * labels) / (1 - own)
    border = (foretold * weights).sum(axis=0) / 2
    right = ((foretold - border) * labels > 0) * weights
    return np.asarray(right.sum(axis=0) / 2)


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values that may each be held against one level for all tests together (Holm 1979)."""
    adjusted, worst = [1.0] * len(p_values), 0.0
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    for rank, place in enumerate(order):
        worst = max(worst, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = worst
    return adjusted
