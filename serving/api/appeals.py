"""Appeals of account owners, filed by the platform for them."""

from datetime import datetime

from fastapi import APIRouter, Depends
from sqlalchemy import Connection

from serving import appeals, problems
from serving.access import DeskHere, OnceHere, allowed
from serving.api.views import show
from serving.people import Role
from serving.shapes import AppealRequest, AppealView, PathId

router = APIRouter(tags=["appeals"])


@router.post(
    "/v1/appeals",
    summary="Contradict a decision",
    response_model=AppealView,
    status_code=201,
    dependencies=[Depends(allowed(Role.REPORTER))],
    responses=problems.responses(400, 401, 403, 404, 409, 413, 422, 429),
)
def file_appeal(body: AppealRequest, once: OnceHere) -> object:
    """Open to closed accounts too; answered by someone who took no part in the decision."""

    def work(connection: Connection, now: datetime) -> AppealView:
        return show(
            AppealView,
            appeals.file_appeal(connection, body.decision_id, body.account_id, body.statement, now),
        )

    return once.write(body, work, 201)


@router.get(
    "/v1/appeals/{appeal_id}",
    summary="An appeal, and its answer",
    dependencies=[Depends(allowed(Role.REPORTER, Role.MODERATOR, Role.SENIOR, Role.AUDITOR))],
    responses=problems.responses(401, 403, 404, 422, 429),
)
def get_appeal(appeal_id: PathId, desk: DeskHere) -> AppealView:
    """``outcome`` is null until it is judged."""
    with desk.database.read() as connection:
        return show(AppealView, appeals.find_appeal(connection, appeal_id))
