"""From cases to suggestions and steps, on columns. Pure: same input, same answer."""

from dataclasses import dataclass, replace

import numpy as np

from labels.results import Suggestion
from labels.taxonomy import Category
from policy.cases import CATEGORIES, CLAUSES, OWNER, Bools, Cases, Floats, Ints
from policy.floors import CLOSURE, FLOORS, LONG_MUTE, NONE, PROMPT, SHORT_MUTE, WARNING
from policy.resolve import Policy

SUGGESTIONS = tuple(Suggestion)
_PASS, _PROMPT, _REVIEW, _ACT = range(len(SUGGESTIONS))

AI_LABEL_MISSING, FICTION_LABEL_MISSING = "3.4", "3.5"
_AI, _FICTION = CLAUSES.index(AI_LABEL_MISSING), CLAUSES.index(FICTION_LABEL_MISSING)
#: what a forwarder who did not check answers for is another's claim (rule E4)
_CLAIMS: Bools = np.array([CATEGORIES[owner] is not Category.UNLABELED_AI for owner in OWNER])


@dataclass(frozen=True, slots=True)
class Ruling:
    """Columns: what follows from each case.

    One row a case. ``scores`` and ``clauses`` hold at the population's rates; ``deciding`` is
    what of a category was compared, less than its score where a label answers its likeliest
    clause; ``thresholds`` is what it crossed, NaN where nothing. ``levels``: the suggestion each
    clause raises, 0 where it raises none. ``by_rule``: clause 3.4 raised by a label, not by a
    score. ``protected``: by score, or found. ``wanted``: the step of each clause before floors
    and caps; ``step`` and ``days``: what follows.
    """

    scores: Floats
    clauses: Floats
    deciding: Floats
    suggestion: Ints
    levels: Ints
    thresholds: Floats
    by_rule: Bools
    by_machine: Bools
    protected: Bools
    wanted: Ints
    step: Ints
    days: Ints


def judge(cases: Cases, policy: Policy) -> Ruling:
    """Rule on every case.

    Where people have looked, the clauses they uphold decide, and every floor holds for what they
    found. Where nobody has, the clauses that scores raise decide, and the step is what would
    follow if reviewers confirmed all that it requires; protected speech is not prompted for a score
    of categories 1, 2 or 4.
    """
    scores = _moved(cases.categories, policy.category_odds)
    clauses = _moved(cases.clauses, policy.category_odds[OWNER])
    raised, thresholds, deciding = _by_score(cases, policy, scores, clauses)
    protected = (cases.protected >= policy.pack.protected.threshold) | cases.found_protected
    spared = protected.any(axis=1, keepdims=True) & (raised == _PROMPT) & _CLAIMS
    raised = np.where(spared, _PASS, raised)
    by_rule = cases.ai_confirmed & ~cases.ai_labelled & (raised[:, _AI] == _PASS)
    raised[by_rule, _AI] = _PROMPT
    by_machine = _by_machine(cases, policy)
    highest = np.maximum(raised.max(axis=1), np.where(by_machine, _PROMPT, _PASS))
    suggestion = np.where(protected.any(axis=1), np.minimum(highest, _REVIEW), highest)
    cases = replace(cases, found_protected=protected)
    wanted = _wanted(cases, policy, raised)
    allowed = np.minimum(wanted, _allowed(cases, policy))
    step = np.maximum(allowed.max(axis=1), np.where(by_machine & ~cases.judged, PROMPT, NONE))
    return Ruling(
        scores=scores,
        clauses=clauses,
        deciding=deciding,
        suggestion=suggestion,
        levels=raised,
        thresholds=thresholds,
        by_rule=by_rule,
        by_machine=by_machine,
        protected=protected,
        wanted=wanted,
        step=step,
        days=mute_days(cases, policy, step),
    )


def _allowed(cases: Cases, policy: Policy) -> Ints:
    """The harshest step each clause may bear, under every floor and the pack's own caps."""
    caps = np.broadcast_to(policy.label_caps, (len(cases), len(CLAUSES)))
    for floor in FLOORS.values():
        caps = np.minimum(caps, floor(cases))
    return caps


def _moved(probabilities: Floats, odds: Floats) -> Floats:
    """Probabilities whose odds are multiplied: held at another rate."""
    up = probabilities * odds
    return up / (up + (1 - probabilities))


