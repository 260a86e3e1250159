"""Checking, copying and erasing what a store holds."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    delete,
    func,
    insert,
    select,
    text,
    tuple_,
)

from labels.errors import InputError
from labels.yamlfile import Strict
from serving import releases
from serving.history import record_of
from serving.store import chain
from serving.store.database import Database
from serving.store.schema import (
    Moment,
    appeals,
    bodies,
    cases,
    decisions,
    deliveries,
    idempotency,
    log,
    metadata,
    near,
    outbox,
    posts,
    reports,
    sanctions,
    verdicts,
)

_CHUNK = 1000
Days = Annotated[int, Field(ge=1)]


class Retention(Strict):
    """After how many days what is kept is erased; decisions only once nothing of them runs.

    ``decisions`` covers scores, cases, reports, appeals and sanctions of a post.
    """

    posts: Days
    decisions: Days
    events: Days


@dataclass(frozen=True, slots=True)
class Verified:
    """What was looked at, and what does not hold."""

    entries: int
    erased: int
    accounts: int
    faults: tuple[str, ...]


def verify(connection: Connection) -> Verified:
    """Check the chain, and that sanctions and releases say what the log says."""
    found = [
        *chain.faults(connection),
        *_unlike_the_log(connection),
        *releases.faults(connection),
    ]
    entries = connection.scalar(select(func.count()).select_from(log)) or 0
    kept = connection.scalar(select(func.count()).select_from(bodies)) or 0
    accounts = connection.scalar(select(func.count(bodies.c.account_id.distinct()))) or 0
    return Verified(entries, entries - kept, accounts, tuple(found))


def backup(database: Database, folder: Path) -> int:
    """Write every table at one moment; how many rows.

    Raises:
        InputError: the folder is not empty.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise InputError(f"{folder} is not empty", remedy="name a new folder")
    rows = 0
    with database.read() as connection:
        for table in metadata.sorted_tables:
            with (folder / f"{table.name}.jsonl").open("w", encoding="utf-8") as file:
                found = connection.execute(select(table).execution_options(yield_per=_CHUNK))
                for row in found.mappings():
                    file.write(json.dumps(dict(row), default=_text, ensure_ascii=False) + "\n")
                    rows += 1
    return rows


def restore(database: Database, folder: Path) -> int:
    """Fill an empty store; all of it or nothing. How many rows.

    Raises:
        InputError: the store is not empty, a table is missing, or what was written does not verify.
    """
    rows = 0
    with database.write() as connection:
        if any(connection.execute(select(table).limit(1)).first() for table in _tables()):
            raise InputError("the store is not empty", remedy="name a new one with --store")
        for table in _tables():
            for chunk in _chunks(folder / f"{table.name}.jsonl", table):
                connection.execute(insert(table), chunk)
                rows += len(chunk)
        if found := verify(connection).faults:
            raise InputError(f"{folder}: {found[0]}, and {len(found) - 1} more")
        if connection.dialect.name == "postgresql":  # it plans by statistics, which are empty yet
            connection.execute(text("ANALYZE"))
    return rows


def erase_account(connection: Connection, account_id: str) -> int:
    """Erase all that names an account or was written by it; how many rows."""
    mine = select(decisions.c.decision_id).where(decisions.c.account_id == account_id)
    return (
        _erase_decisions(connection, decisions.c.decision_id.in_(mine))
        + _erase_posts(connection, posts.c.account_id == account_id)
        + _delete(connection, bodies, bodies.c.account_id == account_id)
    )


def erase_old(connection: Connection, limits: Retention) -> int:
    """Erase what is older than allowed; how many rows."""
    now = datetime.now(UTC)
    running = select(sanctions.c.decision_id).where(
        sanctions.c.state.in_(("due", "active", "failed"))
    )
    waiting = select(cases.c.decision_id).where(cases.c.closed_at.is_(None))
    old = (
        (decisions.c.at < now - timedelta(days=limits.decisions))
        & decisions.c.decision_id.not_in(running)
        & decisions.c.decision_id.not_in(waiting)
    )
    events = select(outbox.c.event_id).where(outbox.c.at < now - timedelta(days=limits.events))
    return sum(
        (
            _erase_decisions(connection, old),
            _erase_posts(connection, posts.c.at < now - timedelta(days=limits.posts)),
            _delete(connection, deliveries, deliveries.c.event_id.in_(events)),
            _delete(connection, outbox, outbox.c.event_id.in_(events)),
        )
    )


def end_of_day(day: datetime) -> datetime:
    """The moment (UTC) at which a day is over."""
    return day.replace(tzinfo=UTC) + timedelta(days=1)


def _erase_posts(connection: Connection, which: ColumnElement[bool]) -> int:
    gone = select(posts.c.data_id, posts.c.content_sha256).where(which)
    found = tuple_(near.c.data_id, near.c.content_sha256).in_(gone)
    return _delete(connection, near, found) + _delete(connection, posts, which)


def _erase_decisions(connection: Connection, which: ColumnElement[bool]) -> int:
    found = connection.execute(select(decisions.c.decision_id, decisions.c.account_id).where(which))
    gone = found.all()
    ids = [row.decision_id for row in gone]
    erased = 0
    for start in range(0, len(ids), _CHUNK):
        some = ids[start : start + _CHUNK]
        for table in (verdicts, reports, appeals, sanctions, cases, decisions):
            erased += _delete(connection, table, table.c.decision_id.in_(some))
    for account_id in {row.account_id for row in gone}:
        events = select(outbox.c.event_id).where(outbox.c.account_id == account_id)
        erased += _delete(connection, deliveries, deliveries.c.event_id.in_(events))
        erased += _delete(connection, outbox, outbox.c.account_id == account_id)
    if gone:
        # answers that are kept to be given again may quote what is erased
        erased += _delete(connection, idempotency, idempotency.c.key.is_not(None))
    return erased


def _delete(connection: Connection, table: Table, where: ColumnElement[bool]) -> int:
    return connection.execute(delete(table).where(where)).rowcount


def _unlike_the_log(connection: Connection) -> Iterator[str]:
    accounts = connection.scalars(select(sanctions.c.account_id).distinct()).all()
    for account_id in accounts:
        standings = {s.decision_id: s for s in record_of(connection, account_id).standings}
        rows = connection.execute(select(sanctions).where(sanctions.c.account_id == account_id))
        for row in rows.all():
            standing = standings.get(row.decision_id)
            if standing is None:
                yield f"sanction {row.decision_id} follows from no entry"
            elif (row.step, row.days) != (standing.step, standing.days):
                yield f"sanction {row.decision_id} is not what was decided"
            elif (row.state == "lifted") != standing.overturned and row.step != "none":
                yield f"sanction {row.decision_id} is {row.state} against the log"


def _tables() -> list[Table]:
    return metadata.sorted_tables


def _chunks(path: Path, table: Table) -> Iterator[list[dict[str, Any]]]:
    moments = [column.name for column in table.c if isinstance(column.type, Moment)]
    chunk: list[dict[str, Any]] = []
    try:
        with path.open(encoding="utf-8") as file:
            for line in file:
                row = json.loads(line)
                chunk.append(row | {name: _moment(row[name]) for name in moments})
                if len(chunk) == _CHUNK:
                    yield chunk
                    chunk = []
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be restored: {error}") from None
    if chunk:
        yield chunk


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{value!r} is no JSON")


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
