"""One case, ruled on: the step, and every rule that led to it."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from labels.cases import Case
from labels.errors import MingbianError
from labels.results import Step
from policy.cases import CATEGORIES, CLAUSES, OWNER, PROTECTED, Cases, many
from policy.floors import FLOORS, NONE, STEPS
from policy.judge import SUGGESTIONS, Ruling, judge, mute_days
from policy.resolve import Policy


class StepError(MingbianError):
    """Reviewers asked for more than may follow."""

    code = "step_above_ruling"


@dataclass(frozen=True, slots=True)
class Ruled:
    """What follows from a case.

    ``days`` is the length of a mute, ``pause_days`` that of the pause of earnings with it.
    ``trace`` names what was given, each rule that fired and each cap that bound, in order, as
    ``key=value``.
    """

    step: Step
    days: int
    pause_days: int
    trace: tuple[str, ...]


def rule(case: Case, policy: Policy) -> Ruled:
    """Rule on one case; the same answer as in a column of a million.

    Without findings the answer is a proposal: what would follow if reviewers confirmed it.
    """
    cases = many([case])
    ruling = judge(cases, policy)
    days = int(ruling.days[0])
    return Ruled(
        step=STEPS[ruling.step[0]],
        days=days,
        pause_days=round(days * policy.pack.mutes.pause_factor),
        trace=tuple(_trace(case, cases, ruling, policy)),
    )


def choose(case: Case, policy: Policy, step: Step | None) -> Ruled:
    """What reviewers take: what is ruled, or a milder step.

    Args:
        case: with findings.
        policy: that rules.
        step: None for the ruling itself.

    Raises:
        StepError: the step is harsher than what is ruled.
    """
    ruled = rule(case, policy)
    if step is None or step is ruled.step:
        return ruled
    place = STEPS.index(step)
    if place > STEPS.index(ruled.step):
        bound = [line for line in ruled.trace if line.startswith("cap=")]
        raise StepError(
            f"step {step} is above {ruled.step}, the harshest that the findings, the pack and the "
            f"floors allow ({', '.join(bound) or 'no cap bound'})"
        )
    days = days_of(case, policy, step)
    return Ruled(
        step=step,
        days=days,
        pause_days=round(days * policy.pack.mutes.pause_factor),
        trace=(*ruled.trace, f"chosen={step} days={days}"),
    )


def days_of(case: Case, policy: Policy, step: Step) -> int:
    """How long a step would last on this record; 0 of one that is no mute."""
    return int(mute_days(many([case]), policy, np.array([STEPS.index(step)]))[0])


def caps(cases: Cases, ruling: Ruling, policy: Policy) -> Iterator[str]:
    """Names of the floors, and of the pack's cap on labels, that made a single case milder."""
    wanted = ruling.wanted[0]
    for name, floor in FLOORS.items():
        if np.minimum(wanted, floor(cases)[0]).max() < wanted.max():
            yield name
    if np.minimum(wanted, policy.label_caps).max() < wanted.max():
        yield "labels_alone"


def _trace(case: Case, cases: Cases, ruling: Ruling, policy: Policy) -> Iterator[str]:
    yield f"model={case.model.id} {case.model.version} {case.model.sha256}"
    yield f"pack={policy.pack.id} {policy.pack.version}"
    yield from _scores(ruling, policy)
    yield f"basis={'findings' if case.findings else 'scores'}"
    for place in np.flatnonzero(ruling.wanted[0] > NONE):
        yield f"clause={CLAUSES[place]} severity={policy.pack.clauses[CLAUSES[place]].severity}"
    if case.findings:
        yield f"claim_status={case.findings.claim_status}"
        yield from (f"aggravator={name}" for name in case.findings.aggravators)
        yield from (f"mitigator={name}" for name in case.findings.mitigators)
        if case.findings.forwarded:
            yield "forwarded"
    yield from (f"protected={PROTECTED[place]}" for place in np.flatnonzero(ruling.protected[0]))
    yield from (f"strikes={name}:{count}" for name, count in case.strikes if count)
    yield f"wanted={STEPS[ruling.wanted[0].max()]}"
    yield from (f"cap={name}" for name in caps(cases, ruling, policy))
    yield f"step={STEPS[ruling.step[0]]} days={ruling.days[0]}"


def _scores(ruling: Ruling, policy: Policy) -> Iterator[str]:
    for place, category in enumerate(CATEGORIES):
        threshold = ruling.thresholds[0, place]
        if not np.isnan(threshold):
            level = SUGGESTIONS[ruling.levels[0, place == OWNER].max()]
            score = ruling.deciding[0, place]
            yield f"score={category} {score:.4f} {level} from {threshold:.4f}"
