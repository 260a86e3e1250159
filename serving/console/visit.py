"""A request to the console: who asks, in which language, and whether a form is our own."""

import hmac
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import parse_qsl, quote

from fastapi import Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute
from sqlalchemy.exc import OperationalError
from starlette.requests import ClientDisconnect

from labels.errors import MingbianError
from serving.access import DeskHere
from serving.console import sessions
from serving.console.pages import HEADERS, page
from serving.console.words import LANGUAGES, Language, Speech
from serving.people import LOCAL, Caller, Role, has_users, require
from serving.refusal import ForbiddenError, RequestError, UnprocessableError

_log = logging.getLogger(__name__)

COOKIE, LANGUAGE_COOKIE = "mingbian_console", "mingbian_language"
REVIEWERS = (Role.MODERATOR, Role.SENIOR)
READERS = (*REVIEWERS, Role.AUDITOR)
LEADS = (Role.SENIOR, Role.POLICY_ADMIN, Role.AUDITOR)
#: the navigation: address, name in ``words.yaml``, and who may open it
PAGES = (
    ("/console", "queue", READERS),
    ("/console/accounts", "accounts", READERS),
    ("/console/overview", "overview", LEADS),
    ("/console/policies", "policies", LEADS),
    ("/console/models", "models", (*READERS, Role.POLICY_ADMIN)),
)
_MAX_FIELDS = 1_000


class SignInNeededError(MingbianError):
    """Nobody is signed in."""


class StoreAwayError(RequestError):
    """The same request will do once the store answers again."""

    status = 503


@dataclass(frozen=True, slots=True)
class Visit:
    """Who asks. ``form_token`` stands in each form; ``caller`` is None where nobody signed in."""

    caller: Caller | None
    token: str
    form_token: str
    speech: Speech

    @property
    def pages(self) -> list[tuple[str, str]]:
        """Address and name of what the caller may open."""
        return pages_of(self.caller)


