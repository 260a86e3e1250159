"""A case is decided: by one person, or by two where the step asks for two."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, select, update

from labels.cases import Case, Findings
from labels.decisions import Decision
from labels.results import Step, Version
from policy.floors import REVIEWERS, STEPS
from policy.pack import LoadedPack
from policy.reasons import FoundBy, ReasonsError, Statement, statement
from policy.replay import decision, policy_of
from policy.resolve import Policy
from policy.rule import StepError, days_of, rule
from serving.history import record_event, record_of
from serving.lineup import Active
from serving.outbox import Kind, announce
from serving.packs import pack_of
from serving.people import Caller
from serving.queue import (
    CaseKind,
    CaseState,
    await_second,
    check_held,
    close,
    find_case,
    reopen,
)
from serving.refusal import RequestError, UnprocessableError
from serving.rows import find_row
from serving.sanctions import impose
from serving.store.schema import decisions, reports

#: stands for the second reviewer while the first asks how far a step may go
_ANOTHER = "another reviewer"
UPHELD, DISMISSED = "upheld", "dismissed"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a reviewer found, which step follows, and why in their own words."""

    findings: Findings
    step: Step
    reasons: str


@dataclass(frozen=True, slots=True)
class Permitted:
    """What may follow from findings.

    ``steps`` with the days of a mute, mildest first; ``caps`` are the floors and the pack's cap
    that hold back more. ``incomplete`` says why nothing but a dismissal can be explained yet.
    """

    steps: tuple[tuple[Step, int], ...]
    caps: tuple[str, ...]
    incomplete: str | None


def permitted(
    connection: Connection,
    case: RowMapping,
    caller: Caller,
    findings: Findings,
    active: Active,
    now: datetime,
) -> Permitted:
    """Every step that reviewers could take on these findings, a second of them agreeing.

    Args:
        connection: to read from.
        case: of a review.
        caller: the reviewer.
        findings: without reviewers.
        active: the pack that rules.
        now: moment at which strikes count.
    """
    whole = _whole(connection, case, findings, (caller.user_id, _ANOTHER), active, now)
    ruled = rule(whole, active.policy)
    steps = STEPS[: STEPS.index(ruled.step) + 1]
    incomplete = None
    if ruled.step is not Step.NONE:
        try:
            statement(whole, active.policy, now, "own_search")
        except ReasonsError as error:
            incomplete = str(error)
    return Permitted(
        tuple((step, days_of(whole, active.policy, step)) for step in steps),
        tuple(line.removeprefix("cap=") for line in ruled.trace if line.startswith("cap=")),
        incomplete,
    )


def decide(
    connection: Connection,
    case_id: str,
    caller: Caller,
    found: Finding,
    active: Active,
    now: datetime,
) -> CaseState:
    """Decide a review, or hand it to a second person where the step asks for two.

    Args:
        connection: that writes.
        case_id: of a review that the caller holds.
        caller: the reviewer.
        found: findings without reviewers, who are known here.
        active: the pack that rules, with its thresholds for the model that scored.
        now: moment of the decision.

    Returns:
        Where the case is now.

    Raises:
        NotFoundError: there is no such case.
        RequestError: the caller does not hold it, or it waits for something else.
        UnprocessableError: the step is harsher than what may follow, or cannot be explained.
    """
    case = _held(connection, case_id, caller, now, CaseState.OPEN)
    needs_two = REVIEWERS[STEPS.index(found.step)] > 1
    reviewers = (caller.user_id, _ANOTHER) if needs_two else (caller.user_id,)
    kept, told = _ruled(connection, case, found, reviewers, active, now)
    if needs_two:
        await_second(
            connection,
            case_id,
            {
                "by": caller.user_id,
                "findings": found.findings.model_dump(mode="json"),
                "step": found.step.value,
                "reasons": found.reasons,
            },
        )
        return CaseState.SECOND
    _finish(connection, case, kept, told, active.loaded, now)
    return CaseState.CLOSED


def confirm(
    connection: Connection, case_id: str, caller: Caller, active: Active, now: datetime
) -> CaseState:
    """A second person agrees; the decision is taken. Raises as :func:`decide`."""
    case = _held(connection, case_id, caller, now, CaseState.SECOND)
    first = case["first"]
    found = Finding(
        Findings.model_validate(first["findings"], strict=False),
        Step(first["step"]),
        first["reasons"],
    )
    reviewers = (first["by"], caller.user_id)
    kept, told = _ruled(connection, case, found, reviewers, active, now)
    _finish(connection, case, kept, told, active.loaded, now)
    return CaseState.CLOSED


