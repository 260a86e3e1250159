"""The queue, and what reviewers decide."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from sqlalchemy import Connection, RowMapping, func, select

from labels.records import Post
from policy.ledger import Correction
from serving import problems, queue, review
from serving.access import DeskHere, OnceHere, allowed
from serving.accounts import record_view
from serving.api.views import decision_view, show
from serving.appeals import answer
from serving.desk import Desk
from serving.paging import page
from serving.people import Caller, Role
from serving.shapes import (
    Answer,
    CaseDetail,
    CasePage,
    CaseQuery,
    CaseView,
    CorrectionView,
    Decide,
    Decided,
    PathId,
    RecordView,
    Second,
    Verdict,
)
from serving.store.schema import appeals, cases, posts, reports

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
    _: _Reader,
    wanted: Annotated[CaseQuery, Query()],
) -> CasePage:
    """Cases that wait, or those in one state."""
    asked = select(cases)
    if wanted.state is None:
        asked = asked.where(cases.c.state != queue.CaseState.CLOSED)
    for name in ("state", "kind", "category", "protected"):
        value = getattr(wanted, name)
        if value is not None:
            asked = asked.where(cases.c[name] == value)
    by = [cases.c.rank, cases.c.case_id]
    with desk.database.read() as connection:
        found = page(connection, asked, by, limit=wanted.limit, cursor=wanted.cursor)
    return CasePage(cases=[_case(row) for row in found.rows], next_cursor=found.next_cursor)


@router.get(
    "/v1/cases/{case_id}",
    summary="All that a reviewer needs",
    responses=problems.responses(401, 403, 404, 422, 429),
)
def get_case(case_id: PathId, desk: DeskHere, _: _Reader) -> CaseDetail:
    """The post, why it was scored so, the account's record, what others said."""
    with desk.database.read() as connection:
        return _detail(connection, desk, queue.find_case(connection, case_id))


@router.post(
    "/v1/cases/{case_id}/claim",
    summary="Take a case for half an hour",
    response_model=CaseView,
    responses=problems.responses(401, 403, 404, 409, 422, 429),
)
def claim(case_id: PathId, once: OnceHere, caller: _Reviewer) -> object:
    """Only one person holds a case; claiming it again prolongs it."""
    return once.write(
        None, lambda connection, now: _case(queue.claim(connection, case_id, caller, now)), 200
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
        None, lambda connection, now: _case(queue.release(connection, case_id, caller, now)), 200
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
        return _decide(connection, desk, case_id, body, caller, now)

    return once.write(body, work, 200)


def _decide(
    connection: Connection,
    desk: Desk,
    case_id: str,
    body: Decide | Second | Answer,
    caller: Caller,
    now: datetime,
) -> Decided:
    repaired: list[Correction] = []
    active = desk.active_for(review.model_of(connection, case_id))
    if isinstance(body, Decide):
        found = review.Finding(body.findings, body.step, body.reasons)
        state = review.decide(connection, case_id, caller, found, active, now)
    elif isinstance(body, Answer):
        overturned = body.verdict == "overturn"
        repaired = answer(connection, case_id, caller, body.reasons, now, overturned=overturned)
        state = queue.CaseState.CLOSED
    elif body.verdict == "confirm":
        state = review.confirm(connection, case_id, caller, active, now)
    else:
        state = review.reject(connection, case_id, caller, now)
    return Decided(case_id=case_id, state=state, corrected=[_correction(e) for e in repaired])


def _correction(found: Correction) -> CorrectionView:
    return CorrectionView(
        decision_id=found.decision_id,
        was=found.was[0],
        was_days=found.was[1],
        now=found.now[0],
        now_days=found.now[1],
    )


def _case(row: RowMapping) -> CaseView:
    holder = queue.held_by(row, datetime.now(UTC))
    until = row["claimed_until"] if holder else None
    return show(CaseView, row, claimed_by=holder, claimed_until=until)


def _detail(connection: Connection, desk: Desk, case: RowMapping) -> CaseDetail:
    decision = review.find_decision(connection, case["decision_id"])
    account_id = decision["account_id"]
    record = record_view(connection, account_id, desk.engine.active, datetime.now(UTC))
    return CaseDetail(
        case=_case(case),
        post=_post(connection, decision),
        decision=decision_view(connection, decision),
        record=RecordView.model_validate(record, strict=False),
        reports=_count(connection, decision["decision_id"]),
        first=case["first"],
        appeal=connection.scalar(
            select(appeals.c.statement).where(appeals.c.decision_id == decision["decision_id"])
        ),
    )


def _post(connection: Connection, decision: RowMapping) -> Post | None:
    kept: Any = connection.scalar(
        select(posts.c.post).where(
            posts.c.data_id == decision["data_id"],
            posts.c.content_sha256 == decision["content_sha256"],
        )
    )
    return None if kept is None else Post.model_validate(kept, strict=False)


def _count(connection: Connection, decision_id: str) -> int:
    asked = select(func.count()).select_from(reports).where(reports.c.decision_id == decision_id)
    return connection.scalar(asked) or 0
