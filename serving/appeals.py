"""Appeals: one a decision, within its time, judged by someone who did not decide.

An appeal that succeeds repairs all that it touched.
"""

from datetime import datetime, timedelta

from sqlalchemy import Connection, RowMapping, insert, select, update

from labels.results import Step
from policy.ledger import Correction, Record, corrections
from policy.resolve import Policy
from serving.history import record_event, record_of
from serving.outbox import Kind, announce
from serving.people import Caller
from serving.queue import CaseKind, CaseState, check_held, close, find_case, open_appeal_case
from serving.refusal import NotFoundError, RequestError
from serving.review import find_decision, kept_decision, policy_then
from serving.rows import find_row
from serving.sanctions import correct, lift
from serving.store.database import new_id
from serving.store.schema import appeals

UPHELD, OVERTURNED = "upheld", "overturned"


def file_appeal(
    connection: Connection, decision_id: str, account_id: str, statement: str, now: datetime
) -> RowMapping:
    """Appeal; a closed account may too.

    Raises:
        NotFoundError: there is no such decision on that account.
        RequestError: ``NotAppealable``, ``AlreadyAppealed`` or ``AppealWindowExpired``.
    """
    row = find_decision(connection, decision_id)
    if row["account_id"] != account_id:
        raise NotFoundError("decision", decision_id)
    if row["decided_at"] is None or kept_decision(row).step is Step.NONE:
        raise RequestError("NotAppealable", f"decision {decision_id!r} restricts nothing")
    if appeal_of(connection, decision_id):
        raise RequestError("AlreadyAppealed", f"decision {decision_id!r} was appealed before")
    kept = kept_decision(row)
    terms = policy_then(connection, decision_id).pack.appeal
    if now >= row["decided_at"] + timedelta(days=terms.open_days):
        raise RequestError(
            "AppealWindowExpired",
            f"decision {decision_id!r} could be appealed for {terms.open_days} days",
        )
    grave = kept.step in {Step.LONG_MUTE, Step.CLOSURE}
    answer_days = terms.answer_days_long_mute if grave else terms.answer_days
    appeal_id = new_id("apl")
    connection.execute(
        insert(appeals).values(
            appeal_id=appeal_id,
            decision_id=decision_id,
            account_id=account_id,
            statement=statement,
            at=now,
            answer_due=now + timedelta(days=answer_days),
        )
    )
    record_event(
        connection,
        "appealed",
        event_id=appeal_id,
        account_id=account_id,
        at=now,
        decision_id=decision_id,
    )
    open_appeal_case(connection, row, now)
    return find_appeal(connection, appeal_id)


def find_appeal(connection: Connection, appeal_id: str) -> RowMapping:
    """The row of an appeal; raises ``NotFoundError``."""
    return find_row(connection, appeals, appeal_id, "appeal")


def repair_of(connection: Connection, decision_id: str, account_id: str) -> list[Correction]:
    """Later decisions that would become milder if an appeal against a decision succeeded."""
    return _corrections(connection, record_of(connection, account_id).without(decision_id))


def answer(
    connection: Connection,
    case_id: str,
    caller: Caller,
    written: str,
    now: datetime,
    *,
    overturned: bool,
) -> list[Correction]:
    """Answer an appeal; where it succeeds, repair the record.

    Args:
        connection: that writes.
        case_id: of an appeal that the caller holds, so took no part in the decision.
        caller: who judges.
        written: the answer, in words.
        now: moment of the answer.
        overturned: whether the appeal succeeds.

    Returns:
        Later decisions that became milder with it.

    Raises:
        NotFoundError: there is no such case.
        RequestError: the caller does not hold it, or it is no appeal that waits.
    """
    case = find_case(connection, case_id)
    if case["kind"] != CaseKind.APPEAL or case["state"] == CaseState.CLOSED:
        raise RequestError(
            "wrong_verdict", f"case {case_id!r} is no appeal that waits", pointer="/verdict"
        )
    check_held(case, caller, now)
    appeal = appeal_of(connection, case["decision_id"])
    if appeal is None:
        raise NotFoundError("appeal", case["decision_id"])
    outcome = OVERTURNED if overturned else UPHELD
    connection.execute(
        update(appeals)
        .where(appeals.c.appeal_id == appeal["appeal_id"])
        .values(outcome=outcome, answer=written)
    )
    record_event(
        connection,
        outcome,
        event_id=f"{appeal['appeal_id']}.{outcome}",
        account_id=appeal["account_id"],
        at=now,
        decision_id=appeal["decision_id"],
    )
    repaired = _repair(connection, appeal, now) if overturned else []
    close(connection, case_id, now)
    announce(
        connection,
        Kind.APPEAL_DECIDED,
        now,
        appeal["account_id"],
        appeal_id=appeal["appeal_id"],
        decision_id=appeal["decision_id"],
        outcome=outcome,
        corrected=[found.decision_id for found in repaired],
    )
    return repaired


def _repair(connection: Connection, appeal: RowMapping, now: datetime) -> list[Correction]:
    """The sanction ends, the strike is gone, and what leaned on it becomes milder."""
    lift(connection, appeal["decision_id"], now)
    account_id = appeal["account_id"]
    found = _corrections(connection, record_of(connection, account_id))
    for each in found:
        factor = policy_then(connection, each.decision_id).pack.mutes.pause_factor
        correct(connection, each, account_id, factor, now)
    return found


def _corrections(connection: Connection, record: Record) -> list[Correction]:
    known: dict[str, Policy] = {}

    def policy(decision_id: str) -> Policy:
        return known.setdefault(decision_id, policy_then(connection, decision_id))

    return list(corrections(record, policy))


def appeal_of(connection: Connection, decision_id: str) -> RowMapping | None:
    """The appeal against a decision, if there is one."""
    asked = select(appeals).where(appeals.c.decision_id == decision_id)
    return connection.execute(asked).mappings().first()
