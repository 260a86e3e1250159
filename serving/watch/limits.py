"""From where on a difference raises an alarm; see ``configs/watch.yaml``."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from labels.results import Probability
from labels.yamlfile import Strict

Level = Annotated[float, Field(gt=0, lt=1)]
Accounts = Annotated[int, Field(ge=1)]


class DriftLimits(Strict):
    """``level``: of a false alarm for all tests of a report together.

    ``shift``: the least share of posts that must have changed. ``least_accounts``: that each
    period needs for a test; ``most_accounts``: that are drawn of it at most.
    """

    level: Level = 0.01
    shift: Probability = 0.1
    least_accounts: Annotated[int, Field(ge=2)] = 50
    most_accounts: Accounts = 2_000

    @model_validator(mode="after")
    def _can_be_drawn(self) -> Self:
        if self.least_accounts > self.most_accounts:
            raise ValueError(
                f"least_accounts {self.least_accounts} are above most_accounts {self.most_accounts}"
            )
        return self


class SurgeLimits(Strict):
    """``level``: of a false alarm for all clauses and days of a report together.

    ``accounts``: on fewer a day raises none. ``days``: of the past that are needed.
    """

    level: Level = 0.01
    accounts: Accounts = 10
    days: Annotated[int, Field(ge=7)] = 14


class CopyLimits(Strict):
    """``accounts`` that share words, and ``times`` as many as before for as long a time."""

    accounts: Accounts = 20
    times: Annotated[float, Field(ge=1)] = 3.0


class Limits(Strict):
    """``least_cases``: on fewer a share is not told as one."""

    drift: DriftLimits = DriftLimits()
    surges: SurgeLimits = SurgeLimits()
    copies: CopyLimits = CopyLimits()
    least_cases: Annotated[int, Field(ge=1)] = 10
