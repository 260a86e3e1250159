"""What the platform has to do, and its word that it did."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from sqlalchemy import Connection, select

from serving import problems, sanctions
from serving.access import DeskHere, OnceHere, allowed
from serving.api.views import show
from serving.paging import page
from serving.people import Role
from serving.sanctions import SanctionState
from serving.shapes import FailedRequest, PathId, SanctionPage, SanctionView
from serving.store.schema import sanctions as table

router = APIRouter(tags=["sanctions"])
_platform = Depends(allowed(Role.SCORER))
_answers = problems.responses(401, 403, 404, 409, 422, 429)


@router.get(
    "/v1/sanctions",
    summary="Sanctions in one state: due, active, expired, ...",
    dependencies=[Depends(allowed(Role.SCORER, Role.MODERATOR, Role.SENIOR, Role.AUDITOR))],
    responses=problems.responses(401, 403, 422, 429),
)
def list_sanctions(
    desk: DeskHere,
    state: SanctionState = SanctionState.DUE,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
    cursor: str | None = None,
) -> SanctionPage:
    """Oldest first."""
    asked = select(table).where(table.c.state == state)
    with desk.database.read() as connection:
        found = page(connection, asked, [table.c.decision_id], limit=limit, cursor=cursor)
    return SanctionPage(
        sanctions=[show(SanctionView, row) for row in found.rows], next_cursor=found.next_cursor
    )


@router.post(
    "/v1/sanctions/{decision_id}/applied",
    summary="The platform carried it out; a mute runs from now",
    response_model=SanctionView,
    dependencies=[_platform],
    responses=_answers,
)
def applied(decision_id: PathId, once: OnceHere) -> object:
    """Said twice, it is one."""

    def work(connection: Connection, now: datetime) -> SanctionView:
        return show(SanctionView, sanctions.applied(connection, decision_id, now))

    return once.write(None, work, 200)


@router.post(
    "/v1/sanctions/{decision_id}/failed",
    summary="The platform could not carry it out",
    response_model=SanctionView,
    dependencies=[_platform],
    responses={**_answers, **problems.responses(400, 413)},
)
def failed(decision_id: PathId, body: FailedRequest, once: OnceHere) -> object:
    """It may still."""

    def work(connection: Connection, now: datetime) -> SanctionView:
        return show(SanctionView, sanctions.failed(connection, decision_id, body.reason, now))

    return once.write(body, work, 200)
