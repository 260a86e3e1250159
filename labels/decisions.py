"""A decision as it is kept: what went in, under which pack and thresholds, and what came out."""

from pydantic import AwareDatetime

from labels.cases import Case
from labels.results import Probability, Step, Version
from labels.taxonomy import Category
from labels.yamlfile import Strict


class ResolvedLevels(Strict):
    """Probability from which each level of a category held; None where it was off."""

    prompt: Probability | None
    review: Probability | None
    act: Probability | None


class Resolved(Strict):
    """A pack's statistics as numbers, for the model that scored.

    ``shifts`` are log-odds from the model's rates to the population's.
    """

    levels: dict[Category, ResolvedLevels]
    shifts: dict[Category, float]
    machine_prompt: Probability | None


class Decision(Strict):
    """Enough to come to the same result again. ``trace`` is how it came about."""

    case: Case
    decided: AwareDatetime
    policy: Version
    resolved: Resolved
    step: Step
    days: int
    pause_days: int
    trace: tuple[str, ...]
