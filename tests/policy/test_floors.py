"""Every floor, over every combination that matters, beside a plain reading of the rules."""

from itertools import product
from typing import NamedTuple

import numpy as np

from labels.results import Step
from labels.taxonomy import taxonomy
from policy.cases import Cases, many
from policy.floors import FLOORS, REVIEWERS, SHORT_MUTES_FOR_CLOSURE
from tests.policy.conftest import make_case

STEPS = tuple(Step)
CLAUSES = tuple(taxonomy().clauses)
STATUSES = ("false", "misleading", "unverified", "true", "not_a_claim")
AGGRAVATORS = ((), ("key_field_malice",), ("safety_harm",), ("profit_route",), ("coordinated",))
ACCOUNT = {"1.1", "1.2", "1.6", "2.6", "4.1", "4.2", "4.5", "4.6"}
IDENTITY = {"1.1", "1.2", "2.2", "4.1"}


class Found(NamedTuple):
    """One combination."""

    reviewers: int
    evidence: bool
    account: bool
    status: str
    intent: bool
    sentence: bool
    protected: bool
    aggravators: tuple[str, ...]
    short_mutes: int


COMBINATIONS = [
    Found(*each)
    for each in product(
        (0, 1, 2),
        (False, True),
        (False, True),
        STATUSES,
        (False, True),
        (False, True),
        (False, True),
        AGGRAVATORS,
        (2, 3),
    )
]


def columns() -> Cases:
    """All combinations."""
    return many(
        [
            make_case(
                strikes={"short_mute": found.short_mutes},
                reviewers=found.reviewers,
                evidence=found.evidence,
                account=found.account,
                status=found.status,
                intent=found.intent,
                sentence=found.sentence,
                protected=["policy_criticism"] if found.protected else [],
                aggravators=list(found.aggravators),
            )
            for found in COMBINATIONS
        ]
    )


def expected(clause: str, found: Found) -> Step:
    """The harshest step the rules allow."""
    caps = [Step.CLOSURE]
    if found.reviewers == 0 or not found.evidence:
        caps.append(Step.PROMPT)
    if found.reviewers == 1:
        caps.append(Step.SHORT_MUTE)
    if clause[0] != "3" and found.status not in ("false", "misleading"):
        caps.append(Step.PROMPT)
    if clause[0] == "3":
        caps.append(Step.SHORT_MUTE if clause in ("3.3", "3.6") else Step.WARNING)
    if clause == "3.6" and not found.intent:
        caps.append(Step.PROMPT)
    if found.protected and not found.sentence:
        caps.append(Step.PROMPT)
    if clause in ACCOUNT and not found.account:
        caps.append(Step.PROMPT)
    if clause == "4.2" and not (found.status == "false" and found.intent):
        caps.append(Step.WARNING)
    if not may_close(clause, found):
        caps.append(Step.LONG_MUTE)
    return min(caps, key=STEPS.index)


def may_close(clause: str, found: Found) -> bool:
    """False, and malice, harm, posing for profit, or three short mutes that stand."""
    posing = clause in IDENTITY and "profit_route" in found.aggravators
    grave = {"key_field_malice", "safety_harm"} & set(found.aggravators)
    return found.status == "false" and bool(grave or posing or found.short_mutes >= 3)


def test_every_floor_on_every_combination() -> None:
    """No looser and no stricter than the rules."""
    cases = columns()
    caps = np.min([floor(cases) for floor in FLOORS.values()], axis=0)
    for row, found in enumerate(COMBINATIONS):
        for place, clause in enumerate(CLAUSES):
            assert STEPS[caps[row, place]] is expected(clause, found), (clause, found)


def test_persons_for_each_step() -> None:
    """One for a warning and a short mute, two beyond."""
    assert [REVIEWERS[place] for place in range(len(STEPS))] == [0, 0, 1, 1, 2, 2]
    assert SHORT_MUTES_FOR_CLOSURE == 3
    assert list(FLOORS) == [
        "people_decide",
        "evidence_on_file",
        "unknown_is_not_false",
        "labels_are_not_lies",
        "speech_is_protected",
        "one_post_is_not_an_account",
        "missing_papers_are_not_false_papers",
        "closure_is_last",
    ]
