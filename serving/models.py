"""Versions of models in the store: added by one person, released by another, never changed."""

from datetime import UTC, datetime

from sqlalchemy import Connection, RowMapping, insert, select, update

from labels.release import GateReport
from labels.results import Version
from labels.yamlfile import Strict
from serving.people import Caller
from serving.refusal import ForbiddenError, RequestError
from serving.rows import find_row
from serving.store import chain
from serving.store.database import new_id
from serving.store.schema import models


class _Added(Strict):
    """What the log keeps of a version, and of its gates."""

    model: Version
    by: str
    gates: GateReport | None


def add_model(
    connection: Connection,
    version: Version,
    parent: Version | None,
    gates: GateReport | None,
    caller: Caller,
    now: datetime,
) -> None:
    """Keep a version, for somebody else to release.

    Who brings another gate report for a version that is known becomes the one who added it.

    Args:
        connection: that writes.
        version: of the bundle.
        parent: the model that its training began from.
        gates: the report that lies in the bundle.
        caller: who adds it.
        now: moment.
    """
    told = gates.model_dump(mode="json") if gates else None
    known = connection.execute(select(models).where(models.c.sha256 == version.sha256)).first()
    if known is None:
        _insert(connection, version, parent, now)
    elif told is None or told == known.gates:
        return
    connection.execute(
        update(models)
        .where(models.c.sha256 == version.sha256)
        .values(added_by=caller.user_id, added_at=now, gates=told)
    )
    chain.append(
        connection,
        entry_id=new_id("mod"),
        at=now,
        kind="model_added",
        body=_Added(model=version, by=caller.user_id, gates=gates).model_dump_json(),
        account_id=None,
    )


def enter(connection: Connection, version: Version, parent: Version | None) -> None:
    """Keep the version that a server starts with on a new store."""
    if connection.scalar(select(models.c.sha256).where(models.c.sha256 == version.sha256)) is None:
        _insert(connection, version, parent, datetime.now(UTC))


def find_model(connection: Connection, sha256: str) -> RowMapping:
    """The row of a version; raises ``NotFoundError``."""
    return find_row(connection, models, sha256, "model")


def version_of(row: RowMapping) -> Version:
    """As results name it."""
    return Version(id=row["id"], version=row["version"], sha256=row["sha256"])


def gates_in(row: RowMapping) -> GateReport | None:
    """The gate report of a version, if it has one."""
    return GateReport.model_validate(row["gates"], strict=False) if row["gates"] else None


def check_gates(row: RowMapping, champion: str, caller: Caller) -> None:
    """Refuse what may not answer yet.

    Args:
        row: of the version.
        champion: hash of the version in force.
        caller: who releases it.

    Raises:
        RequestError: there is no gate report, a gate failed and nobody overrode it, or the gates
            were run against another champion.
        ForbiddenError: the caller added the version.
    """
    report = gates_in(row)
    named = f"{row['id']} {row['version']}"
    if report is None:
        raise RequestError(
            "gates_missing",
            f"{named} has no gate report",
            remedy="run the gates and add the bundle again",
        )
    if not report.may_release:
        failed = ", ".join(gate.name for gate in report.failed)
        raise RequestError(
            "gates_failed",
            f"{named} failed: {failed}",
            remedy="train another, or let two people override with a reason and add it again",
        )
    if report.champion.sha256 != champion:
        raise RequestError(
            "gates_outdated",
            f"the gates of {named} were run against {report.champion.sha256}, "
            f"in force is {champion}",
            remedy="run them against the champion and add the bundle again",
        )
    if row["added_by"] == caller.user_id:
        raise ForbiddenError(
            "own_model", f"{caller.user_id!r} added this version; another person releases it"
        )


def _insert(
    connection: Connection, version: Version, parent: Version | None, now: datetime
) -> None:
    connection.execute(
        insert(models).values(
            sha256=version.sha256,
            id=version.id,
            version=version.version,
            parent=parent.sha256 if parent else None,
            added_at=now,
        )
    )