class Form:
    """The fields of a form that was sent: each has any number of values."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        """Fields in the order in which they were sent."""
        self._pairs = pairs

    def one(self, name: str) -> str:
        """The last value without spaces around it; empty where there is none."""
        return next((value.strip() for key, value in reversed(self._pairs) if key == name), "")

    def all(self, name: str) -> list[str]:
        """Every value."""
        return [value for key, value in self._pairs if key == name]

    def has(self, name: str, value: str) -> bool:
        """Whether a box was ticked."""
        return (name, value) in self._pairs


def pages_of(caller: Caller | None) -> list[tuple[str, str]]:
    """Address and name of the pages of the navigation that somebody may open."""
    roles = caller.roles if caller else frozenset()
    return [(path, name) for path, name, who in PAGES if not roles.isdisjoint(who)]


def get_visit(request: Request, desk: DeskHere) -> Visit:
    """Who asks; on a server without users, whoever is on this machine."""
    token = request.cookies.get(COOKIE, "")
    with desk.database.read() as connection:
        if has_users(connection):
            caller = sessions.find(connection, token, datetime.now(UTC)) if token else None
        else:
            caller = LOCAL
    if not token:
        token = request.state.new_token = sessions.new_token()
    speech = Speech(language_of(request))
    found = request.state.visit = Visit(caller, token, sessions.form_token(token), speech)
    return found


VisitHere = Annotated[Visit, Depends(get_visit)]


def language_of(request: Request) -> Language:
    """What the visitor chose; Chinese by default."""
    chosen = request.cookies.get(LANGUAGE_COOKIE)
    return next((each for each in LANGUAGES if each == chosen), LANGUAGES[0])


def allowed(*roles: Role) -> Callable[..., Caller]:
    """A dependency: who is signed in, and has one of these roles."""

    def check(visit: VisitHere) -> Caller:
        if visit.caller is None:
            raise SignInNeededError("nobody is signed in")
        require(visit.caller, roles)
        return visit.caller

    return check


async def get_form(request: Request, visit: VisitHere) -> Form:
    """The form of a POST.

    Raises:
        UnprocessableError: the body is no form, or the browser left before its end.
        ForbiddenError: the form is not one that this visitor was given.
    """
    try:
        text = (await request.body()).decode()
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_MAX_FIELDS)
    except (ValueError, ClientDisconnect):
        raise UnprocessableError("form_invalid", "the body is no whole form in UTF-8") from None
    form = Form(pairs)
    if not hmac.compare_digest(form.one("form_token").encode(), visit.form_token.encode()):
        raise ForbiddenError(
            "form_expired", "the form is not this session's", remedy="load the page again"
        )
    return form


def of_page(name: str) -> Any:
    """A dependency: who may open a page of the navigation."""
    return Depends(allowed(*next(roles for _, page, roles in PAGES if page == name)))


Reader = Annotated[Caller, Depends(allowed(*READERS))]
Reviewer = Annotated[Caller, Depends(allowed(*REVIEWERS))]
Lead = Annotated[Caller, of_page("overview")]
PolicyReader = Annotated[Caller, of_page("policies")]
ModelReader = Annotated[Caller, of_page("models")]
Admin = Annotated[Caller, Depends(allowed(Role.POLICY_ADMIN))]
FormHere = Annotated[Form, Depends(get_form)]


class ConsoleRoute(APIRoute):
    """Answers what is refused with a page, and tells browsers how to treat every answer."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """As FastAPI asks for it."""
        plain = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await plain(request)
            except SignInNeededError:
                return _to_sign_in(request)
            except RequestError as error:
                return refused(request, error)
            except RequestValidationError as error:
                message = str(error.errors()[0]["msg"])
                return refused(request, UnprocessableError("invalid_request", message))
            except OperationalError as error:
                _log.error("request %s: the store does not answer: %s", _id(request), error)
                return refused(request, StoreAwayError("store_away", "the store does not answer"))

        async def handle(request: Request) -> Response:
            response = _bounced(request) if _led_from_elsewhere(request) else await answer(request)
            for name, value in HEADERS.items():
                response.headers.setdefault(name, value)
            token = getattr(request.state, "new_token", None)
            if token is not None:
                set_cookie(request, response, COOKIE, token)
            return response

        return handle


def set_cookie(request: Request, response: Response, name: str, value: str) -> None:
    """A cookie of the console; away from this machine it goes over TLS alone."""
    response.set_cookie(
        name,
        value,
        max_age=int(sessions.LASTS.total_seconds()),
        path="/console",
        secure=not request.app.state.local_only,
        httponly=True,
        samesite="strict",
    )


def to(path: str) -> RedirectResponse:
    """Go on there with a GET."""
    return RedirectResponse(path, 303)


def own_path(wanted: str) -> str:
    """A page of the console to go on to; the queue for anything else."""
    return wanted if wanted.startswith(("/console/", "/console?")) else "/console"


def landing(wanted: str, caller: Caller | None) -> str:
    """As :func:`own_path`, where the queue gives way to the first page that the caller may open."""
    path = own_path(wanted)
    pages = pages_of(caller)
    return pages[0][0] if path == "/console" and pages else path


def refused(request: Request, error: RequestError) -> Response:
    """A page that says what was refused, in words where the code has some."""
    speech = Speech(language_of(request))
    visit: Visit | None = getattr(request.state, "visit", None)
    context = {"error": error, "visit": visit, "request_id": _id(request), "here": _asked(request)}
    return page("error.html", speech, context, error.status)


def _led_from_elsewhere(request: Request) -> bool:
    """Whether a link of another site led here: then browsers keep back a ``Strict`` cookie."""
    led = request.headers.get("Sec-Fetch-Site") == "cross-site"
    return led and request.method == "GET" and COOKIE not in request.cookies


def _bounced(request: Request) -> Response:
    """A page that goes on to the same address; as it is ours, the cookie comes along."""
    speech = Speech(language_of(request))
    return page("arrive.html", speech, {"visit": None, "here": _asked(request)})


def _to_sign_in(request: Request) -> Response:
    return to(f"/console/sign-in?next={quote(_asked(request), safe='')}")


def _asked(request: Request) -> str:
    """Where a visitor wanted to go, as a link."""
    if request.method != "GET":
        return "/console"
    query = f"?{request.url.query}" if request.url.query else ""
    return quote(request.url.path) + query


def _id(request: Request) -> str:
    found: str = request.state.request_id
    return found
