"""What the platform has to do, and what it says that it did. It alone enforces."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, RowMapping, insert, select, update

from labels.decisions import Decision
from labels.results import Step
from policy.ledger import Correction
from serving.history import record_event
from serving.outbox import Kind, announce
from serving.refusal import RequestError
from serving.rows import find_row
from serving.store.schema import sanctions

_MUTES = (Step.SHORT_MUTE, Step.LONG_MUTE)


class SanctionState(StrEnum):
    """``due``: to be applied. ``done``: a prompt or warning was sent. ``lifted``: overturned."""

    DUE = "due"
    ACTIVE = "active"
    DONE = "done"
    FAILED = "failed"
    EXPIRED = "expired"
    LIFTED = "lifted"


#: of a decision joined with its sanction, if it has one: something follows from it, still
STANDS = sanctions.c.decision_id.is_not(None) & (sanctions.c.state != SanctionState.LIFTED)


def impose(connection: Connection, kept: Decision, now: datetime) -> None:
    """Ask the platform to carry a decision out."""
    connection.execute(
        insert(sanctions).values(
            decision_id=kept.case.decision_id,
            account_id=kept.case.account_id,
            step=kept.step,
            days=kept.days,
            pause_days=kept.pause_days,
            state=SanctionState.DUE,
            decided_at=now,
        )
    )
    announce(
        connection,
        Kind.SANCTION_DUE,
        now,
        kept.case.account_id,
        decision_id=kept.case.decision_id,
        step=kept.step,
        days=kept.days,
        pause_days=kept.pause_days,
    )


def find_sanction(connection: Connection, decision_id: str) -> RowMapping:
    """The row of a sanction; raises ``NotFoundError``."""
    return find_row(connection, sanctions, decision_id, "sanction")


def applied(connection: Connection, decision_id: str, now: datetime) -> RowMapping:
    """The platform carried it out; a mute runs from now. Said twice, it is one.

    Raises:
        NotFoundError: there is no such sanction.
        RequestError: it ended.
    """
    row = find_sanction(connection, decision_id)
    step = Step(row["step"])
    state = SanctionState.ACTIVE if step in {*_MUTES, Step.CLOSURE} else SanctionState.DONE
    if row["state"] == state:
        return row
    _check_waits(row)
    until = now + timedelta(days=row["days"]) if step in _MUTES else None
    _set(connection, decision_id, state=state, applied_at=now, until=until, reason=None)
    _tell(connection, row, "applied", now)
    return find_sanction(connection, decision_id)


def failed(connection: Connection, decision_id: str, reason: str, now: datetime) -> RowMapping:
    """The platform could not carry it out; it may still. Raises as :func:`applied`."""
    row = find_sanction(connection, decision_id)
    if row["state"] == SanctionState.FAILED and row["reason"] == reason:
        return row
    _check_waits(row)
    _set(connection, decision_id, state=SanctionState.FAILED, reason=reason)
    _tell(connection, row, "failed", now, reason=reason)
    return find_sanction(connection, decision_id)


def expire(connection: Connection, now: datetime) -> int:
    """End every mute whose time is over, each once; how many there were."""
    found = over(connection, now)
    for row in found:
        _set(connection, row["decision_id"], state=SanctionState.EXPIRED)
        _tell(connection, row, "expired", now)
        _announce_end(connection, row, now, "over")
    return len(found)


def over(connection: Connection, now: datetime) -> Sequence[RowMapping]:
    """Mutes whose time is over and that still run."""
    asked = select(sanctions).where(
        sanctions.c.state == SanctionState.ACTIVE, sanctions.c.until <= now
    )
    return connection.execute(asked).mappings().all()


def lift(connection: Connection, decision_id: str, now: datetime) -> None:
    """An appeal succeeded; what runs ends, what is due is not done."""
    row = find_sanction(connection, decision_id)
    running = row["state"] in {SanctionState.ACTIVE, SanctionState.DUE, SanctionState.FAILED}
    _set(connection, decision_id, state=SanctionState.LIFTED)
    if running:
        _announce_end(connection, row, now, "overturned")


def correct(
    connection: Connection, found: Correction, account_id: str, factor: float, now: datetime
) -> None:
    """A decision that leaned on an overturned one becomes milder, and with it its sanction."""
    row = find_sanction(connection, found.decision_id)
    step, days = found.now
    record_event(
        connection,
        "corrected",
        event_id=f"{found.decision_id}.corrected.{now.timestamp():.6f}",
        account_id=account_id,
        at=now,
        decision_id=found.decision_id,
        step=step,
        days=days,
    )
    until = row["applied_at"] + timedelta(days=days) if row["applied_at"] and days else None
    ended = row["state"] == SanctionState.ACTIVE and (until is None or until <= now)
    pause = round(days * factor)
    _set(connection, found.decision_id, step=step, days=days, pause_days=pause, until=until)
    if step is Step.NONE:
        lift(connection, found.decision_id, now)
    elif ended:
        _set(connection, found.decision_id, state=SanctionState.EXPIRED)
        _announce_end(connection, row, now, "corrected")


def _check_waits(row: RowMapping) -> None:
    if row["state"] not in {SanctionState.DUE, SanctionState.FAILED}:
        raise RequestError(
            "sanction_not_due",
            f"sanction {row['decision_id']!r} is {row['state']}; there is nothing to carry out",
        )


def _tell(connection: Connection, row: RowMapping, kind: str, now: datetime, **more: str) -> None:
    record_event(
        connection,
        kind,
        event_id=f"{row['decision_id']}.{kind}.{now.timestamp():.6f}",
        account_id=row["account_id"],
        at=now,
        decision_id=row["decision_id"],
        **more,
    )


def _announce_end(connection: Connection, row: RowMapping, now: datetime, why: str) -> None:
    announce(
        connection,
        Kind.SANCTION_EXPIRED,
        now,
        row["account_id"],
        decision_id=row["decision_id"],
        step=row["step"],
        because=why,
    )


def _set(connection: Connection, decision_id: str, **values: object) -> None:
    connection.execute(
        update(sanctions).where(sanctions.c.decision_id == decision_id).values(**values)
    )
