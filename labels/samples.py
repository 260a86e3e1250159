"""What people say of posts that were sampled from an audit, as files carry it."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from labels.taxonomy import taxonomy
from labels.yamlfile import Strict


class Verdict(StrEnum):
    """What a person found."""

    VIOLATION = "violation"
    CLEAN = "clean"
    UNSURE = "unsure"


class SampleAnswer(Strict):
    """A judgement on a sampled post. ``clauses`` are those that it breaks."""

    row: Annotated[int, Field(ge=1)]
    stratum: str
    data_id: str
    verdict: Verdict
    clauses: tuple[str, ...] = ()
    annotator: Annotated[str, Field(min_length=1)]
    note: str = ""

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        unknown = taxonomy().unknown(self.clauses)
        if unknown:
            raise ValueError(f"{unknown} are not in the taxonomy")
        if (self.verdict is Verdict.VIOLATION) != bool(self.clauses):
            raise ValueError("a violation, and nothing else, names its clauses")
        return self
