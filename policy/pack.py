"""Policy packs: YAML in, a frozen model out, every fault by line."""

import hashlib
import json
from datetime import date
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from labels.cases import Aggravator, Mitigator
from labels.errors import ConfigError
from labels.results import Probability, Version
from labels.taxonomy import taxonomy
from labels.yamlfile import Strict, load_yaml
from policy.statistics import Level

Severity = Literal["S1", "S2", "S3", "S4"]
Days = Annotated[int, Field(ge=1, le=365)]
# YAML has no enumerations
Worse = Annotated[Aggravator, Field(strict=False)]
Milder = Annotated[Mitigator, Field(strict=False)]
Rate = Annotated[float, Field(gt=0, lt=1)]


class Thresholds(Strict):
    """From where each level holds, inclusive; null switches a level off."""

    prompt: Level
    review: Level
    act: Level

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        given = [(name, at) for name, at in self if isinstance(at, float)]
        for (milder, low), (harsher, high) in pairwise(given):
            if low > high:
                raise ValueError(f"{milder} {low} is above {harsher} {high}")
        return self


class Categories(Strict):
    """Thresholds of the four categories."""

    impersonation: Thresholds
    distortion: Thresholds
    unlabeled_ai: Thresholds
    false_specialist: Thresholds


class Rates(Strict):
    """Share of a platform's posts that break each category."""

    impersonation: Rate
    distortion: Rate
    unlabeled_ai: Rate
    false_specialist: Rate


class ClauseRule(Strict):
    """What a clause weighs and what must be found before its step may be taken."""

    severity: Severity
    claim: bool = False
    account: bool = False
    intent: bool = False


class Modifiers(Strict):
    """What circumstances do to a step; each is named once."""

    raise_to_long_mute: list[Worse]
    raise_one_step: list[Worse]
    lower_one_step: list[Milder]

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        named = [*self.raise_to_long_mute, *self.raise_one_step, *self.lower_one_step]
        wrong = [m.value for m in (*Aggravator, *Mitigator) if named.count(m) != 1]
        if wrong:
            raise ValueError(f"{wrong} are not named exactly once")
        return self


class Campaign(Strict):
    """A campaign of the regulator: first and last day."""

    name: str
    first: date
    last: date

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.last < self.first:
            raise ValueError(f"last {self.last} is before first {self.first}")
        return self


class Mutes(Strict):
    """Days of the first, second and later mutes while earlier ones count; the last one repeats.

    Past the last short mute follows a long one. ``pause_factor``: the pause of earnings lasts
    that many times as long as a mute.
    """

    short: Annotated[list[Days], Field(min_length=1)]
    long: Annotated[list[Days], Field(min_length=1)]
    pause_factor: Annotated[float, Field(ge=0, le=10)]

    @model_validator(mode="after")
    def _longer_each_time(self) -> Self:
        days = (*self.short, *self.long)
        if any(now >= later for now, later in pairwise(days)):
            raise ValueError(f"mutes {list(days)} do not grow longer")
        return self


class Appeal(Strict):
    """Until when one may appeal, and within how many days the answer is due."""

    open_days: Days
    answer_days: Days
    answer_days_long_mute: Days


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
    """From where a machine-written score asks for a label; null never."""

    prompt: Level


class PolicyPack(Strict):
    """Everything that turns scores into a suggestion and a proposed step."""

    id: Annotated[str, Field(pattern="^[a-z0-9-]+$", max_length=64)]
    version: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]+$", max_length=64)]
    notice: str
    population_rate: Rates
    categories: Categories
    campaign: Campaign
    modifiers: Modifiers
    strike_days: Days
    mutes: Mutes
    appeal: Appeal
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
        return parse_pack(path.read_bytes(), str(path))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from None


def parse_pack(raw: bytes, name: str) -> LoadedPack:
    """The pack in the bytes of a YAML file (UTF-8).

    Args:
        raw: that the version's hash is of.
        name: what errors call the file.

    Raises:
        ConfigError: every fault, each with file, line, field, value and remedy.
    """
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{name}: cannot be read: {error}") from None
    pack = load_yaml(text, PolicyPack, name=name)
    digest = hashlib.sha256(raw).hexdigest()
    return LoadedPack(pack=pack, version=Version(id=pack.id, version=pack.version, sha256=digest))


def check_released(version: Version, path: Path) -> None:
    """Raises ``ConfigError`` if this version was released with another content."""
    listed = resources.files("policy").joinpath("packs", "released.json").read_text("utf-8")
    known = json.loads(listed).get(f"{version.id} {version.version}")
    if known not in (None, version.sha256):
        raise ConfigError(
            f"{path}: {version.id} {version.version} was released with another content ({known})",
            remedy="give the pack a version of its own",
        )
