"""The queue."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from serving import queue
from serving.access import DeskHere
from serving.console import queue_page
from serving.console.pages import age, page
from serving.console.visit import (
    ConsoleRoute,
    FormHere,
    Reader,
    Reviewer,
    VisitHere,
    to,
)
from serving.shapes import PathId

router = APIRouter(prefix="/console", include_in_schema=False, route_class=ConsoleRoute)


@router.get("")
def show_queue(request: Request, desk: DeskHere, visit: VisitHere, caller: Reader) -> Response:
    """Cases that wait, most urgent first."""
    now = datetime.now(UTC)
    wanted = queue_page.read_filter(request.query_params.multi_items())
    cursor = request.query_params.get("cursor") or None
    with desk.database.read() as connection:
        found = queue_page.queue_context(connection, wanted, cursor, caller, now)
    done = request.query_params.get("done", "")
    context = {
        **found,
        "visit": visit,
        "here": f"/console?{found['query']}",
        "now": now,
        "done": done if visit.speech.knows(f"done.{done}") else None,
        "corrected": request.query_params.get("corrected", "0"),
        "age": age,
    }
    return page("queue.html", visit.speech, context)


@router.get("/counts")
def show_counts(desk: DeskHere, visit: VisitHere, caller: Reader) -> JSONResponse:
    """How much waits, for a page that is already open."""
    now = datetime.now(UTC)
    with desk.database.read() as connection:
        found: dict[str, Any] = queue_page.counts(connection, caller, now)
    oldest = found["oldest"]
    found["oldest"] = age(oldest, now, visit.speech) if oldest else "–"
    return JSONResponse(found)


@router.post("/next")
def claim_next(desk: DeskHere, caller: Reviewer, form: FormHere) -> Response:
    """Claim the most urgent case of a filter and open it."""
    return open_next(desk, caller, form.one("queue"))


@router.post("/views")
def save_view(desk: DeskHere, caller: Reader, form: FormHere) -> Response:
    """Name a filter."""
    wanted = queue_page.filter_of(form.one("queue"))
    with desk.database.write() as connection:
        queue_page.save_view(connection, caller, form.one("name"), wanted)
    return to(f"/console?{queue_page.filter_query(wanted)}")


@router.post("/views/remove")
def remove_view(desk: DeskHere, caller: Reader, form: FormHere) -> Response:
    """Forget a filter's name."""
    with desk.database.write() as connection:
        queue_page.remove_view(connection, caller, form.one("name"))
    return to("/console")


@router.post("/cases/{case_id}/claim")
def claim(case_id: PathId, desk: DeskHere, caller: Reviewer, form: FormHere) -> Response:
    """Take a case for half an hour, or hold it longer, and open it."""
    with desk.database.write() as connection:
        queue.claim(connection, case_id, caller, datetime.now(UTC))
    return to(_case(case_id, form.one("queue")))


@router.post("/cases/{case_id}/release")
def release(case_id: PathId, desk: DeskHere, caller: Reviewer, form: FormHere) -> Response:
    """Give a case back to the queue."""
    wanted = queue_page.filter_of(form.one("queue"))
    with desk.database.write() as connection:
        queue.release(connection, case_id, caller, datetime.now(UTC))
    return to(f"/console?{queue_page.filter_query(wanted)}")


def open_next(desk: DeskHere, caller: Reviewer, query: str, **told: object) -> Response:
    """Claim the next case of a filter and open it; back to the queue where none is left.

    Args:
        desk: of the server.
        caller: the reviewer.
        query: the filter.
        told: what the next page says of what was done.
    """
    wanted = queue_page.filter_of(query)
    with desk.database.write() as connection:
        case_id = queue_page.claim_next(connection, wanted, caller, datetime.now(UTC))
    said = "".join(f"&{name}={value}" for name, value in told.items())
    kept = queue_page.filter_query(wanted)
    if case_id is None:
        return to(f"/console?{kept}{said or '&done=nothing'}")
    return to(_case(case_id, kept) + said)


def _case(case_id: str, query: str) -> str:
    kept = queue_page.filter_query(queue_page.filter_of(query))
    return f"/console/cases/{quote(case_id, safe='')}?queue={quote(kept, safe='')}"
