"""Whether a day's count is more than its own past explains.

Counts of a day vary more than chance alone would have it: weekends, holidays, news. So a day's
count is taken as Poisson around a mean that itself varies from day to day (gamma): negative
binomial. Given the sum of a day and of its past, the day's part is then beta-binomial, whatever
the mean, and its upper tail is the p-value. With no variation of the mean that is the exact
conditional test of two Poisson rates (Przyborowski and Wilenski 1940).
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int64]

#: squared coefficient of variation of the mean from day to day, at least: one percent
_CALMEST = 1e-4
#: a past day counts at most this many deviations above the median, so that an outbreak that is
#: over does not hide the next
_CLIP = 5.0
#: deviations in a median absolute deviation of a normal distribution
_MAD = 1.4826
#: share of a sum below which a term changes no bit of it
_NOTHING = 1e-17


def clipped(past: Counts) -> Counts:
    """A past, shape (..., days), without its outbreaks."""
    middle = np.median(past, axis=-1, keepdims=True)
    spread = _MAD * np.median(np.abs(past - middle), axis=-1, keepdims=True)
    deviation = np.maximum(spread, np.sqrt(np.maximum(middle, 1.0)))
    limit = np.ceil(middle + _CLIP * deviation).astype(np.int64)
    return np.asarray(np.minimum(past, limit))


def variation(past: Counts) -> float:
    """Squared coefficient of variation of the mean from day to day, by moments, of all series.

    Args:
        past: shape (series, days), 2 days at least; clipped.
    """
    means = past.mean(axis=1)
    beyond_chance = past.var(axis=1, ddof=1) - means
    squares = float((means**2).sum())
    return max(_CALMEST, float(beyond_chance.sum()) / squares) if squares else _CALMEST


def too_many(count: int, past: Sequence[int], varies: float) -> float:
    """The probability of so high a count, or a higher one, if nothing changed.

    Args:
        count: of a day.
        past: of the days before, clipped.
        varies: squared coefficient of variation of the mean from day to day, above 0.
    """
    return beta_binomial_tail(count, count + int(sum(past)), 1 / varies, len(past) / varies)


def beta_binomial_tail(at_least: int, trials: int, a: float, b: float) -> float:
    """P(X >= at_least) of a beta-binomial distribution with ``a`` and ``b`` above 0."""
    if at_least <= 0:
        return 1.0
    term = math.exp(
        math.lgamma(trials + 1) - math.lgamma(at_least + 1) - math.lgamma(trials - at_least + 1)
        + _log_beta(at_least + a, trials - at_least + b) - _log_beta(a, b)
    )  # fmt: skip
    total = term
    for found in range(at_least, trials):
        # the next probability from this one
        term *= (trials - found) / (found + 1) * (found + a) / (trials - found - 1 + b)
        total += term
        if term < total * _NOTHING:
            break
    return min(1.0, total)


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
