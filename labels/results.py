"""The records that leave: one result a post, the same from files and over HTTP."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field as Limit
from pydantic import JsonValue

from labels.reader import AiState
from labels.taxonomy import Category
from labels.yamlfile import Strict

Probability = Annotated[float, Limit(ge=0.0, le=1.0)]
#: what of a post an explanation points into
Field = Literal["title", "text", "display_name", "bio"]
_IF_GIVEN = Limit(exclude_if=lambda value: value is None)


class Suggestion(StrEnum):
    """What to do with a post, mildest first.

    ``prompt`` asks for or adds a label and is reversible; ``review`` asks a person to look;
    ``act`` is above the high-precision threshold, and a person still confirms.
    """

    PASS = "pass"  # noqa: S105 - not a password
    PROMPT = "prompt"
    REVIEW = "review"
    ACT = "act"


class Step(StrEnum):
    """The ladder of sanctions, mildest first."""

    NONE = "none"
    PROMPT = "prompt"
    WARNING = "warning"
    SHORT_MUTE = "short_mute"
    LONG_MUTE = "long_mute"
    CLOSURE = "closure"


class RiskLevel(StrEnum):
    """The suggestion in the words that Chinese moderation services use, one to one."""

    NONE = "none"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class ScoringStage(StrEnum):
    """Which part of a model answered: the first of a cascade, which only clears, or all of it."""

    FIRST = "first"
    FULL = "full"


class Version(Strict):
    """What made a decision; ``sha256`` is of the model bundle or the policy file."""

    id: str
    version: str
    sha256: Annotated[str, Limit(pattern="^[0-9a-f]{64}$")]


@dataclass(frozen=True, slots=True)
class HeadScores:
    """What a model says of one post.

    ``heads`` maps categories, clauses and protected classes to calibrated probabilities.
    ``machine_written`` is None where the model has no such head or abstains.
    ``text_coverage`` is the share of title and text that was read, 1.0 when all was. Scores of
    the first ``stage`` are what it expects the whole model to say.
    """

    heads: Mapping[str, float]
    machine_written: float | None
    text_coverage: float
    stage: ScoringStage = ScoringStage.FULL


class Finding(Strict):
    """A clause that is suspected. ``threshold`` is None where a rule and no score raised it."""

    category: Category
    clause: str
    score: Probability
    threshold: Probability | None
    level: Suggestion


class Protection(Strict):
    """A protected class the post seems to belong to."""

    code: str
    score: Probability


class Span(Strict):
    """Words that carry a score: without them its log-odds are lower by ``effect``.

    ``start`` and ``end`` count Unicode code points of the field as it was sent.
    """

    field: Field
    start: Annotated[int, Limit(ge=0)]
    end: Annotated[int, Limit(ge=0)]
    effect: float


class Explanation(Strict):
    """Why a label was raised, strongest span first, and what must be found before it stands."""

    category: Category
    clause: str
    spans: tuple[Span, ...]
    evidence_needed_zh: str
    evidence_needed: str


class AiOrigin(Strict):
    """AI-label state (labels and declarations alone) beside the machine-written score."""

    state: AiState
    malformed: bool
    machine_written: Probability | None
    abstained: bool


class ProposedSanction(Strict):
    """The step *if* reviewers confirm all that ``requires`` lists; never more than a proposal."""

    step: Step
    days: Annotated[int, Limit(ge=0)]
    reviewers: Annotated[int, Limit(ge=0, le=2)]
    requires: tuple[str, ...]
    because: tuple[str, ...]


class ScoredPost(Strict):
    """A post that was scored."""

    data_id: str
    status: Literal[200] = 200
    suggestion: Suggestion
    risk_level: RiskLevel
    scores: dict[Category, Probability]
    labels: tuple[Finding, ...]
    protected: tuple[Protection, ...]
    ai: AiOrigin
    proposed_sanction: ProposedSanction
    text_coverage: Probability
    stage: ScoringStage = ScoringStage.FULL
    warnings: tuple[str, ...]
    model: Version
    policy: Version
    explanations: Annotated[tuple[Explanation, ...] | None, _IF_GIVEN] = None
    callback: Annotated[JsonValue, _IF_GIVEN] = None


class ItemError(Strict):
    """Why a post was refused; ``pointer`` is a JSON pointer (RFC 6901) into the item."""

    code: str
    pointer: str
    detail: str


class RejectedPost(Strict):
    """A post that was not scored; ``data_id`` is None where it could not be read."""

    data_id: str | None
    status: Literal[422] = 422
    error: ItemError


class Prompt(Strict):
    """What an author is asked before posting; ``field`` is where the answer goes."""

    code: str
    field: str
    zh: str
    en: str


class CheckedPost(Strict):
    """A post about to be published, and what is missing in it."""

    data_id: str
    status: Literal[200] = 200
    prompts: tuple[Prompt, ...]
    model: Version
    policy: Version


PostResult = ScoredPost | RejectedPost
PrecheckResult = CheckedPost | RejectedPost
