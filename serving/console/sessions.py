"""Who is signed in: a random token in a cookie, of which the store keeps a hash.

The same token, signed in or not, stands behind the token that every form carries: a page of
another site can neither read the cookie nor make a browser send it.
"""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from sqlalchemy import Connection, delete, insert, select

from serving.access import TooManyRequestsError
from serving.people import Caller, find_user
from serving.store.schema import sessions

#: a working day; then one signs in anew
LASTS = timedelta(hours=12)
#: attempts to sign in: for a name, and from an address
_PER_NAME: tuple[RateLimitItem, ...] = (RateLimitItemPerMinute(5), RateLimitItemPerHour(30))
_PER_ADDRESS: tuple[RateLimitItem, ...] = (RateLimitItemPerMinute(30),)


class Attempts:
    """Attempts to sign in, counted by this process."""

    def __init__(self) -> None:
        """Nobody tried yet."""
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def count(self, user_id: str, address: str) -> None:
        """One more.

        Raises:
            TooManyRequestsError: there were too many for the name, or from the address.
        """
        hits = [self._limiter.hit(item, "name", user_id) for item in _PER_NAME]
        hits += [self._limiter.hit(item, "address", address) for item in _PER_ADDRESS]
        if not all(hits):
            raise TooManyRequestsError("sign_in_throttled", "too many attempts to sign in")


def new_token() -> str:
    """For a browser that has none."""
    return secrets.token_urlsafe(32)


def form_token(token: str) -> str:
    """What forms carry for a browser that holds ``token``."""
    return hmac.new(token.encode(), b"form", hashlib.sha256).hexdigest()


def begin(connection: Connection, user_id: str, now: datetime) -> str:
    """Sign somebody in whose password fits: the new session's token.

    Sessions that are over are forgotten.
    """
    connection.execute(delete(sessions).where(sessions.c.expires_at <= now))
    token = new_token()
    connection.execute(
        insert(sessions).values(
            token_sha256=_sha256(token), user_id=user_id, expires_at=now + LASTS
        )
    )
    return token


def find(connection: Connection, token: str, now: datetime) -> Caller | None:
    """Who holds a session; None if it is over, or its user was disabled."""
    user_id = connection.scalar(
        select(sessions.c.user_id).where(
            sessions.c.token_sha256 == _sha256(token), sessions.c.expires_at > now
        )
    )
    return find_user(connection, user_id, "session") if user_id else None


def end(connection: Connection, token: str) -> None:
    """Sign out."""
    connection.execute(delete(sessions).where(sessions.c.token_sha256 == _sha256(token)))


def _sha256(token: str) -> str:
    """Enough for a random token of 256 bits."""
    return hashlib.sha256(token.encode()).hexdigest()
