"""One's own keys."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from sqlalchemy import Connection

from serving import people, problems
from serving.access import DeskHere, OnceHere, get_caller
from serving.api.views import show
from serving.people import Caller, Role
from serving.refusal import ForbiddenError, NotFoundError, RequestError, UnprocessableError
from serving.shapes import KeyCreated, KeyList, KeyRequest, KeyView, PathId

router = APIRouter(tags=["keys"])
_Anyone = Annotated[Caller, Depends(get_caller)]


@router.get(
    "/v1/keys",
    summary="One's own keys; for a policy admin, all",
    responses=problems.responses(401, 422, 429),
)
def list_keys(desk: DeskHere, caller: _Anyone) -> KeyList:
    """Without their secrets."""
    with desk.database.read() as connection:
        rows = people.keys_of(connection, None if _sees_all(caller) else caller.user_id)
    return KeyList(keys=[show(KeyView, row) for row in rows])


@router.post(
    "/v1/keys",
    summary="A further key for oneself",
    response_model=KeyCreated,
    status_code=201,
    responses=problems.responses(400, 401, 403, 409, 413, 422, 429),
)
def issue(body: KeyRequest, once: OnceHere) -> object:
    """Of at most the roles of the key that asks: no key can make a wider one."""
    caller = once.caller
    if caller.key_id is None:
        raise ForbiddenError(
            "no_users", "this server has no users yet", remedy="mingbian users add NAME --role ROLE"
        )
    beyond = sorted(set(body.roles) - caller.roles)
    if beyond:
        raise UnprocessableError(
            "scope_too_wide", f"the key that asks has not the roles {beyond}", pointer="/roles"
        )
    if once.key is not None:
        raise UnprocessableError(
            "idempotency_key_refused",
            "a secret is told once, and an answer given again would not be",
        )

    def work(connection: Connection, _: datetime) -> KeyCreated:
        key_id, secret = people.issue_key(
            connection, caller.user_id, body.roles, expires_at=body.expires_at
        )
        return KeyCreated(key_id=key_id, secret=secret)

    return once.write(body, work, 201)


@router.post(
    "/v1/keys/{key_id}/revoke",
    summary="A key stops working with the next request",
    response_model=KeyView,
    responses=problems.responses(401, 404, 409, 422, 429),
)
def revoke(key_id: PathId, once: OnceHere) -> object:
    """One's own; for a policy admin, anybody's."""

    def work(connection: Connection, _: datetime) -> KeyView:
        seen = None if _sees_all(once.caller) else once.caller.user_id
        mine = {row["key_id"]: row for row in people.keys_of(connection, seen)}
        if key_id not in mine:
            raise NotFoundError("key", key_id)
        if mine[key_id]["revoked_at"]:
            raise RequestError("key_revoked", f"key {key_id!r} was revoked before")
        people.revoke_key(connection, key_id)
        return next(
            show(KeyView, row)
            for row in people.keys_of(connection, seen)
            if row["key_id"] == key_id
        )

    return once.write(None, work, 200)


def _sees_all(caller: Caller) -> bool:
    return Role.POLICY_ADMIN in caller.roles
