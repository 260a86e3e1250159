"""Versions of the model: looked at, released step by step, rolled back."""

from datetime import UTC, datetime
from functools import partial
from typing import Any

from fastapi import APIRouter, Request, Response

from serving import releases
from serving.access import DeskHere
from serving.console.computing import Background
from serving.console.forms import filled
from serving.console.model_page import live_precision, model_context, models_context
from serving.console.pages import page
from serving.console.visit import (
    Admin,
    ConsoleRoute,
    Form,
    FormHere,
    ModelReader,
    Visit,
    VisitHere,
    to,
)
from serving.desk import Desk
from serving.model_shapes import ReleaseRequest, RollbackRequest
from serving.people import Caller
from serving.refusal import RequestError, UnprocessableError
from serving.releases import Stage, Wish
from serving.shapes import PathId

router = APIRouter(prefix="/console/models", include_in_schema=False, route_class=ConsoleRoute)


@router.get("")
def show_models(request: Request, desk: DeskHere, visit: VisitHere, _: ModelReader) -> Response:
    """Every version, and what each is now."""
    return _list(request, desk, visit, Form([]))


@router.post("/rollback")
def rollback(
    request: Request, desk: DeskHere, visit: VisitHere, caller: Admin, form: FormHere
) -> Response:
    """Bring back the champion before."""
    registry, now = desk.follower.registry, datetime.now(UTC)
    try:
        body = filled(RollbackRequest, reason=form.one("reason"))
        with desk.database.write() as connection:
            releases.rollback(connection, registry, body.reason, caller, now)
    except RequestError as error:
        return _list(request, desk, visit, form, error)
    return to("/console/models")


@router.get("/{sha256}")
def show_model(
    sha256: PathId, request: Request, desk: DeskHere, visit: VisitHere, caller: ModelReader
) -> Response:
    """Gates, lineage, releases and live precision."""
    return _one(request, desk, visit, caller, sha256, Form([]))


@router.post("/{sha256}/release")
def release(
    sha256: PathId,
    request: Request,
    desk: DeskHere,
    visit: VisitHere,
    caller: Admin,
    form: FormHere,
) -> Response:
    """Make a version shadow, canary or champion, or end that; by the rules of the API."""
    registry, now = desk.follower.registry, datetime.now(UTC)
    try:
        stage = form.one("stage")
        share = _share(form.one("percent")) if stage == Stage.CANARY else None
        body = filled(ReleaseRequest, stage=stage, share=share, reason=form.one("reason"))
        wish = Wish(Stage(body.stage), body.reason, body.share)
        with desk.database.write() as connection:
            releases.release(connection, registry, sha256, wish, caller, now)
    except RequestError as error:
        return _one(request, desk, visit, caller, sha256, form, error)
    return to(f"/console/models/{sha256}")


def _share(percent: str) -> float:
    """Of the accounts, from percent as a person writes it."""
    try:
        return float(percent.removesuffix("%")) / 100
    except ValueError:
        raise UnprocessableError("share_invalid", f"{percent!r} is no percentage") from None


def _list(
    request: Request, desk: Desk, visit: Visit, form: Form, error: RequestError | None = None
) -> Response:
    context = {
        **models_context(desk, request.app.state.watched),
        "visit": visit,
        "here": "/console/models",
        "form": form,
        "error": error,
    }
    return page("models.html", visit.speech, context, error.status if error else 200)


def _one(  # noqa: PLR0913, PLR0917  all that a request brings
    request: Request,
    desk: Desk,
    visit: Visit,
    caller: Caller,
    sha256: str,
    form: Form,
    error: RequestError | None = None,
) -> Response:
    counting: Background = request.app.state.counting
    live = counting.find(("precision", sha256), partial(live_precision, desk, sha256))
    context: dict[str, Any] = {
        **model_context(desk, sha256, caller),
        "live": live,
        "visit": visit,
        "here": f"/console/models/{sha256}",
        "form": form,
        "error": error,
    }
    return page("model.html", visit.speech, context, error.status if error else 200)
