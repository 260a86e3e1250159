"""What the platform is told: written with what it tells of, delivered afterwards."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, insert, select

from serving.store.database import new_id
from serving.store.schema import deliveries, outbox, webhooks


class Kind(StrEnum):
    """What a webhook may ask for."""

    DECISION_CREATED = "decision.created"
    SANCTION_DUE = "sanction.due"
    SANCTION_EXPIRED = "sanction.expired"
    APPEAL_DECIDED = "appeal.decided"
    MODEL_PROMOTED = "model.promoted"


PENDING, DELIVERED, DEAD = "pending", "delivered", "dead"


def announce(
    connection: Connection, kind: Kind, at: datetime, account_id: str | None, **data: Any
) -> None:
    """Put an event into the outbox, and a delivery of it for each webhook that wants it.

    Args:
        connection: that writes what the event tells of, so that both happen or neither.
        kind: of event.
        at: moment with its zone.
        account_id: whom it concerns; None where it is no account's.
        data: JSON values.
    """
    event_id = new_id("evt")
    whole = data if account_id is None else {"account_id": account_id, **data}
    connection.execute(
        insert(outbox).values(
            event_id=event_id, kind=kind, account_id=account_id, at=at, data=whole
        )
    )
    for row in connection.execute(select(webhooks.c.webhook_id, webhooks.c.kinds)):
        if kind in row.kinds:
            connection.execute(
                insert(deliveries).values(
                    event_id=event_id,
                    webhook_id=row.webhook_id,
                    state=PENDING,
                    attempts=0,
                    due_at=at,
                )
            )
