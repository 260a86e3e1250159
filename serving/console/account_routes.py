"""Accounts."""

from datetime import UTC, datetime
from urllib.parse import quote

from fastapi import APIRouter, Response

from serving.access import DeskHere
from serving.console.account_page import account_context
from serving.console.pages import age, page
from serving.console.viewing import record_view
from serving.console.visit import ConsoleRoute, Reader, VisitHere, to
from serving.shapes import PathId, QueryId

router = APIRouter(prefix="/console/accounts", include_in_schema=False, route_class=ConsoleRoute)


@router.get("")
def find_account(visit: VisitHere, _: Reader, account_id: QueryId | None = None) -> Response:
    """Asks for an account's id, and leads to its page."""
    if account_id is not None:
        return to(f"/console/accounts/{quote(account_id, safe='')}")
    return page("accounts.html", visit.speech, {"visit": visit, "here": "/console/accounts"})


@router.get("/{account_id:path}")
def show_account(account_id: PathId, desk: DeskHere, visit: VisitHere, caller: Reader) -> Response:
    """Its record, what is in force, strikes, appeals and statements."""
    record_view(desk.database, caller, "account", account_id, account_id)
    now = datetime.now(UTC)
    with desk.database.read() as connection:
        found = account_context(connection, account_id, desk.engine.active, caller, now)
    here = f"/console/accounts/{quote(account_id, safe='')}"
    context = {**found, "visit": visit, "here": here, "now": now, "age": age}
    return page("account.html", visit.speech, context)
