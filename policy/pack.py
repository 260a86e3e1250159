"""Policy packs: YAML in, a frozen model out, every fault by line."""

import hashlib
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from labels.errors import ConfigError
from labels.results import Probability, Step, Suggestion, Version
from labels.taxonomy import taxonomy
from labels.yamlfile import Strict, load_yaml

Severity = Literal["S1", "S2", "S3", "S4"]
_SEVERITIES = ("S1", "S2", "S3", "S4")
_STEPS = Literal["prompt", "warning", "short_mute", "long_mute", "closure"]
_LEVELS = (Suggestion.PROMPT, Suggestion.REVIEW, Suggestion.ACT)


class Thresholds(Strict):
    """Probability from which each level holds, inclusive; null switches a level off."""

    prompt: Probability | None
    review: Probability | None
    act: Probability | None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        given = [(name, at) for name, at in self.model_dump().items() if at is not None]
        for (milder, low), (harsher, high) in pairwise(given):
            if low > high:
                raise ValueError(f"{milder} {low} is above {harsher} {high}")
        return self

    def crossed(self, score: float) -> tuple[Suggestion, float] | None:
        """The harshest level a score reaches, with its threshold; None below all."""
        at = (self.prompt, self.review, self.act)
        reached = [(level, t) for level, t in zip(_LEVELS, at, strict=True) if t is not None]
        return max(((lv, t) for lv, t in reached if score >= t), key=lambda x: x[1], default=None)


class Categories(Strict):
    """Thresholds of the four categories."""

    impersonation: Thresholds
    distortion: Thresholds
    unlabeled_ai: Thresholds
    false_specialist: Thresholds


class ClauseRule(Strict):
    """What a clause weighs and what must be found before its step may be taken."""

    severity: Severity
    claim: bool = False
    account: bool = False
    intent: bool = False


class Rung(Strict):
    """A step of the ladder. ``days`` is the length of a first mute, 0 where none applies."""

    step: _STEPS
    severity: Severity
    days: Annotated[int, Field(ge=0, le=365)]
    reviewers: Annotated[int, Field(ge=0, le=2)]

    @model_validator(mode="after")
    def _people_decide(self) -> Self:
        needed = {"prompt": 0, "warning": 1, "short_mute": 1, "long_mute": 2, "closure": 2}
        if self.reviewers < needed[self.step]:
            raise ValueError(f"{self.step} needs {needed[self.step]} reviewers")
        return self


class LabelsAlone(Strict):
    """How far category 3 may go where no other category is suspected."""

    at_most: Literal["prompt", "warning"]
    exceptions: Annotated[
        dict[str, Literal["prompt", "warning", "short_mute"]], Field(alias="except")
    ]

    @model_validator(mode="after")
    def _only_false_or_hidden_labels(self) -> Self:
        extra = sorted(set(self.exceptions) - {"3.3", "3.6"})
        if extra:
            raise ValueError(f"clauses {extra} cannot pass warning alone, only 3.3 and 3.6 can")
        return self


class Protected(Strict):
    """From which probability a protected class holds."""

    threshold: Probability


class MachineWritten(Strict):
    """From which probability a machine-written score asks for a label; null never."""

    prompt: Probability | None


class PolicyPack(Strict):
    """Everything that turns scores into a suggestion and a proposed step."""

    id: Annotated[str, Field(pattern="^[a-z0-9-]+$")]
    version: Annotated[str, Field(min_length=1)]
    notice: str
    tuned_for: str
    categories: Categories
    clause_named_at: Probability
    ladder: list[Rung]
    clauses: dict[str, ClauseRule]
    labels_alone: LabelsAlone
    protected: Protected
    machine_written: MachineWritten

    @field_validator("clauses")
    @classmethod
    def _covers_the_taxonomy(cls, clauses: dict[str, ClauseRule]) -> dict[str, ClauseRule]:
        known = taxonomy().clauses
        missing = [clause for clause in known if clause not in clauses]
        unknown = [clause for clause in clauses if clause not in known]
        if missing or unknown:
            raise ValueError(f"missing {missing}, not in the taxonomy {unknown}")
        return clauses

    @field_validator("ladder")
    @classmethod
    def _has_a_first_step_for_each_severity(cls, ladder: list[Rung]) -> list[Rung]:
        severities = [rung.severity for rung in ladder]
        if severities != list(_SEVERITIES):
            raise ValueError(f"needs one first step for each of S1 to S4, has {severities}")
        return ladder

    def first_step(self, severity: Severity) -> Rung:
        """Where the ladder begins for a severity."""
        return self.ladder[_SEVERITIES.index(severity)]

    def rung(self, step: Step) -> Rung:
        """The ladder's entry for a step; ``KeyError`` if the ladder has none."""
        return {Step(rung.step): rung for rung in self.ladder}[step]


class LoadedPack(Strict):
    """A pack and what a decision records of it."""

    pack: PolicyPack
    version: Version


def default_pack_path() -> Path:
    """The pack that rides in the package."""
    return Path(str(resources.files("policy").joinpath("packs", "cn-zimeiti.yaml")))


def load_pack(path: Path) -> LoadedPack:
    """The pack in a YAML file (UTF-8); the version's hash is that of the file's bytes.

    Raises:
        ConfigError: every fault, each with file, line, field, value and remedy.
    """
    try:
        raw = path.read_bytes()
        text = raw.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from None
    pack = load_yaml(text, PolicyPack, name=str(path))
    digest = hashlib.sha256(raw).hexdigest()
    return LoadedPack(pack=pack, version=Version(id=pack.id, version=pack.version, sha256=digest))
