"""A case: looked at, decided, judged."""

from datetime import UTC, date, datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy import Connection, RowMapping

from labels.cases import Aggravator, ClaimStatus, Mitigator
from labels.results import Step
from policy.floors import REVIEWERS, STEPS
from serving import queue, review
from serving.access import DeskHere
from serving.api.views import decision_view, kept_post
from serving.console.case_page import case_context, post_context
from serving.console.explaining import Explainer
from serving.console.forms import EVIDENCE_ROWS, findings_of, verdict_of
from serving.console.pages import age, page
from serving.console.queue_page import filter_of, filter_query
from serving.console.queue_routes import open_next
from serving.console.viewing import record_view
from serving.console.visit import (
    ConsoleRoute,
    Form,
    FormHere,
    Reader,
    Reviewer,
    VisitHere,
    to,
)
from serving.refusal import RequestError, UnprocessableError
from serving.review import Permitted
from serving.shapes import PathId
from serving.verdict import carry_out

router = APIRouter(prefix="/console/cases", include_in_schema=False, route_class=ConsoleRoute)


@router.get("/{case_id}")
def show_case(
    case_id: PathId, request: Request, desk: DeskHere, visit: VisitHere, caller: Reader
) -> Response:
    """All that a reviewer needs, and the form for what they may say."""
    _remember(desk, caller, case_id)
    told = {name: request.query_params.get(name, "") for name in ("done", "corrected", "queue")}
    return _page(request, desk, visit, caller, case_id, Form([]), told)


@router.get("/{case_id}/post")
def show_post(
    case_id: PathId, request: Request, desk: DeskHere, visit: VisitHere, caller: Reader
) -> Response:
    """The post alone, once the words that carry its score are found; nothing before."""
    with desk.database.read() as connection:
        case = queue.find_case(connection, case_id)
        row = review.find_decision(connection, case["decision_id"])
        decision, post = decision_view(connection, row), kept_post(connection, row)
    found = post_context(post, decision, desk, _explainer(request))
    if found["marking"] == "pending":
        return Response(status_code=204)
    _remember(desk, caller, case_id)
    path = f"/console/cases/{case_id}"
    context = {**found, "result": decision.result, "path": path, "visit": visit}
    return page("post.html", visit.speech, context)


@router.post("/{case_id}/permitted")
def show_permitted(
    case_id: PathId, desk: DeskHere, visit: VisitHere, caller: Reviewer, form: FormHere
) -> JSONResponse:
    """What may follow from what was filled in so far."""
    with desk.database.read() as connection:
        case = queue.find_case(connection, case_id)
        found = _permitted(connection, desk, caller, case, form)
    if found is None:
        return JSONResponse({"steps": {Step.NONE.value: 0}, "caps": []})
    caps = [visit.speech.say(f"cap.{name}") for name in found.caps]
    return JSONResponse({"steps": {step.value: days for step, days in found.steps}, "caps": caps})


@router.post("/{case_id}/decide")
def decide(
    case_id: PathId,
    request: Request,
    desk: DeskHere,
    visit: VisitHere,
    caller: Reviewer,
    form: FormHere,
) -> Response:
    """Carry a verdict out; what cannot be is told on the same page, with all that was filled in."""
    try:
        said = verdict_of(form)
        with desk.database.write() as connection:
            active, now = desk.active_for(review.model_of(connection, case_id)), datetime.now(UTC)
            _hold(connection, case_id, caller, now)
            done = carry_out(connection, case_id, said, caller, active, now)
    except RequestError as error:
        _remember(desk, caller, case_id)
        told = {"done": "", "corrected": "", "queue": form.one("queue"), "error": error}
        return _page(request, desk, visit, caller, case_id, form, told)
    told = {"done": done.state.value, "corrected": len(done.corrected)}
    if form.has("then_next", "1"):
        return open_next(desk, caller, form.one("queue"), **told)
    query = filter_query(filter_of(form.one("queue")))
    return to(f"/console?{query}&done={told['done']}&corrected={told['corrected']}")


def _page(  # noqa: PLR0913, PLR0917  all that a request brings
    request: Request,
    desk: DeskHere,
    visit: VisitHere,
    caller: Reader,
    case_id: str,
    form: Form,
    told: dict[str, Any],
) -> Response:
    now = datetime.now(UTC)
    error: RequestError | None = told.get("error")
    query = filter_query(filter_of(told["queue"]))
    with desk.database.read() as connection:
        case = queue.find_case(connection, case_id)
        found = case_context(connection, case, desk, _explainer(request), caller, now)
        permitted = _permitted(connection, desk, caller, case, form) if error else None
    context = {
        **found,
        **_choices(),
        "visit": visit,
        "here": f"/console/cases/{case_id}",
        "now": now,
        "age": age,
        "query": query,
        "form": form,
        "error": error,
        "permitted": permitted,
        "done": told["done"] if visit.speech.knows(f"done.{told['done']}") else None,
        "corrected": told["corrected"] or "0",
        "today": date.today().isoformat(),
    }
    return page("case.html", visit.speech, context, error.status if error else 200)


def _choices() -> dict[str, Any]:
    """What the form offers."""
    return {
        "claim_statuses": [status.value for status in ClaimStatus],
        "aggravators": [each.value for each in Aggravator],
        "mitigators": [each.value for each in Mitigator],
        "steps": [(step.value, REVIEWERS[place] > 1) for place, step in enumerate(STEPS)],
        "evidence_rows": EVIDENCE_ROWS,
    }


def _permitted(
    connection: Connection, desk: DeskHere, caller: Reviewer, case: RowMapping, form: Form
) -> Permitted | None:
    """What may follow; None where too little is filled in to say."""
    try:
        findings = findings_of(form)
    except UnprocessableError:
        return None
    active = desk.active_for(review.model_of(connection, case["case_id"]))
    return review.permitted(connection, case, caller, findings, active, datetime.now(UTC))


def _hold(connection: Connection, case_id: str, caller: Reviewer, now: datetime) -> None:
    """One's claim that lapsed while one wrote is taken up again, if nobody took the case since."""
    case = queue.find_case(connection, case_id)
    lapsed = case["claimed_by"] == caller.user_id and queue.held_by(case, now) is None
    if lapsed and case["closed_at"] is None:
        queue.claim(connection, case_id, caller, now)


def _remember(desk: DeskHere, caller: Reader, case_id: str) -> None:
    with desk.database.read() as connection:
        case = queue.find_case(connection, case_id)
    record_view(desk.database, caller, "case", case_id, case["account_id"])


def _explainer(request: Request) -> Explainer:
    found: Explainer = request.app.state.explainer
    return found
