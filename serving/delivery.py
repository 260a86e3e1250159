"""Events on their way to webhooks: at least once, signed, never to where they must not go.

A delivery is leased before it is sent, so that two servers do not send the same one at the same
time; a server that dies with a lease leaves it to the others when the lease is over.
"""

import hashlib
import hmac
import json
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from sqlalchemy import ColumnElement, RowMapping, and_, select, update

from serving.addresses import AddressError, resolve
from serving.outbox import DEAD, DELIVERED, PENDING
from serving.store.database import Database
from serving.store.schema import deliveries, outbox, webhooks

_LEASE = timedelta(seconds=60)
_TIMEOUT_SECONDS = 10.0
#: after the n-th failure; past the last the delivery is dead until it is replayed
BACKOFF_SECONDS = (5, 30, 120, 600, 3_600, 21_600)
_OK = range(200, 300)
_log = logging.getLogger(__name__)


class Courier:
    """Sends what is due; one for a server."""

    def __init__(self, database: Database, *, private_allowed: bool) -> None:
        """Deliver from this store; to private addresses only if that is allowed."""
        self._database, self._private_allowed = database, private_allowed
        self._client = httpx.Client(timeout=_TIMEOUT_SECONDS, follow_redirects=False)

    def deliver_next(self) -> bool:
        """Send what is due longest, if anything is; whether there was."""
        row = self._lease()
        if row is None:
            return False
        self._settle(row, self._send(row))
        return True

    def _lease(self) -> RowMapping | None:
        now = datetime.now(UTC)
        asked = (
            select(deliveries, outbox.c.kind, outbox.c.at, outbox.c.data)
            .add_columns(webhooks.c.url, webhooks.c.secret)
            .join_from(deliveries, outbox)
            .join(webhooks, deliveries.c.webhook_id == webhooks.c.webhook_id)
        )
        due = asked.where(deliveries.c.state == PENDING, deliveries.c.due_at <= now)
        due = due.order_by(deliveries.c.due_at).limit(1)
        with self._database.read() as connection:
            if connection.execute(due).first() is None:
                return None
        with self._database.write() as connection:
            row = connection.execute(due).mappings().first()
            if row is None:
                return None
            connection.execute(update(deliveries).where(_is(row)).values(due_at=now + _LEASE))
            return connection.execute(asked.where(_is(row))).mappings().one()

    def _send(self, row: RowMapping) -> str | None:
        """Why it failed; None if it was taken."""
        body = json.dumps(
            {
                "event_id": row["event_id"],
                "kind": row["kind"],
                "at": row["at"].isoformat(),
                "data": row["data"],
            },
            ensure_ascii=False,
        ).encode()
        try:
            target = resolve(row["url"], private_allowed=self._private_allowed)
            answer = self._client.post(
                target.url,
                content=body,
                headers={
                    "Content-Type": "application/json",
                    "Host": target.host,
                    "X-Signature": signature(row["secret"], body, datetime.now(UTC)),
                },
                extensions={"sni_hostname": target.host.rsplit(":", 1)[0]},
            )
        except (httpx.HTTPError, AddressError, OSError) as error:
            return f"{type(error).__name__}: {error}"
        return None if answer.status_code in _OK else f"status {answer.status_code}"

    def _settle(self, row: RowMapping, error: str | None) -> None:
        attempts = row["attempts"] + 1
        values: dict[str, Any]
        if error is None:
            values = {"state": DELIVERED, "error": None}
        elif attempts > len(BACKOFF_SECONDS):
            values = {"state": DEAD, "error": error}
        else:
            wait = timedelta(seconds=BACKOFF_SECONDS[attempts - 1])
            values = {"error": error, "due_at": datetime.now(UTC) + wait}
        if error:
            _log.warning("webhook %s event %s: %s", row["webhook_id"], row["event_id"], error)
        with self._database.write() as connection:
            connection.execute(
                update(deliveries)
                # another server has it now, should the lease have been over
                .where(_is(row), deliveries.c.due_at == row["due_at"])
                .values(attempts=attempts, **values)
            )


def signature(secret: str, body: bytes, at: datetime) -> str:
    """``t=SECONDS,v1=HMAC`` where the HMAC (SHA-256, hex) is over ``SECONDS.BODY``."""
    seconds = int(at.timestamp())
    signed = f"{seconds}.".encode() + body
    return f"t={seconds},v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"


def _is(row: RowMapping) -> ColumnElement[bool]:
    return and_(
        deliveries.c.event_id == row["event_id"], deliveries.c.webhook_id == row["webhook_id"]
    )
