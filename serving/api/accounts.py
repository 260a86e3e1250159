"""Accounts: the record, the platform's own history, the owner's inbox."""

from datetime import UTC, datetime

from fastapi import APIRouter, Depends
from sqlalchemy import Connection

from serving import accounts, problems
from serving.access import DeskHere, OnceHere, allowed
from serving.people import Role
from serving.shapes import AccountInbox, HistoryImported, HistoryRequest, PathId, RecordView

router = APIRouter(tags=["accounts"])


@router.get(
    "/v1/accounts/{account_id:path}/record",
    summary="Decisions, strikes that count, what is in force, what comes next",
    dependencies=[Depends(allowed(Role.MODERATOR, Role.SENIOR, Role.AUDITOR))],
    responses=problems.responses(401, 403, 404, 422, 429),
)
def record(account_id: PathId, desk: DeskHere) -> RecordView:
    """Derived from the log at this moment."""
    with desk.database.read() as connection:
        found = accounts.record_view(connection, account_id, desk.engine.active, datetime.now(UTC))
    return RecordView.model_validate(found, strict=False)


@router.post(
    "/v1/accounts/{account_id:path}/history",
    summary="Take over earlier decisions from the platform's own history",
    response_model=HistoryImported,
    status_code=201,
    dependencies=[Depends(allowed(Role.SCORER))],
    responses=problems.responses(400, 401, 403, 404, 409, 413, 422, 429),
)
def history(account_id: PathId, body: HistoryRequest, once: OnceHere) -> object:
    """All of them or none. A decision that is known with the same content stays as it is."""

    def work(connection: Connection, _: datetime) -> HistoryImported:
        new = sum(
            accounts.import_decision(
                connection, account_id, item.decision_id, item.step, item.days, item.at
            )
            for item in body.items
        )
        return HistoryImported(imported=new, known=len(body.items) - new)

    return once.write(body, work, 201)


@router.get(
    "/v1/accounts/{account_id:path}/inbox",
    summary="What the account's owner may read",
    dependencies=[Depends(allowed(Role.REPORTER, Role.SENIOR, Role.AUDITOR))],
    responses=problems.responses(401, 403, 404, 422, 429),
)
def inbox(account_id: PathId, desk: DeskHere) -> AccountInbox:
    """Statements of reasons, how to appeal, and answers; nobody's name."""
    with desk.database.read() as connection:
        found = accounts.inbox_of_account(connection, account_id)
    return AccountInbox.model_validate({"messages": found}, strict=False)
