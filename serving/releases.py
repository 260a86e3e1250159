"""Which version answers whom: every release is kept, and what is in force follows from them all."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import Connection, RowMapping, insert, select

from labels.results import Version
from labels.yamlfile import Strict
from serving import models
from serving.outbox import Kind, announce
from serving.people import START, Caller
from serving.refusal import RequestError, UnprocessableError
from serving.registry import Registry
from serving.store import chain
from serving.store.database import new_id
from serving.store.schema import bodies, log, releases

_ENTRY = "model_released"


class Stage(StrEnum):
    """What a release makes of a version.

    ``shadow`` scores without effect, ``canary`` answers a share of the accounts, ``champion`` all
    others; ``archived`` ends being a shadow or a canary. ``rollback`` brings back the champion
    before.
    """

    SHADOW = "shadow"
    CANARY = "canary"
    CHAMPION = "champion"
    ARCHIVED = "archived"
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True)
class Standing:
    """The versions in force, by hash. ``champions``: each followed the one before it."""

    champions: tuple[str, ...] = ()
    canary: str | None = None
    share: float | None = None
    shadow: str | None = None

    @property
    def champion(self) -> str | None:
        """What answers; None in a store on which no server ever started."""
        return self.champions[-1] if self.champions else None

    @property
    def before(self) -> str | None:
        """What a rollback brings back."""
        return self.champions[-2] if len(self.champions) > 1 else None

    def stage_of(self, sha256: str) -> Stage | None:
        """What a version is now; None where it takes no part."""
        stages = {
            self.shadow: Stage.SHADOW,
            self.canary: Stage.CANARY,
            self.champion: Stage.CHAMPION,
        }
        return stages.get(sha256)

    def after(self, stage: Stage, sha256: str, share: float | None) -> "Standing":
        """What holds once a version is released. Another champion ends every canary."""
        free = self.without(sha256)
        match stage:
            case Stage.SHADOW:
                return replace(free, shadow=sha256)
            case Stage.CANARY:
                return replace(free, canary=sha256, share=share)
            case Stage.CHAMPION:
                champions = (*self.champions, sha256)
                return replace(free, champions=champions, canary=None, share=None)
            case Stage.ARCHIVED:
                return free
            case Stage.ROLLBACK:
                return replace(free, champions=self.champions[:-1], canary=None, share=None)

    def without(self, sha256: str) -> "Standing":
        """The same, where a version is neither shadow nor canary."""
        found = replace(self, shadow=None) if self.shadow == sha256 else self
        return replace(found, canary=None, share=None) if found.canary == sha256 else found


@dataclass(frozen=True, slots=True)
class Wish:
    """What a version is to be, and why. ``share``: of the accounts, above 0, of a canary alone."""

    stage: Stage
    reason: str
    share: float | None = None


class _Released(Strict):
    """What the log keeps of a release."""

    release_id: str
    stage: str
    sha256: str
    share: float | None
    by: str
    reason: str


def standing(connection: Connection) -> Standing:
    """What is in force, from every release in the order of the log."""
    found = Standing()
    for row in history(connection):
        found = found.after(Stage(row["stage"]), row["sha256"], row["share"])
    return found


def history(connection: Connection) -> Sequence[RowMapping]:
    """Every release, oldest first: by its entry in the log, for servers' clocks may differ."""
    asked = select(releases).join_from(releases, log, releases.c.release_id == log.c.entry_id)
    return connection.execute(asked.order_by(log.c.seq)).mappings().all()


def begin_with(connection: Connection, version: Version, parent: Version | None) -> None:
    """Make the version champion that a new store starts with."""
    models.enter(connection, version, parent)
    wish = Wish(Stage.CHAMPION, "--model")
    _keep(connection, version.sha256, wish, START, datetime.now(UTC))


