"""What the page of an account shows."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select

from serving.accounts import inbox_of_account, told_record
from serving.api.views import case_view
from serving.console.case_page import faces
from serving.console.viewing import views_of
from serving.history import record_of
from serving.lineup import Active
from serving.people import Caller, Role
from serving.shapes import RecordView
from serving.store.schema import appeals, cases

_DECISIONS, _CASES, _VIEWS, _STATEMENTS = 50, 50, 50, 5


def account_context(
    connection: Connection, account_id: str, active: Active, caller: Caller, now: datetime
) -> dict[str, Any]:
    """All that the template of an account names; who looked is for leads and auditors alone."""
    record = record_of(connection, account_id)
    lasts = timedelta(days=active.loaded.pack.strike_days)
    counting = record.counting(now, active.loaded.pack.strike_days)
    told = told_record(record, account_id, active, now)
    mine = select(cases).where(cases.c.account_id == account_id)
    newest = connection.execute(mine.order_by(cases.c.case_id.desc()).limit(_CASES)).mappings()
    appealed = select(appeals).where(appeals.c.account_id == account_id)
    sees_viewers = not caller.roles.isdisjoint({Role.SENIOR, Role.AUDITOR})
    return {
        "account_id": account_id,
        "record": RecordView.model_validate(told, strict=False),
        "most_decisions": _DECISIONS,
        "strikes": [(standing, standing.at + lasts) for standing in counting],
        "faces": faces(connection, account_id),
        "messages": inbox_of_account(connection, account_id, _STATEMENTS),
        "statements": _STATEMENTS,
        "appeals": connection.execute(appealed.order_by(appeals.c.at)).mappings().all(),
        "cases": [case_view(row) for row in newest],
        "viewed": views_of(connection, account_id, _VIEWS) if sees_viewers else None,
    }
