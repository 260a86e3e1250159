"""Who asks, whether they may, and how often: dependencies of every route under ``/v1``."""

import time
from collections.abc import Callable
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Header, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from serving.desk import Desk, Once
from serving.people import LOCAL, PREFIX, Caller, Role, find_caller, find_user, has_users, require
from serving.refusal import RequestError

if TYPE_CHECKING:
    from serving.oidc import OidcVerifier

_bearer = HTTPBearer(auto_error=False, description="A key: `mingbian keys issue USER`.")
_Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
_IdempotencyKey = Annotated[
    str | None,
    Header(description="Carry a request out once, however often it is sent in 24 hours."),
]


class UnauthorizedError(RequestError):
    """No key, or one that does not work."""

    status = 401
    headers = MappingProxyType({"WWW-Authenticate": "Bearer"})


class TooManyRequestsError(RequestError):
    """A key asked more often than it may."""

    status = 429
    headers = MappingProxyType({"Retry-After": "5"})


class RateLimits:
    """Requests of each key in the last minute, counted by this process."""

    def __init__(self) -> None:
        """Nobody asked yet."""
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def count(self, caller: Caller) -> dict[str, str]:
        """One more request; the headers that tell how many are left.

        Raises:
            TooManyRequestsError: none was left.
        """
        if caller.key_id is None:
            return {}
        item = RateLimitItemPerMinute(caller.per_minute)
        within = self._limiter.hit(item, caller.key_id)
        reset, remaining = self._limiter.get_window_stats(item, caller.key_id)
        if not within:
            raise TooManyRequestsError(
                "rate_limited", f"the key may ask {caller.per_minute} times a minute"
            )
        return {
            "RateLimit-Limit": str(caller.per_minute),
            "RateLimit-Remaining": str(remaining),
            "RateLimit-Reset": str(max(0, round(reset - time.time()))),
        }


def get_desk(request: Request) -> Desk:
    """The server's engine and store."""
    desk: Desk = request.app.state.desk
    return desk


DeskHere = Annotated[Desk, Depends(get_desk)]


def get_caller(request: Request, desk: DeskHere, credentials: _Credentials) -> Caller:
    """Who asks; on a server without users, whoever is on this machine.

    Raises:
        UnauthorizedError: there is no key that works.
        TooManyRequestsError: the key asked too often.
    """
    token = credentials.credentials if credentials else ""
    verifier: OidcVerifier | None = request.app.state.oidc
    vouched = verifier.user_id(token) if verifier and _is_foreign(token) else None
    with desk.database.read() as connection:
        if vouched is not None:
            caller = find_user(connection, vouched, "oidc")
        elif token:
            caller = find_caller(connection, token)
        else:
            caller = None if has_users(connection) else LOCAL
    if caller is None:
        raise UnauthorizedError(
            "key_missing" if credentials is None else "key_invalid",
            "a key is needed" if credentials is None else "the key is unknown, revoked or expired",
            remedy="send Authorization: Bearer KEY",
        )
    limits: RateLimits = request.app.state.limits
    request.state.headers = limits.count(caller)
    return caller


def _is_foreign(token: str) -> bool:
    return bool(token) and not token.startswith(PREFIX)


def allowed(*roles: Role) -> Callable[..., Caller]:
    """A dependency: the caller, who has one of these roles."""

    def check(caller: Annotated[Caller, Depends(get_caller)]) -> Caller:
        require(caller, roles)
        return caller

    return check


def get_once(
    request: Request,
    desk: DeskHere,
    caller: Annotated[Caller, Depends(get_caller)],
    idempotency_key: _IdempotencyKey = None,
) -> Once:
    """How a route that writes does so."""
    target = f"{request.method} {request.url.path}"
    return Once(desk.database, caller, target, idempotency_key)


OnceHere = Annotated[Once, Depends(get_once)]
