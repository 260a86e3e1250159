"""A pack and a model's behaviour on held-out rows become numbers to compare scores with."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from labels.operating import Operating
from labels.taxonomy import MACHINE_WRITTEN, Category
from policy.cases import AGGRAVATORS, CATEGORIES, CLAUSES, OWNER, Bools, Floats, Ints
from policy.floors import CLOSURE, LONG_MUTE, SHORT_MUTE, STEPS, WARNING
from policy.pack import PolicyPack
from policy.statistics import shift, threshold

_SEVERITIES = ("S0", "S1", "S2", "S3", "S4")
_OFF = math.inf


@dataclass(frozen=True, slots=True)
class Levels:
    """Probability from which each level of a category holds, inclusive; None never."""

    prompt: float | None
    review: float | None
    act: float | None

    @classmethod
    def of(cls, prompt: float | None, review: float | None, act: float | None) -> Self:
        """A milder level begins at the latest where a harsher one does."""
        review = review if act is None or review is None else min(review, act)
        limits = [at for at in (review, act) if at is not None]
        prompt = prompt if prompt is None else min([prompt, *limits])
        return cls(prompt, review, act)


@dataclass(frozen=True)
class Policy:
    """A pack made concrete for one model.

    ``levels`` are compared with scores at the population's rates, which are ``shifts`` in
    log-odds from the model's. ``machine_prompt`` is compared with the machine-written score as
    it is. ``warnings`` names each level that the pack asks for and no threshold reaches.
    """

    pack: PolicyPack
    levels: Mapping[Category, Levels]
    shifts: Mapping[Category, float]
    machine_prompt: float | None
    warnings: tuple[str, ...]

    @cached_property
    def category_odds(self) -> Floats:
        """Shape (categories,): what multiplies the model's odds."""
        return np.exp([self.shifts[category] for category in CATEGORIES])

    @cached_property
    def category_levels(self) -> Floats:
        """Shape (categories, 3): prompt, review, act; infinite where a level is off."""
        rows = [self.levels[category] for category in CATEGORIES]
        return np.array(
            [[_OFF if at is None else at for at in (r.prompt, r.review, r.act)] for r in rows]
        )

    @cached_property
    def severities(self) -> Ints:
        """Shape (clauses,): places in ``STEPS``."""
        return np.array([_SEVERITIES.index(self.pack.clauses[c].severity) for c in CLAUSES])

    @cached_property
    def gravest(self) -> Bools:
        """Shape (aggravators,): those that raise to the long mute."""
        named = self.pack.modifiers.raise_to_long_mute
        return np.array([aggravator in named for aggravator in AGGRAVATORS])

    @cached_property
    def label_caps(self) -> Ints:
        """Shape (clauses,): how far category 3 may go in this pack, and others anywhere."""
        alone = self.pack.labels_alone
        return np.array(
            [
                STEPS.index(alone.exceptions.get(clause, alone.at_most))
                if CATEGORIES[owner] is Category.UNLABELED_AI
                else CLOSURE
                for clause, owner in zip(CLAUSES, OWNER, strict=True)
            ]
        )

    @cached_property
    def durations(self) -> dict[int, tuple[int, ...]]:
        """Days by place in ``STEPS``, for as many times as a step is taken before the next."""
        mutes = self.pack.mutes
        return {WARNING: (0,), SHORT_MUTE: tuple(mutes.short), LONG_MUTE: tuple(mutes.long)}


def resolve(pack: PolicyPack, operating: Mapping[str, Operating]) -> Policy:
    """Look a pack's statistics up in what a model does on held-out rows.

    Args:
        pack: validated.
        operating: by head, every category at least.
    """
    off: list[str] = []
    levels, shifts = {}, {}
    for category in Category:
        asked, found = getattr(pack.categories, category), operating[category]
        rate = getattr(pack.population_rate, category)
        reached = {name: threshold(level, found, rate) for name, level in asked}
        off += [
            f"level_off={category}.{name}"
            for name, level in asked
            if level is not None and reached[name] is None
        ]
        levels[category] = Levels.of(**reached)
        shifts[category] = shift(found.rate, rate)
    at = _machine_prompt(pack, operating.get(MACHINE_WRITTEN))
    if pack.machine_written.prompt is not None and at is None:
        off.append("level_off=machine_written.prompt")
    return Policy(pack, levels, shifts, at, tuple(off))


def _machine_prompt(pack: PolicyPack, operating: Operating | None) -> float | None:
    """At the rate of the held-out rows: how much of a platform machines write is not known."""
    if operating is None:
        return None
    return threshold(pack.machine_written.prompt, operating, operating.rate)
