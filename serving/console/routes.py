"""The console's addresses."""

from fastapi import APIRouter, Response

from serving.console import (
    account_routes,
    case_routes,
    model_routes,
    overview_routes,
    policy_routes,
    queue_routes,
    sign_in,
)
from serving.console.visit import ConsoleRoute, VisitHere, to
from serving.refusal import NotFoundError

router = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
for module in (
    sign_in,
    queue_routes,
    case_routes,
    account_routes,
    overview_routes,
    policy_routes,
    model_routes,
):
    router.include_router(module.router)


@router.get("/console/{rest:path}")
def nowhere(rest: str, _: VisitHere) -> Response:
    """A page that says so, for every address that is none; the queue for a slash too many."""
    if not rest:
        return to("/console")
    raise NotFoundError("page", f"/console/{rest}")
