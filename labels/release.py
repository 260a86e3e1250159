"""What training hands to serving with a candidate: gates it was held against, what it learned.

The files lie in the candidate's bundle, beside its manifest.
"""

from typing import Annotated, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from labels.label_events import LabelEvent, Origin
from labels.results import Version
from labels.samples import Verdict
from labels.yamlfile import Strict

#: the gate report's name in a bundle
GATES = "gates.json"
#: the name in a bundle of the events it learned from, a :class:`Learned` a line
LEARNED = "learned.jsonl"
#: the name in a bundle of what screening found of the events, a :class:`Screening` at least
QUALITY = "quality.json"
#: the data card of the training run
DATA_CARD = "DATA.md"

Name = Annotated[str, Field(min_length=1, max_length=300)]


class Gate(Strict):
    """One condition of a release. ``found`` and ``allowed`` say by how much, for people.

    ``examples`` are ids of posts, or names of heads and tests, that show what went wrong.
    """

    name: Name
    passed: bool
    found: str
    allowed: str
    examples: tuple[str, ...] = ()


class Override(Strict):
    """Why a candidate may be released though a gate failed, and the two people who said so."""

    reason: Annotated[str, Field(min_length=1, max_length=2000)]
    by: tuple[Name, Name]
    at: AwareDatetime

    @model_validator(mode="after")
    def _two_people(self) -> Self:
        if self.by[0] == self.by[1]:
            raise ValueError(f"two people override, {self.by[0]!r} is one")
        return self


class GateReport(Strict):
    """A candidate beside the champion. ``model`` is the bundle that the gates were run on."""

    model: Version
    champion: Version
    at: AwareDatetime
    gates: Annotated[tuple[Gate, ...], Field(min_length=1)]
    override: Override | None = None

    @property
    def failed(self) -> tuple[Gate, ...]:
        """The gates that the candidate did not pass."""
        return tuple(gate for gate in self.gates if not gate.passed)

    @property
    def may_release(self) -> bool:
        """Whether no gate failed, or two people took it upon themselves."""
        return not self.failed or self.override is not None


class Screening(BaseModel):
    """What screening found of label events before a model learned from them.

    ``events`` on ``posts``; of the posts ``in_conflict`` had findings that contradict each other.
    ``suspected`` labels are likely wrong, of which ``held_back`` wait for a second person.
    ``learned`` events were left. The report has more for those who settle it.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)

    events: Annotated[int, Field(ge=0)]
    posts: Annotated[int, Field(ge=0)]
    in_conflict: Annotated[int, Field(ge=0)]
    suspected: Annotated[int, Field(ge=0)]
    held_back: Annotated[int, Field(ge=0)]
    learned: Annotated[int, Field(ge=0)]


class Learned(Strict):
    """A label event that a model learned from, without the post's words."""

    event_id: Name
    data_id: Name
    at: AwareDatetime
    origin: Origin
    annotator: Name
    verdict: Verdict
    clauses: tuple[str, ...]
    weight: Annotated[float, Field(gt=0, le=1)]

    @classmethod
    def of(cls, event: LabelEvent, weight: float) -> "Learned":
        """What is kept of an event that counted with a weight."""
        return cls(
            event_id=event.event_id,
            data_id=event.post.data_id,
            at=event.at,
            origin=event.origin,
            annotator=event.annotator,
            verdict=event.verdict,
            clauses=event.clauses,
            weight=weight,
        )
