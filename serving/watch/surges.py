"""Clauses that more accounts raise in a day than their own past explains."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from labels.taxonomy import taxonomy
from serving.watch.collect import Seen
from serving.watch.counts import Counts, clipped, too_many, variation
from serving.watch.limits import SurgeLimits
from serving.watch.two_samples import holm

#: four weeks tell a variance only roughly: this times what they say is about its upper 90 % bound
_CAUTION = 1.5


@dataclass(frozen=True, slots=True)
class Surge:
    """``accounts`` raised a clause on a day, ``expected`` a day by the past.

    ``p_value`` is corrected for all clauses and days of the period.
    """

    clause: str
    day: date
    accounts: int
    expected: float
    p_value: float
    alarm: bool


def surges(now: Seen, before: Seen, limits: SurgeLimits) -> list[Surge] | None:
    """Every clause and day that at least one account raised, the least likely first.

    Returns:
        None where the past has too few days to tell.
    """
    past_days = before.days
    if len(past_days) < limits.days:
        return None
    clauses = list(taxonomy().clauses)
    days = [now.period.first + timedelta(days=n) for n in range(now.period.days)]
    past = clipped(_counts(before, clauses, past_days))
    together = variation(past)
    found: list[tuple[str, date, int, float]] = []
    p_values: list[float] = []
    for clause, own_past in zip(clauses, past, strict=True):
        varies = max(together, _CAUTION * variation(own_past[None, :]))
        for day in days:
            accounts = now.raised[clause, day]
            found.append((clause, day, accounts, float(own_past.mean())))
            enough = accounts >= limits.accounts
            p_values.append(too_many(accounts, own_past.tolist(), varies) if enough else 1.0)
    judged = [
        Surge(*of, p_value, p_value <= limits.level)
        for of, p_value in zip(found, holm(p_values), strict=True)
    ]
    return sorted(
        (each for each in judged if each.accounts), key=lambda s: (s.p_value, -s.accounts)
    )


def _counts(seen: Seen, clauses: Sequence[str], days: Sequence[date]) -> Counts:
    """Shape (clauses, days): distinct accounts."""
    return np.array([[seen.raised[clause, day] for day in days] for clause in clauses])
