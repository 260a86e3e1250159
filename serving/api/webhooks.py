"""Events: pushed to webhooks, and pulled."""

import secrets
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from serving import problems
from serving.access import DeskHere, OnceHere, allowed
from serving.addresses import AddressError, resolve
from serving.api.views import show
from serving.outbox import DEAD, PENDING
from serving.paging import page
from serving.people import Role
from serving.refusal import UnprocessableError
from serving.rows import find_row
from serving.shapes import (
    DeliveryPage,
    DeliveryView,
    EventPage,
    EventView,
    PathId,
    QueryId,
    Replayed,
    WebhookCreated,
    WebhookList,
    WebhookRequest,
    WebhookView,
)
from serving.store.database import new_id
from serving.store.schema import deliveries, outbox, webhooks

router = APIRouter(tags=["events"])
_admin = Depends(allowed(Role.POLICY_ADMIN))
_Limit = Annotated[int, Query(ge=1, le=100)]


@router.get(
    "/v1/webhooks",
    summary="Every webhook",
    dependencies=[Depends(allowed(Role.POLICY_ADMIN, Role.AUDITOR))],
    responses=problems.responses(401, 403, 422, 429),
)
def list_webhooks(desk: DeskHere) -> WebhookList:
    """Without their secrets."""
    with desk.database.read() as connection:
        rows = connection.execute(select(webhooks).order_by(webhooks.c.webhook_id)).mappings()
        return WebhookList(webhooks=[show(WebhookView, row) for row in rows])


@router.post(
    "/v1/webhooks",
    summary="Send events to a URL",
    response_model=WebhookCreated,
    status_code=201,
    dependencies=[_admin],
    responses=problems.responses(400, 401, 403, 409, 413, 422, 429),
)
def create_webhook(body: WebhookRequest, request: Request, once: OnceHere) -> object:
    """Those from now on. Private addresses are refused unless the server allows them."""
    try:
        resolve(body.url, private_allowed=request.app.state.private_webhooks)
    except AddressError as error:
        raise UnprocessableError("address_refused", str(error), pointer="/url") from None

    def work(connection: Connection, now: datetime) -> WebhookCreated:
        created = {
            "webhook_id": new_id("hook"),
            "url": body.url,
            "kinds": [kind.value for kind in body.kinds],
            "secret": secrets.token_hex(32),
            "created_by": once.caller.user_id,
            "created_at": now,
        }
        connection.execute(insert(webhooks).values(**created))
        return show(WebhookCreated, created)

    return once.write(body, work, 201)


@router.post(
    "/v1/webhooks/{webhook_id}/remove",
    summary="Send nothing there any more",
    response_model=WebhookView,
    dependencies=[_admin],
    responses=problems.responses(401, 403, 404, 409, 422, 429),
)
def remove_webhook(webhook_id: PathId, once: OnceHere) -> object:
    """What waits for it is dropped; the events stay to be pulled."""

    def work(connection: Connection, _: datetime) -> WebhookView:
        view = show(WebhookView, _find(connection, webhook_id))
        connection.execute(delete(deliveries).where(deliveries.c.webhook_id == webhook_id))
        connection.execute(delete(webhooks).where(webhooks.c.webhook_id == webhook_id))
        return view

    return once.write(None, work, 200)


@router.get(
    "/v1/webhooks/{webhook_id}/deliveries",
    summary="How events reach a webhook",
    dependencies=[Depends(allowed(Role.POLICY_ADMIN, Role.AUDITOR))],
    responses=problems.responses(401, 403, 404, 422, 429),
)
def list_deliveries(
    webhook_id: PathId,
    desk: DeskHere,
    state: Annotated[str | None, Query(pattern="^(pending|delivered|dead)$")] = None,
    limit: _Limit = 50,
    cursor: str | None = None,
) -> DeliveryPage:
    """``dead`` ones were given up after several tries."""
    asked = select(deliveries).where(deliveries.c.webhook_id == webhook_id)
    if state is not None:
        asked = asked.where(deliveries.c.state == state)
    with desk.database.read() as connection:
        _find(connection, webhook_id)
        found = page(connection, asked, [deliveries.c.event_id], limit=limit, cursor=cursor)
    shown = [show(DeliveryView, row) for row in found.rows]
    return DeliveryPage(deliveries=shown, next_cursor=found.next_cursor)


@router.post(
    "/v1/webhooks/{webhook_id}/replay",
    summary="Try dead deliveries again",
    response_model=Replayed,
    dependencies=[_admin],
    responses=problems.responses(401, 403, 404, 409, 422, 429),
)
def replay(webhook_id: PathId, once: OnceHere) -> object:
    """All of them, from now on, with as many tries as new ones."""

    def work(connection: Connection, now: datetime) -> Replayed:
        _find(connection, webhook_id)
        done = connection.execute(
            update(deliveries)
            .where(deliveries.c.webhook_id == webhook_id, deliveries.c.state == DEAD)
            .values(state=PENDING, attempts=0, due_at=now)
        )
        return Replayed(replayed=done.rowcount)

    return once.write(None, work, 200)


@router.get(
    "/v1/events",
    summary="What was, or would have been, pushed",
    dependencies=[Depends(allowed(Role.SCORER, Role.POLICY_ADMIN, Role.AUDITOR))],
    responses=problems.responses(401, 403, 422, 429),
)
def list_events(desk: DeskHere, limit: _Limit = 100, after: QueryId | None = None) -> EventPage:
    """Oldest first, those after an event's id; ask again with the last id that you have."""
    asked = select(outbox)
    if after is not None:
        asked = asked.where(outbox.c.event_id > after)
    with desk.database.read() as connection:
        found = page(connection, asked, [outbox.c.event_id], limit=limit, cursor=None)
    shown = [show(EventView, row) for row in found.rows]
    return EventPage(events=shown, more=found.next_cursor is not None)


def _find(connection: Connection, webhook_id: str) -> RowMapping:
    return find_row(connection, webhooks, webhook_id, "webhook")
