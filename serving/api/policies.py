"""Policy packs: proposed by one person, activated by another."""

from datetime import datetime

from fastapi import APIRouter, Depends
from sqlalchemy import Connection, RowMapping, select

from serving import packs, problems
from serving.access import DeskHere, OnceHere, allowed
from serving.api.views import show
from serving.people import Role
from serving.shapes import PathId, PolicyList, PolicyRequest, PolicyView
from serving.store.schema import packs as table

router = APIRouter(tags=["policies"])
_admin = Depends(allowed(Role.POLICY_ADMIN))


@router.get(
    "/v1/policies",
    summary="Every pack, and which is in force",
    dependencies=[Depends(allowed(Role.POLICY_ADMIN, Role.MODERATOR, Role.SENIOR, Role.AUDITOR))],
    responses=problems.responses(401, 403, 422, 429),
)
def list_policies(desk: DeskHere) -> PolicyList:
    """By id and version."""
    with desk.database.read() as connection:
        active = packs.active_sha256(connection)
        rows = connection.execute(select(table).order_by(table.c.id, table.c.version)).mappings()
        return PolicyList(policies=[_view(row, active) for row in rows])


@router.post(
    "/v1/policies",
    summary="Propose a pack",
    response_model=PolicyView,
    status_code=201,
    responses=problems.responses(400, 401, 403, 409, 413, 422, 429),
    dependencies=[_admin],
)
def propose(body: PolicyRequest, once: OnceHere) -> object:
    """It is checked, kept, and has no effect until another person activates it."""
    loaded = packs.read_source(body.source)

    def work(connection: Connection, now: datetime) -> PolicyView:
        row = packs.propose(connection, loaded, body.source, once.caller, now)
        return _view(row, packs.active_sha256(connection))

    return once.write(body, work, 201)


@router.post(
    "/v1/policies/{sha256}/activate",
    summary="Put a pack in force",
    response_model=PolicyView,
    responses=problems.responses(401, 403, 404, 409, 422, 429),
    dependencies=[_admin],
)
def activate(sha256: PathId, desk: DeskHere, once: OnceHere) -> object:
    """Not by who proposed it. An earlier pack is activated again in the same way."""

    def work(connection: Connection, now: datetime) -> PolicyView:
        packs.activate(connection, sha256, once.caller, now)
        return _view(packs.find_pack(connection, sha256), sha256)

    answer = once.write(None, work, 200)
    desk.follow_policy()
    return answer


def _view(row: RowMapping, active: str | None) -> PolicyView:
    return show(PolicyView, row, active=row["sha256"] == active)
