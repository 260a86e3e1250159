"""The log: append-only, chained over ids and salted digests.

An entry's hash covers the one before it and a digest of its body. The body itself, with its
salt, lies in another table and can be erased: the chain still verifies, and without the salt the
digest tells nothing of what it was made of.
"""

import hashlib
import json
import secrets
from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Connection, insert, select

from serving.store.schema import bodies, log

#: what the first entry follows
_GENESIS = "0" * 64


def append(
    connection: Connection,
    *,
    entry_id: str,
    at: datetime,
    kind: str,
    body: str,
    account_id: str | None,
) -> None:
    """Add an entry, in a transaction of :meth:`Database.write`.

    Args:
        connection: that writes, alone.
        entry_id: unique.
        at: moment with its zone.
        kind: at most 32 characters.
        body: JSON; may name persons.
        account_id: whose body it is, for erasing.
    """
    last = connection.execute(
        select(log.c.seq, log.c.hash).order_by(log.c.seq.desc()).limit(1)
    ).first()
    seq, previous = (last.seq + 1, last.hash) if last else (1, _GENESIS)
    salt = secrets.token_hex(16)
    digest = _digest(salt, body)
    connection.execute(
        insert(log).values(
            seq=seq,
            entry_id=entry_id,
            at=at,
            kind=kind,
            digest=digest,
            previous=previous,
            hash=_hash(previous, seq, entry_id, at, kind, digest),
        )
    )
    connection.execute(
        insert(bodies).values(
            entry_id=entry_id, seq=seq, account_id=account_id, salt=salt, body=body
        )
    )


def faults(connection: Connection) -> Iterator[str]:
    """What does not hold in the chain, entry by entry; nothing if all is as it was written."""
    rows = connection.execute(
        select(log, bodies.c.salt, bodies.c.body)
        .join_from(log, bodies, log.c.entry_id == bodies.c.entry_id, isouter=True)
        .order_by(log.c.seq)
        .execution_options(yield_per=1000)
    )
    previous, expected = _GENESIS, 1
    for row in rows:
        if row.seq != expected:
            yield f"entry {expected} is missing"
        if row.previous != previous:
            yield f"entry {row.seq} does not follow the one before it"
        if row.hash != _hash(row.previous, row.seq, row.entry_id, row.at, row.kind, row.digest):
            yield f"entry {row.seq} was altered"
        if row.body is not None and row.digest != _digest(row.salt, row.body):
            yield f"the body of entry {row.seq} was altered"
        previous, expected = row.hash, row.seq + 1


def _digest(salt: str, body: str) -> str:
    return hashlib.sha256(f"{salt}{body}".encode()).hexdigest()


def _hash(previous: str, seq: int, entry_id: str, at: datetime, kind: str, digest: str) -> str:
    fields = [previous, seq, entry_id, at.timestamp(), kind, digest]
    return hashlib.sha256(json.dumps(fields).encode()).hexdigest()
