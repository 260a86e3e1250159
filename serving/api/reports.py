"""Complaints of users."""

from datetime import datetime

from fastapi import APIRouter, Depends
from sqlalchemy import Connection

from serving import accounts, problems, reports
from serving.access import DeskHere, OnceHere, allowed
from serving.api.views import show
from serving.engine import Judged
from serving.keeping import keep_one
from serving.people import Role
from serving.shapes import PathId, ReportCreated, ReporterInbox, ReportOutcome, ReportRequest

router = APIRouter(tags=["reports"])
_reporter = Depends(allowed(Role.REPORTER))


@router.post(
    "/v1/reports",
    summary="A user complains about a post",
    response_model=ReportCreated,
    status_code=201,
    dependencies=[_reporter],
    responses=problems.responses(400, 401, 403, 409, 413, 422, 429),
)
def report(body: ReportRequest, desk: DeskHere, once: OnceHere) -> object:
    """A person will look. Who complained is never shown to the account's owner."""
    judged = desk.engine.judge([body.post.model_dump_json()]) if body.post else []

    def work(connection: Connection, now: datetime) -> ReportCreated:
        if judged and isinstance(judged[0], Judged):
            decision_id = keep_one(connection, judged[0], now)
        else:
            decision_id = reports.newest_decision(connection, body.data_id)
        report_id = reports.intake(
            connection, decision_id, body.reporter_id, body.reason, body.category, now
        )
        return ReportCreated(report_id=report_id)

    return once.write(body, work, 201)


@router.get(
    "/v1/reporters/{reporter_id:path}/inbox",
    summary="What became of a reporter's complaints",
    dependencies=[Depends(allowed(Role.REPORTER, Role.AUDITOR))],
    responses=problems.responses(401, 403, 404, 422, 429),
)
def inbox(reporter_id: PathId, desk: DeskHere) -> ReporterInbox:
    """Nothing of whom they were about."""
    with desk.database.read() as connection:
        found = accounts.inbox_of_reporter(connection, reporter_id)
    return ReporterInbox(reports=[show(ReportOutcome, row) for row in found])
