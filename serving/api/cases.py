"""The queue, and what reviewers decide."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from sqlalchemy import Connection

from serving import problems, queue, review
from serving.access import DeskHere, OnceHere, allowed
from serving.api.views import case_detail, case_view
from serving.paging import page
from serving.people import Caller, Role
from serving.queue_filter import select_cases
from serving.shapes import CaseDetail, CasePage, CaseQuery, CaseView, Decided, PathId, Verdict
from serving.store.schema import cases
from serving.verdict import carry_out

router = APIRouter(tags=["cases"])
_reviewers = (Role.MODERATOR, Role.SENIOR)
_Reader = Annotated[Caller, Depends(allowed(*_reviewers, Role.AUDITOR))]
_Reviewer = Annotated[Caller, Depends(allowed(*_reviewers))]


@router.get(
    "/v1/cases",
    summary="The queue, most urgent first",
    responses=problems.responses(401, 403, 422, 429),
)
def list_cases(
    desk: DeskHere,
    caller: _Reader,
    wanted: Annotated[CaseQuery, Query()],
) -> CasePage:
    """Cases that wait, or those in one state."""
    asked = select_cases(wanted, caller.user_id, datetime.now(UTC))
    by = [cases.c.rank, cases.c.case_id]
    with desk.database.read() as connection:
        found = page(connection, asked, by, limit=wanted.limit, cursor=wanted.cursor)
    return CasePage(cases=[case_view(row) for row in found.rows], next_cursor=found.next_cursor)


@router.get(
    "/v1/cases/{case_id}",
    summary="All that a reviewer needs",
    responses=problems.responses(401, 403, 404, 422, 429),
)
def get_case(case_id: PathId, desk: DeskHere, _: _Reader) -> CaseDetail:
    """The post, why it was scored so, the account's record, what others said."""
    with desk.database.read() as connection:
        case = queue.find_case(connection, case_id)
        return case_detail(connection, case, desk.engine.active, datetime.now(UTC))


@router.post(
    "/v1/cases/{case_id}/claim",
    summary="Take a case for half an hour",
    response_model=CaseView,
    responses=problems.responses(401, 403, 404, 409, 422, 429),
)
def claim(case_id: PathId, once: OnceHere, caller: _Reviewer) -> object:
    """Only one person holds a case; claiming it again prolongs it."""
    return once.write(
        None, lambda connection, now: case_view(queue.claim(connection, case_id, caller, now)), 200
    )


@router.post(
    "/v1/cases/{case_id}/release",
    summary="Give a case back",
    response_model=CaseView,
    responses=problems.responses(401, 403, 404, 409, 422, 429),
)
def release(case_id: PathId, once: OnceHere, caller: _Reviewer) -> object:
    """A senior may release what a colleague holds."""
    return once.write(
        None,
        lambda connection, now: case_view(queue.release(connection, case_id, caller, now)),
        200,
    )


@router.post(
    "/v1/cases/{case_id}/decide",
    summary="Decide, confirm what a colleague found, or answer an appeal",
    response_model=Decided,
    responses=problems.responses(400, 401, 403, 404, 409, 413, 422, 429),
)
def decide(
    case_id: PathId, body: Verdict, desk: DeskHere, once: OnceHere, caller: _Reviewer
) -> object:
    """Long mute and closure wait for a second person; everything else is final but for appeal."""

    def work(connection: Connection, now: datetime) -> Decided:
        active = desk.active_for(review.model_of(connection, case_id))
        return carry_out(connection, case_id, body, caller, active, now)

    return once.write(body, work, 200)
