"""What was found and decided, by post, by account, by id."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from sqlalchemy import ColumnElement, select

from serving import problems
from serving.access import DeskHere, allowed
from serving.api.views import decision_view
from serving.paging import page
from serving.people import Role
from serving.review import find_decision
from serving.shapes import DecisionPage, DecisionView, PathId, QueryId
from serving.store.schema import decisions

_people = (Role.MODERATOR, Role.SENIOR, Role.AUDITOR)
router = APIRouter(tags=["decisions"])
_Limit = Annotated[int, Query(ge=1, le=100)]


@router.get(
    "/v1/posts/{data_id:path}/decisions",
    summary="Every decision on a post, whatever it said at the time",
    dependencies=[Depends(allowed(*_people, Role.SCORER))],
    responses=problems.responses(401, 403, 404, 422, 429),
)
def of_post(
    data_id: PathId, desk: DeskHere, limit: _Limit = 50, cursor: str | None = None
) -> DecisionPage:
    """Newest first."""
    return _page(desk, [decisions.c.data_id == data_id], limit, cursor)


@router.get(
    "/v1/decisions",
    summary="Decisions, of one account or of all",
    dependencies=[Depends(allowed(*_people))],
    responses=problems.responses(401, 403, 422, 429),
)
def list_decisions(
    desk: DeskHere, account_id: QueryId | None = None, limit: _Limit = 50, cursor: str | None = None
) -> DecisionPage:
    """Newest first."""
    where = [] if account_id is None else [decisions.c.account_id == account_id]
    return _page(desk, where, limit, cursor)


@router.get(
    "/v1/decisions/{decision_id}",
    summary="One decision, with its trace and its reasons",
    dependencies=[Depends(allowed(*_people))],
    responses=problems.responses(401, 403, 404, 422, 429),
)
def get_decision(decision_id: PathId, desk: DeskHere) -> DecisionView:
    """``trace`` says how it came about, ``reasons`` is what the account's owner reads."""
    with desk.database.read() as connection:
        return decision_view(connection, find_decision(connection, decision_id))


def _page(
    desk: DeskHere, where: Sequence[ColumnElement[bool]], limit: int, cursor: str | None
) -> DecisionPage:
    asked = select(decisions).where(*where)
    with desk.database.read() as connection:
        found = page(
            connection,
            asked,
            [decisions.c.decision_id],
            limit=limit,
            cursor=cursor,
            newest_first=True,
        )
        shown = [decision_view(connection, row) for row in found.rows]
    return DecisionPage(decisions=shown, next_cursor=found.next_cursor)
