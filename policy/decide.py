"""One post: what its scores and labels suggest, and the step that is proposed.

Floors, whatever a pack says, are those of :mod:`policy.floors`; closure is never proposed from
scores.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from labels.cases import LabelFacts, Strikes
from labels.reader import AiState, Kind, LabelReading, Wording
from labels.results import (
    Finding,
    HeadScores,
    ProposedSanction,
    Protection,
    RiskLevel,
    Suggestion,
)
from labels.taxonomy import MACHINE_WRITTEN, Category
from policy.cases import CATEGORIES, CLAUSES, OWNER, PROTECTED, Cases, one
from policy.floors import LONG_MUTE, NONE, PROMPT, REVIEWERS, STEPS
from policy.judge import AI_LABEL_MISSING, SUGGESTIONS, Ruling, judge
from policy.resolve import Policy
from policy.rule import caps

_RISK = dict(zip(Suggestion, RiskLevel, strict=True))


@dataclass(frozen=True, slots=True)
class Decision:
    """What the policy says of one post; ``scores`` hold at the population's rates."""

    scores: dict[Category, float]
    suggestion: Suggestion
    risk_level: RiskLevel
    findings: tuple[Finding, ...]
    protected: tuple[Protection, ...]
    sanction: ProposedSanction
    warnings: tuple[str, ...]


def decide(scores: HeadScores, reading: LabelReading, policy: Policy) -> Decision:
    """The suggestion, and the step if reviewers confirm all that it requires.

    Args:
        scores: a probability for every category, clause and protected class of the taxonomy, as
            the model gives it.
        reading: the labels and declarations of the same post.
        policy: thresholds and ladder, resolved for that model.

    Raises:
        KeyError: a head has no score. Silence would read as "nothing wrong".
    """
    cases = one(scores, label_facts(reading), Strikes(), None)
    ruling = judge(cases, policy)
    suggestion = SUGGESTIONS[ruling.suggestion[0]]
    findings = tuple(_findings(ruling))
    return Decision(
        scores=dict(zip(CATEGORIES, ruling.scores[0].tolist(), strict=True)),
        suggestion=suggestion,
        risk_level=_RISK[suggestion],
        findings=findings,
        protected=tuple(
            Protection(code=PROTECTED[place], score=scores.heads[PROTECTED[place]])
            for place in np.flatnonzero(ruling.protected[0])
        ),
        sanction=_sanction(cases, ruling, findings, policy),
        warnings=tuple(label_advice(reading)),
    )


def label_facts(reading: LabelReading) -> LabelFacts:
    """What of a reading a policy asks."""
    return LabelFacts(
        ai=bool(reading.declared_ai or reading.wording(Kind.AI)),
        fiction=bool(reading.declared_fiction or reading.wording(Kind.FICTION)),
        ai_confirmed=reading.state is AiState.CONFIRMED,
        none=reading.state is AiState.NONE,
    )


def _findings(ruling: Ruling) -> Iterator[Finding]:
    """Clauses raised by score, category by category, the likeliest first; then by rule."""
    levels = ruling.levels[0]
    raised: list[int] = np.flatnonzero(levels).tolist()
    order = sorted(raised, key=lambda c: (OWNER[c], -ruling.clauses[0, c]))
    by_rule = bool(ruling.by_rule[0])
    for place in order:
        if not (by_rule and CLAUSES[place] == AI_LABEL_MISSING):
            yield _finding(ruling, place, ruling.thresholds[0, OWNER[place]])
    if by_rule:
        yield _finding(ruling, CLAUSES.index(AI_LABEL_MISSING), None)


def _finding(ruling: Ruling, place: int, threshold: float | None) -> Finding:
    return Finding(
        category=CATEGORIES[OWNER[place]],
        clause=CLAUSES[place],
        score=float((ruling.scores if threshold is None else ruling.deciding)[0, OWNER[place]]),
        threshold=None if threshold is None else float(threshold),
        level=SUGGESTIONS[ruling.levels[0, place]],
    )


def _sanction(
    cases: Cases, ruling: Ruling, findings: Sequence[Finding], policy: Policy
) -> ProposedSanction:
    step = int(ruling.step[0])
    if step == NONE:
        return ProposedSanction(step=STEPS[step], days=0, reviewers=0, requires=(), because=())
    because = [f"clause={finding.clause}" for finding in findings]
    because += [f"protected={PROTECTED[place]}" for place in np.flatnonzero(ruling.protected[0])]
    if ruling.by_machine[0]:
        because.append(MACHINE_WRITTEN)
    because += [f"cap={name}" for name in caps(cases, ruling, policy)]
    return ProposedSanction(
        step=STEPS[step],
        days=int(ruling.days[0]),
        reviewers=REVIEWERS[step],
        requires=tuple(_requires(step, findings, ruling, policy)),
        because=tuple(because),
    )


def _requires(
    step: int, findings: Sequence[Finding], ruling: Ruling, policy: Policy
) -> Iterator[str]:
    """What a person must find or file before the step may be taken."""
    if step <= PROMPT:
        return
    grave = [f for f in findings if f.level is not Suggestion.PROMPT]
    rules = [policy.pack.clauses[f.clause] for f in grave]
    if any(rule.claim for rule in rules):
        yield "claim_status=false|misleading"
    if any(rule.account for rule in rules):
        yield "account_evidence"
    if any(rule.intent for rule in rules):
        yield "intent"
    yield from (f"evidence={f.clause}" for f in grave)
    if ruling.protected[0].any():
        yield "exact_false_sentence"
    if step == LONG_MUTE:
        yield "hearing_offered"


def label_advice(reading: LabelReading) -> Iterator[str]:
    """Advice on labels that is no suspicion (labelling measures, art. 6 and 10)."""
    wording = reading.wording(Kind.AI)
    if wording and not reading.declared_ai:
        yield "ai_label_undeclared"
    if wording is Wording.WEAK:
        yield "ai_label_weak_wording"
    if reading.malformed:
        yield "ai_metadata_malformed"