def reject(connection: Connection, case_id: str, caller: Caller, now: datetime) -> CaseState:
    """A second person disagrees; the review begins anew. Raises as :func:`decide`."""
    _held(connection, case_id, caller, now, CaseState.SECOND)
    reopen(connection, case_id)
    return CaseState.OPEN


def model_of(connection: Connection, case_id: str) -> Version:
    """The model that scored the post of a case; raises ``NotFoundError``."""
    row = find_decision(connection, find_case(connection, case_id)["decision_id"])
    return Case.model_validate(row["case"], strict=False).model


def find_decision(connection: Connection, decision_id: str) -> RowMapping:
    """The row of a decision; raises ``NotFoundError``."""
    return find_row(connection, decisions, decision_id, "decision")


def kept_decision(row: RowMapping) -> Decision:
    """What reviewers decided, from a row that was."""
    return Decision.model_validate(row["ruled"], strict=False)


def policy_then(connection: Connection, decision_id: str) -> Policy:
    """The policy that ruled on a decision, with its thresholds of the time."""
    kept = kept_decision(find_decision(connection, decision_id))
    return policy_of(kept, pack_of(connection, kept.policy.sha256))


def reasons_of(connection: Connection, row: RowMapping) -> Statement:
    """The statement of reasons of a decision that was taken."""
    kept = kept_decision(row)
    policy = policy_of(kept, pack_of(connection, kept.policy.sha256))
    found_by: FoundBy = (
        "user_report" if _was_reported(connection, row["decision_id"]) else "own_search"
    )
    return statement(kept.case, policy, kept.decided, found_by, kept.step)


def _held(
    connection: Connection, case_id: str, caller: Caller, now: datetime, state: CaseState
) -> RowMapping:
    case = find_case(connection, case_id)
    if case["kind"] != CaseKind.REVIEW or case["state"] != state:
        raise RequestError(
            "wrong_verdict",
            f"case {case_id!r} is {case['kind']} {case['state']}; this verdict does not answer it",
            pointer="/verdict",
        )
    check_held(case, caller, now)
    return case


def _ruled(
    connection: Connection,
    case: RowMapping,
    found: Finding,
    reviewers: tuple[str, ...],
    active: Active,
    now: datetime,
) -> tuple[Decision, bool]:
    """The decision as it would be kept, and whether anything follows from it."""
    whole = _whole(connection, case, found.findings, reviewers, active, now)
    try:
        kept = decision(whole, active.loaded, active.policy, now, found.step)
        follows = kept.step is not Step.NONE
        if follows:
            statement(kept.case, active.policy, now, "own_search", kept.step)
    except StepError as error:
        raise UnprocessableError(error.code, str(error), pointer="/step") from None
    except ReasonsError as error:
        raise UnprocessableError(error.code, str(error), pointer="/findings") from None
    return kept, follows


def _whole(
    connection: Connection,
    case: RowMapping,
    findings: Findings,
    reviewers: tuple[str, ...],
    active: Active,
    now: datetime,
) -> Case:
    """The case as it is ruled on: with what counts against the account, and who found what."""
    row = find_decision(connection, case["decision_id"])
    strikes = record_of(connection, row["account_id"]).strikes(now, active.loaded.pack.strike_days)
    found = findings.model_copy(update={"reviewers": reviewers})
    return Case.model_validate(row["case"], strict=False).model_copy(
        update={"strikes": strikes, "findings": found}
    )


def _finish(
    connection: Connection,
    case: RowMapping,
    kept: Decision,
    follows: bool,
    loaded: LoadedPack,
    now: datetime,
) -> None:
    decision_id = case["decision_id"]
    connection.execute(
        update(decisions)
        .where(decisions.c.decision_id == decision_id)
        .values(decided_at=now, ruled=kept.model_dump(mode="json"))
    )
    about: dict[str, Any] = {"account_id": kept.case.account_id, "at": now}
    outcome: dict[str, Any] = {"step": kept.step, "days": kept.days}
    record_event(
        connection,
        "decided",
        event_id=f"{decision_id}.decided",
        decision_id=decision_id,
        case=kept.case,
        **about,
        **outcome,
    )
    announce(connection, Kind.DECISION_CREATED, decision_id=decision_id, **about, **outcome)
    if follows:
        impose(connection, kept, now)
    connection.execute(
        update(reports)
        .where(reports.c.decision_id == decision_id, reports.c.outcome.is_(None))
        .values(outcome=UPHELD if follows else DISMISSED)
    )
    close(connection, case["case_id"], now)


def _was_reported(connection: Connection, decision_id: str) -> bool:
    asked = select(reports.c.report_id).where(reports.c.decision_id == decision_id).limit(1)
    return connection.scalar(asked) is not None
