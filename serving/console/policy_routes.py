"""Policy packs: compared, proposed by one person, activated by another."""

from datetime import UTC, datetime
from functools import partial
from typing import Any

from fastapi import APIRouter, Request, Response

from serving import packs
from serving.access import DeskHere
from serving.console.computing import Background
from serving.console.forms import filled
from serving.console.pages import page
from serving.console.policy_page import backtested, compared, policies_context, policy_context
from serving.console.visit import (
    Admin,
    ConsoleRoute,
    FormHere,
    PolicyReader,
    Visit,
    VisitHere,
    to,
)
from serving.desk import Desk
from serving.people import Caller
from serving.refusal import RequestError
from serving.shapes import PathId, PolicyRequest

router = APIRouter(prefix="/console/policies", include_in_schema=False, route_class=ConsoleRoute)


@router.get("")
def show_policies(desk: DeskHere, visit: VisitHere, _: PolicyReader) -> Response:
    """Every pack, and the agreement of a candidate that looks on."""
    return _list(desk, visit)


@router.post("")
def propose(desk: DeskHere, visit: VisitHere, caller: Admin, form: FormHere) -> Response:
    """Keep a pack for somebody else to activate; a faulty one is told with all its faults."""
    # browsers send the line ends of a text as CRLF; the pack's hash is that of its file
    source = "".join(form.all("source")).replace("\r\n", "\n")
    try:
        body = filled(PolicyRequest, source=source)
        loaded = packs.read_source(body.source)
        with desk.database.write() as connection:
            packs.propose(connection, loaded, body.source, caller, datetime.now(UTC))
    except RequestError as error:
        return _list(desk, visit, error, source)
    return to(f"/console/policies/{loaded.version.sha256}")


@router.get("/{sha256}")
def show_policy(
    sha256: PathId, request: Request, desk: DeskHere, visit: VisitHere, caller: PolicyReader
) -> Response:
    """What it changes, and whom that would have moved."""
    return _one(request, desk, visit, caller, sha256)


@router.post("/{sha256}/activate")
def activate(
    sha256: PathId,
    request: Request,
    desk: DeskHere,
    visit: VisitHere,
    caller: Admin,
    form: FormHere,
) -> Response:
    """Put it in force; not by who proposed it."""
    try:
        with desk.database.write() as connection:
            packs.activate(connection, sha256, caller, datetime.now(UTC))
    except RequestError as error:
        return _one(request, desk, visit, caller, sha256, error)
    desk.follow_policy()
    return to("/console/policies")


def _list(
    desk: Desk, visit: Visit, error: RequestError | None = None, source: str = ""
) -> Response:
    context = {
        **policies_context(desk),
        "visit": visit,
        "here": "/console/policies",
        "error": error,
        "source": source,
    }
    return page("policies.html", visit.speech, context, error.status if error else 200)


def _one(
    request: Request,
    desk: Desk,
    visit: Visit,
    caller: Caller,
    sha256: str,
    error: RequestError | None = None,
) -> Response:
    against = request.query_params.get("against", "")
    found = compared(desk, sha256, against)
    versions = (desk.engine.lineup.champion.version.sha256, found.old.version, found.new.version)
    counting: Background = request.app.state.counting
    tested = counting.find(("backtest", *versions), partial(backtested, desk, found))
    context: dict[str, Any] = {
        **policy_context(policies_context(desk)["policies"], found, tested, caller),
        "visit": visit,
        "here": f"/console/policies/{sha256}?against={found.old.version.sha256}",
        "error": error,
    }
    return page("policy.html", visit.speech, context, error.status if error else 200)
