"""What happens to an account's posts, as events that are only ever appended."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, TypeAdapter

from labels.cases import Case
from labels.results import Step
from labels.yamlfile import Strict

Days = Annotated[int, Field(ge=0, le=3650)]
Id = Annotated[str, Field(min_length=1, max_length=300)]


class _Event(Strict):
    """``at`` is a moment with its zone; ``event_id`` is given once, whoever sends it again."""

    event_id: Id
    account_id: Id
    at: AwareDatetime


class Scored(_Event):
    """A model read a post."""

    kind: Literal["scored"]
    data_id: Id


class Reported(_Event):
    """Somebody pointed at a post."""

    kind: Literal["reported"]
    data_id: Id


class _OfDecision(_Event):
    decision_id: Id


class Proposed(_OfDecision):
    """A policy proposed a step."""

    kind: Literal["proposed"]
    step: Step


class Decided(_OfDecision):
    """Reviewers decided. ``step`` is what they chose, at most what the policy rules on ``case``."""

    kind: Literal["decided"]
    step: Step
    days: Days
    case: Case


class Applied(_OfDecision):
    """The platform carried the decision out; a mute runs from here."""

    kind: Literal["applied"]


class Failed(_OfDecision):
    """The platform could not carry it out."""

    kind: Literal["failed"]
    reason: str


class Expired(_OfDecision):
    """The platform ended a mute whose time was over."""

    kind: Literal["expired"]


class Appealed(_OfDecision):
    """The account's owner appealed."""

    kind: Literal["appealed"]


class Upheld(_OfDecision):
    """The appeal failed; the decision stands."""

    kind: Literal["upheld"]


class Overturned(_OfDecision):
    """The appeal succeeded; it is as if the decision had never been."""

    kind: Literal["overturned"]


class Corrected(_OfDecision):
    """A decision that leaned on an overturned one was made milder."""

    kind: Literal["corrected"]
    step: Step
    days: Days


class Imported(_OfDecision):
    """A decision from the platform's own history, taken over as it is."""

    kind: Literal["imported"]
    step: Step
    days: Days


Event = Annotated[
    Scored
    | Reported
    | Proposed
    | Decided
    | Applied
    | Failed
    | Expired
    | Appealed
    | Upheld
    | Overturned
    | Corrected
    | Imported,
    Field(discriminator="kind"),
]
#: reads and writes one event as JSON
EVENT: TypeAdapter[Event] = TypeAdapter(Event)
