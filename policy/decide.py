"""From scores and labels to a suggestion and a proposed step. Pure: same input, same answer.

Floors, whatever a pack says: category 3 alone never passes warning (3.3 and intentional 3.6:
short mute); a machine-written score alone never passes prompt; a protected class never passes
review; closure is never proposed from scores.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from labels.reader import AiState, Kind, LabelReading, Wording
from labels.results import (
    Finding,
    HeadScores,
    ProposedSanction,
    Protection,
    RiskLevel,
    Step,
    Suggestion,
)
from labels.taxonomy import Category, taxonomy
from policy.pack import PolicyPack

_SUGGESTIONS = tuple(Suggestion)
_STEPS = tuple(Step)
_RISK = dict(zip(Suggestion, RiskLevel, strict=True))

AI_LABEL_MISSING = "3.4"
FICTION_LABEL_MISSING = "3.5"


@dataclass(frozen=True, slots=True)
class Decision:
    """What the policy says of one post."""

    suggestion: Suggestion
    risk_level: RiskLevel
    findings: tuple[Finding, ...]
    protected: tuple[Protection, ...]
    sanction: ProposedSanction
    warnings: tuple[str, ...]


def decide(scores: HeadScores, reading: LabelReading, pack: PolicyPack) -> Decision:
    """The suggestion, and the step if reviewers confirm all that it requires.

    Args:
        scores: a probability for every category, clause and protected class of the taxonomy.
        reading: the labels and declarations of the same post.
        pack: thresholds and ladder, validated.

    Raises:
        KeyError: a head has no score. Silence would read as "nothing wrong".
    """
    findings = tuple(_findings(scores, reading, pack))
    protected = tuple(_protections(scores, pack))
    by_machine = _asks_for_ai_label(scores, reading, pack)
    suggestion = max(
        (*(f.level for f in findings), Suggestion.PROMPT if by_machine else Suggestion.PASS),
        key=_SUGGESTIONS.index,
    )
    if protected:
        suggestion = min(suggestion, Suggestion.REVIEW, key=_SUGGESTIONS.index)
    return Decision(
        suggestion=suggestion,
        risk_level=_RISK[suggestion],
        findings=findings,
        protected=protected,
        sanction=_sanction(suggestion, findings, protected, pack, by_machine=by_machine),
        warnings=tuple(_warnings(reading)),
    )


def _findings(scores: HeadScores, reading: LabelReading, pack: PolicyPack) -> Iterator[Finding]:
    answered = _answered_clauses(reading)
    by_score = [f for c in Category for f in _category_findings(c, scores, answered, pack)]
    yield from by_score
    missing = reading.state is AiState.CONFIRMED and AI_LABEL_MISSING not in answered
    if missing and all(finding.clause != AI_LABEL_MISSING for finding in by_score):
        yield Finding(
            category=Category.UNLABELED_AI,
            clause=AI_LABEL_MISSING,
            score=scores.heads[Category.UNLABELED_AI],
            threshold=None,
            level=Suggestion.PROMPT,
        )


def _answered_clauses(reading: LabelReading) -> set[str]:
    """Clauses that cannot hold because the label they miss is there."""
    answered = set()
    if reading.declared_ai or reading.wording(Kind.AI):
        answered.add(AI_LABEL_MISSING)
    if reading.declared_fiction or reading.wording(Kind.FICTION):
        answered.add(FICTION_LABEL_MISSING)
    return answered


def _category_findings(
    category: Category, scores: HeadScores, answered: set[str], pack: PolicyPack
) -> Iterator[Finding]:
    """The likeliest clause of a category over its threshold, and every other likely one."""
    thresholds = getattr(pack.categories, category.value)
    clauses = sorted(_clauses(category), key=lambda clause: -scores.heads[clause])
    score = scores.heads[category]
    if clauses[0] in answered:
        clauses = [clause for clause in clauses if clause not in answered]
        score = min(score, scores.heads[clauses[0]])
    crossed = thresholds.crossed(score)
    if not crossed:
        return
    level, threshold = crossed
    for place, clause in enumerate(clauses):
        if clause in answered or (place and scores.heads[clause] < pack.clause_named_at):
            continue
        mild = pack.clauses[clause].severity == "S1"
        yield Finding(
            category=category,
            clause=clause,
            score=score,
            threshold=threshold,
            level=Suggestion.PROMPT if mild else level,
        )


def _clauses(category: Category) -> list[str]:
    return [clause for clause, owner in taxonomy().category_of.items() if owner is category]


def _protections(scores: HeadScores, pack: PolicyPack) -> Iterator[Protection]:
    for code in taxonomy().protected:
        if scores.heads[code] >= pack.protected.threshold:
            yield Protection(code=code, score=scores.heads[code])


def _asks_for_ai_label(scores: HeadScores, reading: LabelReading, pack: PolicyPack) -> bool:
    at = pack.machine_written.prompt
    if at is None or scores.machine_written is None or reading.state is not AiState.NONE:
        return False
    return scores.machine_written >= at


def _sanction(
    suggestion: Suggestion,
    findings: Sequence[Finding],
    protected: Sequence[Protection],
    pack: PolicyPack,
    *,
    by_machine: bool,
) -> ProposedSanction:
    if suggestion is Suggestion.PASS:
        return ProposedSanction(step=Step.NONE, days=0, reviewers=0, requires=(), because=())
    because = [f"clause={f.clause}" for f in findings]
    because += [f"protected={p.code}" for p in protected]
    if by_machine:
        because.append("machine_written")
    step = max((_step(f, pack) for f in findings), key=_STEPS.index, default=Step.PROMPT)
    cap = _labels_alone_cap(findings, pack)
    if cap and _STEPS.index(step) > _STEPS.index(cap):
        because.append(f"cap=labels_alone:{cap}")
        step = cap
    rung = pack.rung(step)
    grave = [f for f in findings if f.level is not Suggestion.PROMPT]
    return ProposedSanction(
        step=step,
        days=rung.days,
        reviewers=rung.reviewers,
        requires=tuple(_requires(step, grave, protected, pack)),
        because=tuple(because),
    )


def _step(finding: Finding, pack: PolicyPack) -> Step:
    if finding.level is Suggestion.PROMPT:
        return Step.PROMPT
    return Step(pack.first_step(pack.clauses[finding.clause].severity).step)


def _labels_alone_cap(findings: Sequence[Finding], pack: PolicyPack) -> Step | None:
    if not findings or any(f.category is not Category.UNLABELED_AI for f in findings):
        return None
    exceptions = pack.labels_alone.exceptions
    caps = [exceptions.get(f.clause, pack.labels_alone.at_most) for f in findings]
    return max((Step(cap) for cap in caps), key=_STEPS.index)


def _requires(
    step: Step, grave: Sequence[Finding], protected: Sequence[Protection], pack: PolicyPack
) -> Iterator[str]:
    """What a person must find or file before the step may be taken."""
    if step is Step.PROMPT:
        return
    rules = [pack.clauses[f.clause] for f in grave]
    if any(rule.claim for rule in rules):
        yield "claim_status=false|misleading"
    if any(rule.account for rule in rules):
        yield "account_evidence"
    if any(rule.intent for rule in rules):
        yield "intent"
    yield from (f"evidence={f.clause}" for f in grave)
    if protected:
        yield "exact_false_sentence"
    if step is Step.LONG_MUTE:
        yield "hearing_offered"


def _warnings(reading: LabelReading) -> Iterator[str]:
    """Advice on labels that is no suspicion (labelling measures, art. 6 and 10)."""
    wording = reading.wording(Kind.AI)
    if wording and not reading.declared_ai:
        yield "ai_label_undeclared"
    if wording is Wording.WEAK:
        yield "ai_label_weak_wording"
    if reading.malformed:
        yield "ai_metadata_malformed"
