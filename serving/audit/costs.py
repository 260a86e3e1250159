"""What an error costs, as data: which doubts are worth a person's time first."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from labels.yamlfile import Strict

Cost = Annotated[float, Field(gt=0, le=1000)]


class Costs(Strict):
    """Costs relative to one another, the gravest first; see ``label_costs.yaml``.

    The order is a floor: flagging protected speech by mistake is never the milder error.
    """

    protected_flagged: Cost
    wrong_act: Cost
    wrong_review: Cost
    miss: Cost

    @field_validator("wrong_act", "wrong_review", "miss")
    @classmethod
    def _no_graver(cls, cost: float, info: ValidationInfo) -> float:
        for name, graver in info.data.items():
            if cost > graver:
                raise ValueError(f"above {name} ({graver:g}), which is the graver error")
        return cost


def default_costs_path() -> Path:
    """The costs that ride in the package."""
    return Path(__file__).with_name("label_costs.yaml")
