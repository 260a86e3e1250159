"""Who may ask: users with roles, and the keys that speak for them.

Rules about several persons count users, not keys: two keys of one person are one person.
"""

import hashlib
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import Connection, RowMapping, func, insert, select, update

from serving.refusal import ForbiddenError, NotFoundError, RequestError, UnprocessableError
from serving.store.database import new_id
from serving.store.schema import keys, sessions, users

if TYPE_CHECKING:
    from argon2 import PasswordHasher


class Role(StrEnum):
    """What a person or a system does here."""

    SCORER = "scorer"
    REPORTER = "reporter"
    MODERATOR = "moderator"
    SENIOR = "senior"
    POLICY_ADMIN = "policy_admin"
    AUDITOR = "auditor"


#: requests a minute that a key may make unless it was given another number
PER_MINUTE = 6_000
#: what every key begins with
PREFIX = "mb_"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, with what a key lets them do; ``key_id`` is None on a server without users."""

    user_id: str
    roles: frozenset[Role]
    key_id: str | None
    per_minute: int = PER_MINUTE


#: who did what a server did by itself when it started on a new store
START = "start of the server"
#: who asks a server that has no users yet, which answers its own machine alone
LOCAL = Caller("local", frozenset(Role), None)


def has_users(connection: Connection) -> bool:
    """Whether keys are asked for."""
    return connection.scalar(select(func.count()).select_from(users)) != 0


def add_user(
    connection: Connection, user_id: str, roles: Collection[Role], password: str | None = None
) -> None:
    """Add a person or a system.

    Args:
        connection: that writes.
        user_id: name.
        roles: at least one.
        password: for the console; kept as an Argon2 hash.

    Raises:
        RequestError: the name is taken.
    """
    if connection.scalar(select(users.c.user_id).where(users.c.user_id == user_id)):
        raise RequestError("user_exists", f"there already is a user {user_id!r}")
    connection.execute(
        insert(users).values(
            user_id=user_id,
            roles=sorted(roles),
            password=_hashed(password),
            created_at=datetime.now(UTC),
        )
    )


def disable_user(connection: Connection, user_id: str) -> None:
    """No key or session of theirs works from now on; what they did stays.

    Raises ``NotFoundError``.
    """
    _set(connection, user_id, disabled_at=datetime.now(UTC))


def set_password(connection: Connection, user_id: str, password: str) -> None:
    """Give a person a new password for the console, which ends their sessions.

    Raises:
        NotFoundError: there is no such user.
    """
    _set(connection, user_id, password=_hashed(password))


def check_password(connection: Connection, user_id: str, password: str) -> bool:
    """Whether somebody who may sign in has this password; as slow for a name that is unknown."""
    from argon2.exceptions import Argon2Error, InvalidHashError  # noqa: PLC0415

    kept = connection.scalar(
        select(users.c.password).where(users.c.user_id == user_id, users.c.disabled_at.is_(None))
    )
    hasher = _hasher()
    if kept is None:
        hasher.hash(password)
        return False
    try:
        return hasher.verify(kept, password)
    except (Argon2Error, InvalidHashError):
        return False


def issue_key(
    connection: Connection,
    owner: str,
    roles: Collection[Role],
    *,
    expires_at: datetime | None = None,
    per_minute: int = PER_MINUTE,
) -> tuple[str, str]:
    """A new key: its id, and its secret, which is not kept and told this once.

    Raises:
        NotFoundError: there is no such user.
        UnprocessableError: a role that the user has not, or none.
    """
    row = connection.execute(
        select(users.c.roles).where(users.c.user_id == owner, users.c.disabled_at.is_(None))
    ).first()
    if row is None:
        raise NotFoundError("user", owner)
    beyond = sorted(set(roles) - set(row.roles))
    if beyond or not roles:
        raise UnprocessableError(
            "scope_too_wide",
            f"roles {sorted(roles)} of a key of {owner!r}, who has {row.roles}",
            pointer="/roles",
            remedy="a key can do at least one thing, and at most what its owner can",
        )
    key_id, secret = new_id("key"), PREFIX + secrets.token_urlsafe(32)
    connection.execute(
        insert(keys).values(
            key_id=key_id,
            user_id=owner,
            secret_sha256=_sha256(secret),
            roles=sorted(roles),
            per_minute=per_minute,
            created_at=datetime.now(UTC),
            expires_at=expires_at,
        )
    )
    return key_id, secret


def revoke_key(connection: Connection, key_id: str) -> None:
    """It stops working with the next request. Raises ``NotFoundError``."""
    done = connection.execute(
        update(keys)
        .where(keys.c.key_id == key_id, keys.c.revoked_at.is_(None))
        .values(revoked_at=datetime.now(UTC))
    )
    if not done.rowcount:
        raise NotFoundError("key", key_id)


def find_caller(connection: Connection, secret: str) -> Caller | None:
    """Whom a secret speaks for; None if it is unknown, revoked, expired, or its user disabled.

    A key whose owner lost a role has lost it too.
    """
    row = connection.execute(
        select(keys, users.c.roles.label("owned"), users.c.disabled_at)
        .join_from(keys, users)
        .where(keys.c.secret_sha256 == _sha256(secret))
    ).first()
    if row is None or row.revoked_at or row.disabled_at:
        return None
    if row.expires_at and row.expires_at <= datetime.now(UTC):
        return None
    roles = frozenset(Role(role) for role in row.roles if role in row.owned)
    return Caller(row.user_id, roles, row.key_id, row.per_minute)


def find_user(connection: Connection, user_id: str, means: str) -> Caller | None:
    """Somebody who is known without a key, with all their roles; None if unknown or disabled.

    Args:
        connection: to read from.
        user_id: name.
        means: how they are known, which counts as their key.
    """
    row = connection.execute(
        select(users.c.roles).where(users.c.user_id == user_id, users.c.disabled_at.is_(None))
    ).first()
    if row is None:
        return None
    return Caller(user_id, frozenset(Role(role) for role in row.roles), f"{means} {user_id}")


def keys_of(connection: Connection, owner: str | None) -> Sequence[RowMapping]:
    """The keys of a user, or of everyone, without their secrets."""
    asked = select(*(column for column in keys.c if column is not keys.c.secret_sha256))
    if owner is not None:
        asked = asked.where(keys.c.user_id == owner)
    return connection.execute(asked.order_by(keys.c.key_id)).mappings().all()


def require(caller: Caller, allowed: Collection[Role]) -> None:
    """Raises ``ForbiddenError`` unless the caller has one of these roles."""
    if caller.roles.isdisjoint(allowed):
        raise ForbiddenError(
            "role_missing",
            f"this needs one of the roles {sorted(allowed)}; the key has {sorted(caller.roles)}",
        )


def _set(connection: Connection, user_id: str, **values: object) -> None:
    done = connection.execute(update(users).where(users.c.user_id == user_id).values(**values))
    if not done.rowcount:
        raise NotFoundError("user", user_id)
    connection.execute(sessions.delete().where(sessions.c.user_id == user_id))


def _sha256(secret: str) -> str:
    """Enough for a random secret of 256 bits, which no one can guess."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _hashed(password: str | None) -> str | None:
    return None if password is None else _hasher().hash(password)


def _hasher() -> "PasswordHasher":
    """Argon2id as OWASP's Password Storage Cheat Sheet asks: 19 MiB, two passes, one lane.

    Of its equal choices the one with the least memory: many who sign in at once fill none.
    """
    from argon2 import PasswordHasher  # noqa: PLC0415  a server without passwords does without

    return PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
