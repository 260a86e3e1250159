"""What people find about a suspected post, and what its account's record holds.

A case is what a policy rules on; cases travel in files (JSONL), one object a line.
"""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from labels.records import Verification
from labels.results import Probability, Step, Version
from labels.taxonomy import taxonomy
from labels.yamlfile import Strict

Count = Annotated[int, Field(ge=0)]
Sentence = Annotated[str, Field(min_length=1, max_length=1000)]


class ClaimStatus(StrEnum):
    """What a person found of the factual claim; who a speaker is counts as one."""

    FALSE = "false"
    MISLEADING = "misleading"
    UNVERIFIED = "unverified"
    TRUE = "true"
    NOT_A_CLAIM = "not_a_claim"


class Aggravator(StrEnum):
    """Raises a step; how far, a pack says.

    Repetition is not among them: the ladder reads it from the record.
    """

    KEY_FIELD_MALICE = "key_field_malice"
    SAFETY_HARM = "safety_harm"
    PROFIT_ROUTE = "profit_route"
    COORDINATED = "coordinated"
    AFTER_NOTICE = "after_notice"
    TAMPERING = "tampering"


class Mitigator(StrEnum):
    """Lowers a step."""

    PROMPT_CORRECTION = "prompt_correction"
    FIRST_TIME = "first_time"
    LOW_REACH = "low_reach"
    REASONABLE_CHECK = "reasonable_check"
    AMBIGUOUS = "ambiguous"


class Findings(Strict):
    """What reviewers agreed on after looking at a post.

    ``clauses`` are those that they uphold, ``evidence`` the references on file for them,
    ``account_evidence`` what shows more than one post could. ``sentence`` quotes the exact words
    at issue; without them protected speech stays untouched and no reasons can be given.
    ``forwarded`` posts pass on, without checking, what others wrote. ``reviewers`` are the
    persons who agreed, each once. ``closure`` asks for the account to be closed.
    """

    clauses: tuple[str, ...]
    claim_status: ClaimStatus
    evidence: tuple[str, ...] = ()
    account_evidence: tuple[str, ...] = ()
    intent: bool = False
    sentence: Sentence | None = None
    protected: tuple[str, ...] = ()
    forwarded: bool = False
    aggravators: tuple[Aggravator, ...] = ()
    mitigators: tuple[Mitigator, ...] = ()
    reviewers: tuple[str, ...] = ()
    closure: bool = False

    @model_validator(mode="after")
    def _names_what_exists(self) -> Self:
        unknown = taxonomy().unknown(self.clauses, self.protected)
        if unknown:
            raise ValueError(f"{unknown} are not in the taxonomy")
        if len(set(self.reviewers)) != len(self.reviewers):
            raise ValueError("a reviewer is named twice")
        return self


class Strikes(Strict):
    """Decisions against an account that still count, by step."""

    warning: Count = 0
    short_mute: Count = 0
    long_mute: Count = 0


class LabelFacts(Strict):
    """What labels, file metadata and declarations say of a post.

    ``ai`` and ``fiction``: a label or declaration answers the clause that misses it.
    ``ai_confirmed``: the file itself says that a machine made it. ``none``: nothing does.
    """

    ai: bool = False
    fiction: bool = False
    ai_confirmed: bool = False
    none: bool = True


class Case(Strict):
    """A post that was scored, with what people found of it, if they looked.

    ``scores`` has a probability for every category, clause and protected class, as the model
    gives it; ``model`` is which. ``step`` is what was decided at the time, ``overturned`` whether
    an appeal undid it.
    """

    decision_id: Annotated[str, Field(min_length=1, max_length=256)]
    account_id: str
    account_type: Verification | None = None
    scores: dict[str, Probability]
    machine_written: Probability | None = None
    labels: LabelFacts = LabelFacts()
    strikes: Strikes = Strikes()
    findings: Findings | None = None
    model: Version
    step: Step | None = None
    overturned: bool = False

    @model_validator(mode="after")
    def _scores_every_head(self) -> Self:
        missing = [head for head in taxonomy().heads if head not in self.scores]
        if missing:
            raise ValueError(f"no score of {missing}; silence would read as nothing wrong")
        return self
