"""Whether the server lives, is ready, and how it does."""

from fastapi import APIRouter, Depends, Request, Response

from serving import problems
from serving.access import DeskHere, allowed
from serving.people import Role
from serving.shapes import Ready

router = APIRouter(tags=["status"])


@router.get("/healthz", summary="Is the process alive?")
def healthz() -> dict[str, str]:
    """Yes."""
    return {"status": "ok"}


@router.get(
    "/readyz",
    summary="Is it ready to score, with what, and does its store answer?",
    responses=problems.responses(503),
)
def readyz(desk: DeskHere) -> Ready:
    """Model and policy as every result records them."""
    desk.follow_policy()
    canary = desk.engine.lineup.canary
    return Ready.model_validate(
        {
            "status": "ready",
            **desk.engine.versions,
            "canary": canary and canary.version.model_dump(),
            "unloaded": desk.follower.unloaded,
        }
    )


@router.get(
    "/metrics",
    summary="Prometheus metrics",
    response_class=Response,
    dependencies=[Depends(allowed(Role.SCORER, Role.AUDITOR))],
    responses=problems.responses(401, 403, 429),
)
def metrics(desk: DeskHere, request: Request) -> Response:
    """Of this process, and of the queue in the store."""
    state = request.app.state
    with desk.database.read() as connection:
        state.metrics.answer_with(desk.engine.lineup, desk.follower.unloaded)
        text = state.metrics.page(connection, state.gate.inside)
    return Response(text, media_type="text/plain; version=0.0.4")
