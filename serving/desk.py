"""One server's engine and store together, as every request finds them."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from fastapi import Response
from pydantic import BaseModel
from sqlalchemy import Connection, insert, select

from labels.errors import ModelError
from labels.results import Version
from policy.resolve import resolve
from serving import packs, releases, sanctions
from serving.engine import Engine
from serving.following import Follower
from serving.lineup import Active
from serving.people import Caller
from serving.refusal import RequestError, UnprocessableError
from serving.store.database import Database
from serving.store.schema import idempotency

#: how long an answer is given again under the same key
KEEPS_ANSWERS = timedelta(hours=24)
_MAX_KEY = 255


@dataclass(frozen=True, slots=True)
class Desk:
    """What the routes share."""

    engine: Engine
    database: Database
    follower: Follower

    def follow_policy(self) -> None:
        """Take up the pack in force, if another server activated one."""
        with self.database.read() as connection:
            sha256 = packs.active_sha256(connection)
            if sha256 is None or sha256 == self.engine.active.loaded.version.sha256:
                return
            loaded = packs.pack_of(connection, sha256)
        self.engine.use(loaded)

    def follow_models(self) -> None:
        """Take up the versions in force, which takes as long as loading them."""
        with self.database.read() as connection:
            wanted = releases.standing(connection)
        self.follower.follow(wanted)

    def active_for(self, model: Version) -> Active:
        """The pack in force, with its thresholds for the model that scored a post.

        Where neither the engine nor the registry has that model, with those for the champion.
        """
        lineup, registry = self.engine.lineup, self.follower.registry
        for seat in lineup.seats:
            if seat.version == model:
                return seat.active
        loaded = lineup.champion.active.loaded
        try:
            operating = registry.manifest(model.sha256).manifest.operating
        except ModelError:
            return lineup.champion.active
        return Active(loaded, resolve(loaded.pack, operating))

    def tend(self) -> bool:
        """End mutes, follow pack and models in force, keep the first model, forget old answers.

        Returns:
            False: once is enough.
        """
        self.follow_policy()
        self.follower.keep_first()
        self.follow_models()
        now = datetime.now(UTC)
        with self.database.read() as connection:
            idle = not sanctions.over(connection, now) and not _old_answers(connection, now)
        if idle:
            return False
        with self.database.write() as connection:
            sanctions.expire(connection, now)
            connection.execute(idempotency.delete().where(idempotency.c.at <= now - KEEPS_ANSWERS))
        return False


def open_desk(engine: Engine, database: Database, source: str, follower: Follower) -> Desk:
    """Migrate a store and go on with the pack and the models that are in force there.

    Args:
        engine: with the pack and the model that a new store starts with.
        database: not yet touched.
        source: the YAML of that pack.
        follower: of the engine.
    """
    database.migrate()
    with database.write() as connection:
        if packs.active_sha256(connection) is None:
            packs.begin_with(connection, engine.active.loaded, source)
        if releases.standing(connection).champion is None:
            scorer = engine.lineup.champion.scorer
            releases.begin_with(connection, scorer.version, scorer.parent)
    desk = Desk(engine, database, follower)
    desk.follow_policy()
    desk.follow_models()
    return desk


@dataclass(frozen=True, slots=True)
class Once:
    """A request that writes. With an ``Idempotency-Key`` it is carried out once.

    The answer is kept in the same transaction as what it tells of, so that a request that is
    sent again after a crash is either carried out or answered, never both.
    """

    database: Database
    caller: Caller
    target: str
    key: str | None

    def write(
        self, body: BaseModel | None, work: Callable[[Connection, datetime], BaseModel], status: int
    ) -> Response:
        """Carry it out, or give the answer of the time again.

        Args:
            body: of the request.
            work: what to do in the transaction, at this moment; its answer.
            status: of the answer.

        Raises:
            UnprocessableError: the key is empty or too long.
            RequestError: the key was used for another request.
        """
        said = json.dumps(body.model_dump() if body else None, default=str, sort_keys=True)
        digest = hashlib.sha256(f"{self.target} {said}".encode()).hexdigest()
        self._check()
        with self.database.write() as connection:
            now = datetime.now(UTC)
            if self.key is not None and (known := self._known(connection, digest, now)):
                return _json(known[1], known[0], replayed=True)
            answer = work(connection, now).model_dump_json()
            if self.key is not None:
                connection.execute(
                    insert(idempotency).values(
                        key=self.key,
                        user_id=self.caller.user_id,
                        request_sha256=digest,
                        status=status,
                        body=answer,
                        at=now,
                    )
                )
        return _json(answer, status)

    def _check(self) -> None:
        if self.key is not None and not (0 < len(self.key) <= _MAX_KEY and self.key.isprintable()):
            raise UnprocessableError(
                "idempotency_key_invalid",
                f"Idempotency-Key must have 1 to {_MAX_KEY} printable characters",
            )

    def _known(self, connection: Connection, digest: str, now: datetime) -> tuple[int, str] | None:
        mine = (idempotency.c.key == self.key, idempotency.c.user_id == self.caller.user_id)
        row = connection.execute(select(idempotency).where(*mine)).first()
        if row is None:
            return None
        if row.at + KEEPS_ANSWERS <= now:
            connection.execute(idempotency.delete().where(*mine))
            return None
        if row.request_sha256 != digest:
            raise RequestError(
                "idempotency_key_reused",
                f"Idempotency-Key {self.key!r} was used for another request",
                remedy="give every request a key of its own",
            )
        return row.status, row.body


def _old_answers(connection: Connection, now: datetime) -> bool:
    old = select(idempotency.c.key).where(idempotency.c.at <= now - KEEPS_ANSWERS).limit(1)
    return connection.scalar(old) is not None


def _json(body: str, status: int, *, replayed: bool = False) -> Response:
    headers = {"Idempotent-Replayed": "true"} if replayed else None
    return Response(body, status, headers, media_type="application/json")
