"""Who looked at whose data: an entry of the log for each page of a case or an account."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from sqlalchemy import Connection, select

from serving.people import Caller
from serving.store import chain
from serving.store.database import Database, new_id
from serving.store.schema import bodies, log

_KIND = "viewed"


@dataclass(frozen=True, slots=True)
class View:
    """Somebody looked at a page; nothing of what stood on it is kept."""

    at: datetime
    by: str
    page: str
    of: str


def record_view(
    database: Database, caller: Caller, page: Literal["case", "account"], of: str, account_id: str
) -> None:
    """Keep that a page is about to be shown.

    Args:
        database: of the server.
        caller: who looks.
        page: which kind.
        of: the id of the case or account.
        account_id: whose data it shows.
    """
    body = json.dumps({"by": caller.user_id, "page": page, "of": of})
    with database.write() as connection:
        chain.append(
            connection,
            entry_id=new_id("view"),
            at=datetime.now(UTC),
            kind=_KIND,
            body=body,
            account_id=account_id,
        )


def views_of(connection: Connection, account_id: str, at_most: int) -> Sequence[View]:
    """Who looked at an account's data, newest first."""
    rows = connection.execute(
        select(log.c.at, bodies.c.body)
        .join_from(bodies, log, bodies.c.entry_id == log.c.entry_id)
        .where(bodies.c.account_id == account_id, log.c.kind == _KIND)
        .order_by(bodies.c.seq.desc())
        .limit(at_most)
    )
    return [View(at=row.at, **json.loads(row.body)) for row in rows]
