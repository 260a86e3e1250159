"""An account as reviewers see it, as its owner does, and as the platform knew it before."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, select

from labels.events import EVENT
from labels.results import Step
from policy.ledger import LedgerError, Record
from policy.outlook import outlook
from serving.history import record_event, record_of
from serving.lineup import Active
from serving.refusal import RequestError, UnprocessableError
from serving.review import find_decision, reasons_of
from serving.store.schema import appeals, bodies, reports, sanctions


def record_view(
    connection: Connection, account_id: str, active: Active, now: datetime
) -> dict[str, Any]:
    """Decisions, strikes that count, what is enforced, and what a next violation leads to.

    An account that nobody knows has an empty record: nothing is known against it.
    """
    return told_record(record_of(connection, account_id), account_id, active, now)


def told_record(record: Record, account_id: str, active: Active, now: datetime) -> dict[str, Any]:
    """As :func:`record_view`, of a record that is at hand."""
    strikes = record.strikes(now, active.loaded.pack.strike_days)
    enforced = record.enforcement(now)
    following = outlook(strikes, active.policy)
    return {
        "account_id": account_id,
        "decisions": [
            {
                "decision_id": standing.decision_id,
                "at": standing.at,
                "step": standing.step,
                "days": standing.days,
                "imported": standing.case is None,
                "applied": standing.applied,
                "failed": standing.failed,
                "overturned": standing.overturned,
            }
            for standing in record.standings
        ],
        "strikes": strikes.model_dump(),
        "enforcement": None if enforced is None else asdict(enforced),
        "next": {name: {"step": step, "days": days} for name, (step, days) in following.items()},
    }


def import_decision(
    connection: Connection, account_id: str, decision_id: str, step: Step, days: int, at: datetime
) -> bool:
    """Take over a decision from the platform's own history; whether it was new.

    Raises:
        UnprocessableError: it was taken in the future.
        RequestError: a decision of that id is known with another content.
    """
    if at > datetime.now(UTC):
        raise UnprocessableError(
            "in_the_future", f"decision {decision_id!r} is of {at}", pointer="/items"
        )
    both = hashlib.sha256(json.dumps([account_id, decision_id]).encode()).hexdigest()
    event_id = f"imported.{both}"
    known = connection.scalar(select(bodies.c.body).where(bodies.c.entry_id == event_id))
    fields = {"decision_id": decision_id, "step": step, "days": days}
    if known is not None:
        raw = {"kind": "imported", "event_id": event_id, "account_id": account_id, "at": at}
        if EVENT.validate_json(known) == EVENT.validate_python({**raw, **fields}):
            return False
        raise RequestError(
            "decision_known", f"decision {decision_id!r} was imported with another content"
        )
    record_event(connection, "imported", event_id=event_id, account_id=account_id, at=at, **fields)
    try:
        record_of(connection, account_id)
    except LedgerError as error:
        raise RequestError(error.code, str(error)) from None
    return True


def inbox_of_account(
    connection: Connection, account_id: str, newest: int | None = None
) -> list[dict[str, Any]]:
    """What its owner may read: statements of reasons and answers to appeals, nobody's name.

    Oldest first; all of it, or the ``newest``.
    """
    asked = (
        select(sanctions, appeals.c.appeal_id, appeals.c.outcome, appeals.c.answer)
        .join_from(
            sanctions, appeals, sanctions.c.decision_id == appeals.c.decision_id, isouter=True
        )
        .where(sanctions.c.account_id == account_id)
        .order_by(sanctions.c.decision_id.desc())
        .limit(newest)
    )
    found = connection.execute(asked).mappings().all()
    return [_message(connection, row) for row in reversed(found)]


def inbox_of_reporter(connection: Connection, reporter_id: str) -> Sequence[RowMapping]:
    """What became of a reporter's complaints; nothing of whom they were about."""
    columns = (reports.c.report_id, reports.c.at, reports.c.category, reports.c.outcome)
    asked = select(*columns).where(reports.c.reporter_id == reporter_id)
    return connection.execute(asked.order_by(reports.c.report_id)).mappings().all()


def _message(connection: Connection, row: RowMapping) -> dict[str, Any]:
    told = reasons_of(connection, find_decision(connection, row["decision_id"]))
    appeal = None
    if row["appeal_id"]:
        appeal = {name: row[name] for name in ("appeal_id", "outcome", "answer")}
    names = ("decision_id", "decided_at", "step", "days", "pause_days", "state", "until")
    return {
        **{name: row[name] for name in names},
        "reasons": {"zh": told.zh, "en": told.en},
        "appeal": appeal,
    }