def _by_score(
    cases: Cases, policy: Policy, scores: Floats, clauses: Floats
) -> tuple[Ints, Floats, Floats]:
    """The level each clause raises, what each category crossed, and the score that did."""
    answered = np.zeros(clauses.shape, dtype=bool)
    answered[:, _AI] = cases.ai_labelled
    answered[:, _FICTION] = cases.fiction_labelled
    open_clauses = np.where(answered, -1.0, clauses)
    levels = np.zeros(clauses.shape, dtype=np.int64)
    thresholds = np.full(scores.shape, np.nan)
    deciding = np.empty(scores.shape)
    rows = np.arange(len(cases))
    for place in range(len(CATEGORIES)):
        mine = np.flatnonzero(place == OWNER)
        top = mine[open_clauses[:, mine].argmax(axis=1)]
        first = mine[clauses[:, mine].argmax(axis=1)]
        score = np.where(
            answered[rows, first],
            np.minimum(scores[:, place], open_clauses[rows, top]),
            scores[:, place],
        )
        level, thresholds[:, place] = _crossed(score, policy.category_levels[place])
        named = open_clauses[:, mine] >= policy.category_levels[place].min()
        named[rows, np.searchsorted(mine, top)] = True
        levels[:, mine] = np.where(named, level[:, None], _PASS)
        deciding[:, place] = score
    mild = (policy.severities == PROMPT)[None, :] & (levels > _PASS)
    return np.where(mild, _PROMPT, levels), thresholds, deciding


def _crossed(score: Floats, levels: Floats) -> tuple[Ints, Floats]:
    """The harshest level each score reaches, and its threshold."""
    found = np.zeros(len(score), dtype=np.int64)
    at = np.full(len(score), np.nan)
    for level, threshold in zip((_PROMPT, _REVIEW, _ACT), levels, strict=True):
        reached = score >= threshold
        found[reached], at[reached] = level, threshold
    return found, at


def _by_machine(cases: Cases, policy: Policy) -> Bools:
    if policy.machine_prompt is None:
        return np.zeros(len(cases), dtype=bool)
    return cases.unlabelled & (cases.machine_written >= policy.machine_prompt)


def _wanted(cases: Cases, policy: Policy, raised: Ints) -> Ints:
    """The step of each clause by severity, modifiers and record, before floors and caps."""
    grave = np.where(raised > _PROMPT, policy.severities, np.where(raised > _PASS, PROMPT, NONE))
    found = np.where(cases.upheld, policy.severities, NONE)
    severity = np.where(cases.judged[:, None], found, grave)
    forwarded = cases.forwarded[:, None] & _CLAIMS
    severity = np.where(forwarded, np.minimum(severity, WARNING), severity)
    severity = np.where(severity > NONE, _modified(cases, policy, severity), NONE)
    return _escalated(cases, policy, severity)


def _modified(cases: Cases, policy: Policy, severity: Ints) -> Ints:
    """One step up, to the long mute, or one down, as the pack says of each circumstance."""
    gravest = policy.gravest
    worse = np.where(_any(cases.aggravators[:, ~gravest]), severity + 1, severity)
    worse = np.where(_any(cases.aggravators[:, gravest]), LONG_MUTE, worse)
    milder = np.where(_any(cases.mitigators), worse - 1, worse)
    return np.asarray(np.clip(milder, PROMPT, LONG_MUTE))


def _any(named: Bools) -> Bools:
    """Shape (rows, 1): whether a row has any of the names."""
    return np.asarray(named.any(axis=1, keepdims=True))


def _escalated(cases: Cases, policy: Policy, severity: Ints) -> Ints:
    """One step further where the record has used up a step; closure only where it is asked for."""
    warnings, short, long = cases.strikes.T
    used = {
        WARNING: warnings + short + long >= len(policy.durations[WARNING]),
        SHORT_MUTE: short + long >= len(policy.durations[SHORT_MUTE]),
    }
    step = severity.copy()
    for at, full in used.items():
        step = np.where((severity == at) & full[:, None], at + 1, step)
    return np.where((step == LONG_MUTE) & cases.closure[:, None], CLOSURE, step)


def mute_days(cases: Cases, policy: Policy, step: Ints) -> Ints:
    """How long a mute lasts: longer with each one that still counts; 0 of another step."""
    _, short, long = cases.strikes.T
    days = np.zeros(len(cases), dtype=np.int64)
    for at, before in ((SHORT_MUTE, short + long), (LONG_MUTE, long)):
        lasts = np.array(policy.durations[at])
        days = np.where(step == at, lasts[np.minimum(before, len(lasts) - 1)], days)
    return days
