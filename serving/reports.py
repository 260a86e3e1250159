"""Complaints of users. How much one counts depends on how their earlier ones ended."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, RowMapping, case, func, insert, select

from labels.results import ScoredPost, Step
from serving.history import record_event
from serving.queue import has_case, hasten, open_case
from serving.refusal import UnprocessableError
from serving.review import DISMISSED, UPHELD, find_decision, kept_decision
from serving.store.database import new_id
from serving.store.schema import decisions, reports


def intake(
    connection: Connection,
    decision_id: str,
    reporter_id: str,
    reason: str,
    category: str | None,
    now: datetime,
) -> str:
    """Keep a complaint about a post that was scored, and move its review up the queue.

    Returns:
        The report's id.

    Raises:
        NotFoundError: there is no such decision.
    """
    row = find_decision(connection, decision_id)
    report_id = new_id("rep")
    weight = reliability(connection, reporter_id)
    settled = None
    if row["decided_at"]:
        settled = UPHELD if kept_decision(row).step is not Step.NONE else DISMISSED
    connection.execute(
        insert(reports).values(
            report_id=report_id,
            reporter_id=reporter_id,
            decision_id=decision_id,
            account_id=row["account_id"],
            category=category,
            reason=reason,
            at=now,
            outcome=settled,
        )
    )
    record_event(
        connection,
        "reported",
        event_id=report_id,
        account_id=row["account_id"],
        at=now,
        data_id=row["data_id"],
    )
    if not has_case(connection, decision_id):
        result = ScoredPost.model_validate(row["result"], strict=False)
        open_case(connection, decision_id, row["account_id"], result, now)
    hasten(connection, decision_id, weight)
    return report_id


def reliability(connection: Connection, reporter_id: str) -> float:
    """Share of a reporter's settled complaints that were upheld, with one of each to begin with.

    In (0, 1): 0.5 for a newcomer, towards 0 for who reports in bad faith (rule of succession).
    """
    settled = connection.execute(
        select(
            func.count(),
            func.coalesce(func.sum(case((reports.c.outcome == UPHELD, 1), else_=0)), 0),
        ).where(reports.c.reporter_id == reporter_id, reports.c.outcome.is_not(None))
    ).one()
    return float((settled[1] + 1) / (settled[0] + 2))


def complaints(connection: Connection, decision_id: str, at_most: int) -> Sequence[RowMapping]:
    """What users said of a post, newest first: ``at``, ``category``, ``reason``; never who."""
    asked = select(reports.c.at, reports.c.category, reports.c.reason)
    mine = asked.where(reports.c.decision_id == decision_id)
    newest = mine.order_by(reports.c.report_id.desc()).limit(at_most)
    return connection.execute(newest).mappings().all()


def newest_decision(connection: Connection, data_id: str) -> str:
    """The decision on what a post says now; raises ``UnprocessableError`` if it was never kept."""
    found = connection.scalar(
        select(decisions.c.decision_id)
        .where(decisions.c.data_id == data_id)
        .order_by(decisions.c.decision_id.desc())
        .limit(1)
    )
    if found is None:
        raise UnprocessableError(
            "post_unknown",
            f"post {data_id!r} is not kept here",
            pointer="/post",
            remedy="send the post itself with the report",
        )
    return str(found)
