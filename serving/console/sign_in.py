"""Signing in and out, the language, and the files that pages need."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from serving.access import DeskHere
from serving.console import sessions
from serving.console.pages import ASSETS, asset, page
from serving.console.visit import (
    COOKIE,
    LANGUAGE_COOKIE,
    ConsoleRoute,
    FormHere,
    VisitHere,
    landing,
    own_path,
    set_cookie,
    to,
)
from serving.console.words import Language
from serving.people import check_password
from serving.refusal import NotFoundError

router = APIRouter(prefix="/console", include_in_schema=False, route_class=ConsoleRoute)
_Next = Annotated[str, Query(alias="next", max_length=2_000)]
_UNAUTHORIZED = 401


@router.get("/sign-in")
def sign_in_page(request: Request, visit: VisitHere, after: _Next = "/console") -> Response:
    """Asks for name and password."""
    if visit.caller is not None:
        return to(landing(after, visit.caller))
    return page("sign_in.html", visit.speech, _context(visit, after))


@router.post("/sign-in")
def sign_in(request: Request, desk: DeskHere, visit: VisitHere, form: FormHere) -> Response:
    """A session for who knows the password."""
    user_id, after = form.one("user"), own_path(form.one("next"))
    attempts: sessions.Attempts = request.app.state.attempts
    attempts.count(user_id, request.client.host if request.client else "")
    with desk.database.read() as connection:
        fits = check_password(connection, user_id, form.one("password"))
    if not fits:
        context = _context(visit, after) | {"wrong": True, "user": user_id}
        return page("sign_in.html", visit.speech, context, _UNAUTHORIZED)
    with desk.database.write() as connection:
        token = sessions.begin(connection, user_id, datetime.now(UTC))
        caller = sessions.find(connection, token, datetime.now(UTC))
    response = to(landing(after, caller))
    set_cookie(request, response, COOKIE, token)
    return response


@router.post("/sign-out")
def sign_out(desk: DeskHere, visit: VisitHere, form: FormHere) -> Response:
    """The session is over, on this browser and for whoever copied its cookie."""
    with desk.database.write() as connection:
        sessions.end(connection, visit.token)
    response = to("/console/sign-in")
    response.delete_cookie(COOKIE, path="/console")
    return response


@router.get("/language/{language}")
def choose_language(request: Request, language: Language, after: _Next = "/console") -> Response:
    """Go on in another language."""
    response = to(own_path(after))
    set_cookie(request, response, LANGUAGE_COOKIE, language)
    return response


@router.get("/static/{name}")
def static(name: str) -> Response:
    """Style and script; their addresses change with their content."""
    if name not in ASSETS:
        raise NotFoundError("file", name)
    kept = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(asset(name), media_type=ASSETS[name], headers=kept)


def _context(visit: VisitHere, after: str) -> dict[str, Any]:
    return {"visit": visit, "after": own_path(after), "wrong": False, "user": "", "here": after}
