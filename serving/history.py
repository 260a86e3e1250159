"""An account's events in the log, and the record that they make."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from labels.events import EVENT, Event
from policy.ledger import Record, fold
from serving.store import chain
from serving.store.schema import bodies, log


def record_event(
    connection: Connection,
    kind: str,
    *,
    event_id: str,
    account_id: str,
    at: datetime,
    **fields: Any,
) -> None:
    """Append what happened to an account's post.

    Args:
        connection: that writes.
        kind: one of :mod:`labels.events`.
        event_id: given once.
        account_id: whose post it is.
        at: moment with its zone.
        fields: of that kind.
    """
    raw: Mapping[str, Any] = {
        "kind": kind,
        "event_id": event_id,
        "account_id": account_id,
        "at": at,
        **fields,
    }
    event: Event = EVENT.validate_python(raw)
    chain.append(
        connection,
        entry_id=event_id,
        at=at,
        kind=kind,
        body=EVENT.dump_json(event).decode(),
        account_id=account_id,
    )


def record_of(connection: Connection, account_id: str) -> Record:
    """The account's record, folded from its events."""
    rows = connection.scalars(
        select(bodies.c.body)
        .join_from(bodies, log, bodies.c.entry_id == log.c.entry_id)
        .where(bodies.c.account_id == account_id, log.c.kind.in_(_OF_RECORD))
        .order_by(bodies.c.seq)
    )
    return fold(EVENT.validate_json(body) for body in rows)


#: the kinds that :func:`policy.ledger.fold` reads
_OF_RECORD = ("decided", "imported", "applied", "failed", "overturned", "corrected")
