"""Thresholds asked for as statistics, so that a pack keeps its meaning when the model changes."""

import math
import re
from collections.abc import Callable
from typing import Annotated

from pydantic import AfterValidator

from labels.operating import Operating, OperatingPoint
from labels.results import Probability

_CONDITION = re.compile(r"(recall|precision|fpr|worst_genre_fpr) *(>=|<=) *(\d+(?:\.\d+)?)")
_DIRECTION = {"recall": ">=", "precision": ">=", "fpr": "<=", "worst_genre_fpr": "<="}
_AND = " and "


def _checked(text: str) -> str:
    for part in text.split(_AND):
        found = _CONDITION.fullmatch(part.strip())
        if not found or _DIRECTION[found[1]] != found[2] or not 0 < float(found[3]) <= 1:
            raise ValueError(
                f"{part.strip()!r} is no statistic; write recall >= N, precision >= N, fpr <= N "
                f"or worst_genre_fpr <= N, N above 0 and at most 1, joined by 'and'"
            )
    return text


#: such as ``fpr <= 0.01 and worst_genre_fpr <= 0.05``
Statistic = Annotated[str, AfterValidator(_checked)]
#: from where a level holds: a probability at the population's rate, a statistic, or never
Level = Probability | Statistic | None


def threshold(level: Level, operating: Operating, rate: float) -> float | None:
    """The probability at the population's rate from which a level holds.

    Of the points that meet a statistic it is the lowest, which catches most; for recall alone,
    which every lower point meets too, the highest, which flags least.

    Args:
        level: what the pack asks for.
        operating: what the model does on held-out rows.
        rate: share of posts that are positive where the policy is applied, 0 to 1.

    Returns:
        None if the level is off, or no point meets the statistic.
    """
    if not isinstance(level, str):
        return level
    conditions = [_condition(part, rate) for part in level.split(_AND)]
    meeting = [p.threshold for p in operating.points if all(holds(p) for holds in conditions)]
    if not meeting:
        return None
    at = max(meeting) if _names(level) == {"recall"} else min(meeting)
    return moved(at, shift(operating.rate, rate))


def precision(point: OperatingPoint, rate: float) -> float:
    """Share of flags that are right at a point, where that share of posts is positive."""
    right = rate * point.recall
    return right / (right + (1 - rate) * point.fpr) if right else 0.0


def shift(learned: float, rate: float) -> float:
    """Log-odds that lead from probabilities at one rate to those at another (Saerens 2002)."""
    return math.log(rate / (1 - rate)) - math.log(learned / (1 - learned))


def moved(probability: float, by: float) -> float:
    """A probability, 0 to 1, moved by log-odds."""
    odds = probability * math.exp(by)
    return odds / (odds + (1 - probability))


def _names(statistic: str) -> set[str]:
    return {part.split()[0] for part in statistic.split(_AND)}


def _condition(text: str, rate: float) -> Callable[[OperatingPoint], bool]:
    found = _CONDITION.fullmatch(text.strip())
    if not found:
        raise ValueError(f"{text!r} is no statistic")
    name, _, limit = found.groups()
    if name == "precision":
        return lambda point: precision(point, rate) >= float(limit)
    if name == "recall":
        return lambda point: point.recall >= float(limit)
    return lambda point: bool(getattr(point, name) <= float(limit))
