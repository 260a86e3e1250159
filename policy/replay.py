"""Decisions that explain themselves: kept with all that led to them, and replayed."""

from datetime import datetime

from labels.cases import Case
from labels.decisions import Decision, Resolved, ResolvedLevels
from labels.errors import MingbianError
from labels.results import Step
from labels.taxonomy import taxonomy
from policy.pack import LoadedPack
from policy.resolve import Levels, Policy
from policy.rule import Ruled, choose


class ReplayError(MingbianError):
    """A decision that does not follow from what is kept of it."""

    code = "replay_failed"


def decision(
    case: Case, loaded: LoadedPack, policy: Policy, decided: datetime, step: Step | None = None
) -> Decision:
    """Rule on a case and keep what led to it.

    Args:
        case: to rule on.
        loaded: the pack.
        policy: the same, resolved.
        decided: when.
        step: milder than the ruling, if reviewers chose so.

    Raises:
        StepError: the step is harsher than what is ruled.
    """
    ruled = choose(case, policy, step)
    return Decision(
        case=case,
        decided=decided,
        policy=loaded.version,
        resolved=Resolved(
            levels={
                category: ResolvedLevels(prompt=at.prompt, review=at.review, act=at.act)
                for category, at in policy.levels.items()
            },
            shifts=dict(policy.shifts),
            machine_prompt=policy.machine_prompt,
        ),
        step=ruled.step,
        days=ruled.days,
        pause_days=ruled.pause_days,
        trace=ruled.trace,
    )


def replay(kept: Decision, loaded: LoadedPack) -> Ruled:
    """The ruling, come to again from what was kept.

    Raises:
        StepError: what is kept is harsher than what is ruled.
        ReplayError: the pack is another one than that which decided, or the result differs.
    """
    ruled = choose(kept.case, policy_of(kept, loaded), kept.step)
    same = Ruled(kept.step, kept.days, kept.pause_days, kept.trace)
    if ruled != same:
        raise ReplayError(
            f"decision {kept.case.decision_id!r}: replayed it is {ruled.step} for {ruled.days} "
            f"days, kept is {kept.step} for {kept.days}",
            remedy="the record was altered, or the rules in the code changed since",
        )
    return ruled


def policy_of(kept: Decision, loaded: LoadedPack) -> Policy:
    """The policy that decided, with its thresholds of the time.

    Raises:
        ReplayError: the pack is another one than that which decided.
    """
    if loaded.version != kept.policy:
        raise ReplayError(
            f"decision {kept.case.decision_id!r} was made under {kept.policy.id} "
            f"{kept.policy.version} ({kept.policy.sha256[:12]}), not {loaded.version.id} "
            f"{loaded.version.version} ({loaded.version.sha256[:12]})",
            remedy="name that pack with --policy",
        )
    resolved = kept.resolved
    levels = {
        category: Levels(at.prompt, at.review, at.act) for category, at in resolved.levels.items()
    }
    return Policy(loaded.pack, levels, resolved.shifts, resolved.machine_prompt, ())


def campaign_rows(kept: Decision) -> set[tuple[str, str]]:
    """A decision as a campaign's report counts it: each category upheld, with the step."""
    upheld = kept.case.findings.clauses if kept.case.findings else ()
    return {(taxonomy().category_of[clause].value, kept.step.value) for clause in upheld}
