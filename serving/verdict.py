"""What a reviewer says of a case is carried out, and their words are kept with it."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, RowMapping, insert, select

from policy.ledger import Correction
from serving import review
from serving.appeals import answer
from serving.lineup import Active
from serving.people import Caller
from serving.queue import CaseState, find_case
from serving.shapes import Answer, CorrectionView, Decide, Decided, Second
from serving.store.database import new_id
from serving.store.schema import verdicts


def carry_out(
    connection: Connection,
    case_id: str,
    said: Decide | Second | Answer,
    caller: Caller,
    active: Active,
    now: datetime,
) -> Decided:
    """Decide, confirm, reject, or answer an appeal.

    Args:
        connection: that writes.
        case_id: of a case that the caller holds.
        said: the verdict.
        caller: the reviewer.
        active: the pack that rules.
        now: moment of the verdict.

    Raises:
        NotFoundError: there is no such case.
        RequestError: the caller does not hold it, or it waits for something else.
        UnprocessableError: the step is harsher than what may follow, or cannot be explained.
    """
    repaired: list[Correction] = []
    if isinstance(said, Decide):
        found = review.Finding(said.findings, said.step, said.reasons)
        state = review.decide(connection, case_id, caller, found, active, now)
    elif isinstance(said, Answer):
        overturned = said.verdict == "overturn"
        repaired = answer(connection, case_id, caller, said.reasons, now, overturned=overturned)
        state = CaseState.CLOSED
    elif said.verdict == "confirm":
        state = review.confirm(connection, case_id, caller, active, now)
    else:
        state = review.reject(connection, case_id, caller, now)
    _keep(connection, find_case(connection, case_id), said, caller, now)
    return Decided(case_id=case_id, state=state, corrected=[correction_view(e) for e in repaired])


def words_on(connection: Connection, decision_id: str) -> Sequence[RowMapping]:
    """What reviewers wrote on a decision, oldest first."""
    asked = select(verdicts).where(verdicts.c.decision_id == decision_id)
    return connection.execute(asked.order_by(verdicts.c.verdict_id)).mappings().all()


def correction_view(found: Correction) -> CorrectionView:
    """A later decision that became milder, or would."""
    return CorrectionView(
        decision_id=found.decision_id,
        was=found.was[0],
        was_days=found.was[1],
        now=found.now[0],
        now_days=found.now[1],
    )


def _keep(
    connection: Connection,
    case: RowMapping,
    said: Decide | Second | Answer,
    caller: Caller,
    now: datetime,
) -> None:
    connection.execute(
        insert(verdicts).values(
            verdict_id=new_id("ver"),
            case_id=case["case_id"],
            decision_id=case["decision_id"],
            by=caller.user_id,
            verdict=said.verdict,
            step=said.step if isinstance(said, Decide) else None,
            reasons=said.reasons,
            at=now,
        )
    )