def release(
    connection: Connection,
    registry: Registry,
    sha256: str,
    wish: Wish,
    caller: Caller,
    now: datetime,
) -> Standing:
    """Make a version shadow, canary or champion, or end that it is the first or second.

    Args:
        connection: that writes.
        registry: has the version.
        sha256: of a version that was added.
        wish: what it is to be.
        caller: who releases it.
        now: moment.

    Returns:
        What is in force from now on.

    Raises:
        NotFoundError: there is no such version.
        UnprocessableError: a canary without a share, or another stage with one.
        RequestError: the version is champion, or is to be archived and takes no part, or is
            damaged, or its gates do not let it answer (:func:`serving.models.check_gates`).
        ForbiddenError: the caller added it.
    """
    row, in_force = models.find_model(connection, sha256), standing(connection)
    stage = wish.stage
    if (stage is Stage.CANARY) != (wish.share is not None):
        raise UnprocessableError(
            "share_invalid", f"share {wish.share} of a {stage}: a canary has one", pointer="/share"
        )
    is_now = in_force.stage_of(sha256)
    if is_now is Stage.CHAMPION:
        raise RequestError("is_champion", f"{sha256} is champion; release another, or roll back")
    if stage is Stage.ARCHIVED and is_now is None:
        raise RequestError("takes_no_part", f"{sha256} is neither shadow nor canary")
    if stage in {Stage.CANARY, Stage.CHAMPION}:
        models.check_gates(row, in_force.champion or "nothing", caller)
    if stage is not Stage.ARCHIVED:
        registry.check(sha256)
    release_id = _keep(connection, sha256, wish, caller.user_id, now)
    if stage is Stage.CHAMPION:
        _announce(connection, release_id, stage, sha256, in_force.champion, now)
    return in_force.after(stage, sha256, wish.share)


def rollback(
    connection: Connection, registry: Registry, reason: str, caller: Caller, now: datetime
) -> Standing:
    """Bring back the champion before the one in force, without gates, and end any canary.

    Returns:
        What is in force from now on.

    Raises:
        RequestError: there was none before, or it is damaged.
    """
    in_force = standing(connection)
    sha256 = in_force.before
    if sha256 is None:
        raise RequestError("no_champion_before", "no champion was in force before this one")
    registry.check(sha256)
    wish = Wish(Stage.ROLLBACK, reason)
    release_id = _keep(connection, sha256, wish, caller.user_id, now)
    _announce(connection, release_id, Stage.ROLLBACK, sha256, in_force.champion, now)
    return in_force.after(Stage.ROLLBACK, sha256, None)


def faults(connection: Connection) -> Iterator[str]:
    """Releases that are not what the log says."""
    entries = (
        select(bodies.c.entry_id, bodies.c.body)
        .join_from(bodies, log, bodies.c.entry_id == log.c.entry_id)
        .where(log.c.kind == _ENTRY)
    )
    said = {row.entry_id: row.body for row in connection.execute(entries)}
    for row in connection.execute(select(releases)).mappings():
        logged = said.pop(row["release_id"], None)
        fields = {name: row[name] for name in _Released.model_fields}
        if logged is None or json.loads(logged) != fields:
            yield f"release {row['release_id']} is not what was logged"
    yield from (f"release {release_id} is missing" for release_id in said)


def _keep(connection: Connection, sha256: str, wish: Wish, user_id: str, now: datetime) -> str:
    released = _Released(
        release_id=new_id("rel"),
        stage=wish.stage.value,
        sha256=sha256,
        share=wish.share,
        by=user_id,
        reason=wish.reason,
    )
    connection.execute(insert(releases).values(at=now, **released.model_dump()))
    chain.append(
        connection,
        entry_id=released.release_id,
        at=now,
        kind=_ENTRY,
        body=released.model_dump_json(),
        account_id=None,
    )
    return released.release_id


def _announce(
    connection: Connection,
    release_id: str,
    stage: Stage,
    sha256: str,
    before: str | None,
    now: datetime,
) -> None:
    model, gone = (
        models.version_of(models.find_model(connection, each)).model_dump() if each else None
        for each in (sha256, before)
    )
    told = {"release_id": release_id, "because": stage.value, "model": model, "before": gone}
    announce(connection, Kind.MODEL_PROMOTED, now, None, **told)
