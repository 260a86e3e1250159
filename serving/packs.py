"""Policy packs in the store: uploaded by one person, activated by another, never changed."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select, update

from labels.errors import ConfigError
from policy.pack import LoadedPack, parse_pack
from serving.people import START, Caller
from serving.refusal import ForbiddenError, RequestError, UnprocessableError
from serving.rows import find_row
from serving.store import chain
from serving.store.database import new_id
from serving.store.schema import packs


def read_source(source: str) -> LoadedPack:
    """The pack in a body; raises ``UnprocessableError`` with every fault by line."""
    try:
        return parse_pack(source.encode("utf-8", "surrogatepass"), "source")
    except ConfigError as error:
        raise UnprocessableError(error.code, str(error), pointer="/source") from None


def propose(
    connection: Connection, loaded: LoadedPack, source: str, caller: Caller, now: datetime
) -> RowMapping:
    """Keep a pack, for somebody else to activate.

    Raises:
        RequestError: that version was released with another content.
    """
    version = loaded.version
    same = connection.scalar(
        select(packs.c.sha256).where(packs.c.id == version.id, packs.c.version == version.version)
    )
    if same == version.sha256:
        return find_pack(connection, version.sha256)
    if same:
        raise RequestError(
            "version_taken",
            f"{version.id} {version.version} exists with another content",
            pointer="/source",
            remedy="a released version never changes; give this one another version",
        )
    _insert(connection, loaded, source, proposed_by=caller.user_id, proposed_at=now)
    return find_pack(connection, version.sha256)


def activate(connection: Connection, sha256: str, caller: Caller, now: datetime) -> None:
    """Put a pack in force.

    Raises:
        NotFoundError: there is no such pack.
        ForbiddenError: the caller proposed it.
    """
    row = find_pack(connection, sha256)
    if row["proposed_by"] == caller.user_id:
        raise ForbiddenError(
            "own_proposal", f"{caller.user_id!r} proposed this pack; another person activates it"
        )
    _activate(connection, sha256, caller.user_id, now)


def active_sha256(connection: Connection) -> str | None:
    """Which pack is in force."""
    found: str | None = connection.scalar(
        select(packs.c.sha256)
        .where(packs.c.activated_at.is_not(None))
        .order_by(packs.c.activated_at.desc())
        .limit(1)
    )
    return found


def begin_with(connection: Connection, loaded: LoadedPack, source: str) -> None:
    """Put the pack in force that a new store starts with."""
    _insert(connection, loaded, source)
    _activate(connection, loaded.version.sha256, START, datetime.now(UTC))


def find_pack(connection: Connection, sha256: str) -> RowMapping:
    """The row of a pack; raises ``NotFoundError``."""
    return find_row(connection, packs, sha256, "policy pack")


def pack_of(connection: Connection, sha256: str) -> LoadedPack:
    """A pack by the hash that decisions record; raises ``NotFoundError``."""
    row = find_pack(connection, sha256)
    return _parsed(row["source"], sha256)


@lru_cache(maxsize=16)
def _parsed(source: str, sha256: str) -> LoadedPack:
    """A version never changes, and reading one takes as long as scoring a post."""
    return parse_pack(source.encode(), f"pack {sha256}")


def _insert(connection: Connection, loaded: LoadedPack, source: str, **more: Any) -> None:
    version = loaded.version
    connection.execute(
        insert(packs).values(
            sha256=version.sha256, id=version.id, version=version.version, source=source, **more
        )
    )


def _activate(connection: Connection, sha256: str, user_id: str, now: datetime) -> None:
    connection.execute(
        update(packs).where(packs.c.sha256 == sha256).values(activated_by=user_id, activated_at=now)
    )
    chain.append(
        connection,
        entry_id=new_id("act"),
        at=now,
        kind="policy_activated",
        body=f'{{"sha256": "{sha256}"}}',
        account_id=None,
    )
