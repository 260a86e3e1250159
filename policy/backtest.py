"""What another pack or another model would have made of decisions that were taken."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from labels.cases import Case
from policy.cases import CATEGORIES, OWNER, Ints, many
from policy.floors import NONE, STEPS
from policy.judge import judge
from policy.resolve import Policy

#: examples kept of each move
_EXAMPLES = 5
_UNKNOWN = "unknown"

Move = tuple[int, int]


@dataclass(slots=True)
class Tally:
    """Counts of moves from an old step to a new one; two tallies add up.

    ``overturned``: cases that an appeal undid, by the step each side would give them again.
    """

    cases: int = 0
    moves: Counter[Move] = field(default_factory=Counter)
    by_category: Counter[tuple[str, Move]] = field(default_factory=Counter)
    by_account: Counter[tuple[str, Move]] = field(default_factory=Counter)
    overturned: Counter[tuple[str, int]] = field(default_factory=Counter)
    examples: dict[Move, list[str]] = field(default_factory=dict)

    def __add__(self, other: "Tally") -> "Tally":
        """Both together."""
        examples = dict(self.examples)
        for move, names in other.examples.items():
            examples[move] = [*examples.get(move, []), *names][:_EXAMPLES]
        return Tally(
            self.cases + other.cases,
            self.moves + other.moves,
            self.by_category + other.by_category,
            self.by_account + other.by_account,
            self.overturned + other.overturned,
            examples,
        )


def compare(
    cases: Sequence[Case], old: Policy, new: Policy, rescored: Sequence[Case] | None = None
) -> Tally:
    """Rule on every case under both.

    Args:
        cases: as they were decided.
        old: the policy of the time.
        new: the candidate.
        rescored: the same cases with the scores of another model, in the same order; None where
            only the pack changes.
    """
    columns = many(cases)
    before = judge(columns, old)
    after = judge(columns if rescored is None else many(rescored), new)
    pairs = list(zip(before.step.tolist(), after.step.tolist(), strict=True))
    found = Tally(len(cases), Counter(pairs))
    found.by_account.update(
        (case.account_type or _UNKNOWN, move) for case, move in zip(cases, pairs, strict=True)
    )
    for place, category in enumerate(CATEGORIES):
        concerned = _concerned(before.wanted, place) | _concerned(after.wanted, place)
        found.by_category.update((category.value, pairs[row]) for row in np.flatnonzero(concerned))
    for case, (was, now) in zip(cases, pairs, strict=True):
        if case.overturned:
            found.overturned["old", was] += 1
            found.overturned["new", now] += 1
        if was != now and len(names := found.examples.setdefault((was, now), [])) < _EXAMPLES:
            names.append(case.decision_id)
    return found


def report(tally: Tally) -> dict[str, Any]:
    """Who moves where, in names."""
    return {
        "cases": tally.cases,
        "moved": sum(n for (was, now), n in tally.moves.items() if was != now),
        "harsher": sum(n for (was, now), n in tally.moves.items() if now > was),
        "milder": sum(n for (was, now), n in tally.moves.items() if now < was),
        "moves": [
            {"old": STEPS[was], "new": STEPS[now], "cases": count, "examples": examples}
            for (was, now), count in sorted(tally.moves.items())
            for examples in [tally.examples.get((was, now), [])]
        ],
        "by_category": _by_name(tally.by_category),
        "by_account_type": _by_name(tally.by_account),
        "overturned_repeated": {
            side: {
                STEPS[step]: count
                for (of, step), count in sorted(tally.overturned.items())
                if of == side and step > NONE
            }
            for side in ("old", "new")
        },
    }


def _concerned(wanted: Ints, category: int) -> Any:
    return (wanted[:, category == OWNER] > NONE).any(axis=1)


def _by_name(counts: Mapping[tuple[str, Move], int]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for (name, (was, now)), count in sorted(counts.items()):
        mine = found.setdefault(name, {"cases": 0, "harsher": 0, "milder": 0})
        mine["cases"] += count
        mine["harsher"] += count if now > was else 0
        mine["milder"] += count if now < was else 0
    return found
