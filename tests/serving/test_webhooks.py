"""Events reach a webhook at least once, signed, and never a machine they must not."""

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from sqlalchemy import select, update

from serving.addresses import AddressError, resolve
from serving.app import Settings
from serving.delivery import BACKOFF_SECONDS, Courier
from serving.desk import Desk
from serving.outbox import Kind, announce
from serving.people import Role
from serving.store.schema import deliveries
from tests.serving.conftest import add_user, serving


class Receiver:
    """A web server that keeps what it gets and answers as it is told."""

    def __init__(self) -> None:
        """On a port of its own."""
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.status = 200
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.got.append((dict(self.headers), body))
                self.send_response(outer.status)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Running."""
    found = Receiver()
    yield found
    found.server.shutdown()
    found.server.server_close()


def subscribed(desk: Desk, url: str, *kinds: Kind) -> dict[str, Any]:
    """A webhook, made over HTTP."""
    admin = add_user(desk, "admin", Role.POLICY_ADMIN)
    with serving(desk, Settings(private_webhooks=True)) as client:
        made = client.post("/v1/webhooks", json={"url": url, "kinds": kinds}, headers=admin)
    assert made.status_code == 201, made.text
    body: dict[str, Any] = made.json()
    return body


def tell(desk: Desk, kind: Kind) -> None:
    """Something happens to u1."""
    with desk.database.write() as connection:
        announce(connection, kind, datetime.now(UTC), "u1", decision_id="d1")


def states(desk: Desk) -> list[tuple[str, int]]:
    """State and attempts of every delivery."""
    with desk.database.read() as connection:
        rows = connection.execute(select(deliveries.c.state, deliveries.c.attempts))
        return [(row.state, row.attempts) for row in rows]


def test_an_event_arrives_signed_and_once(desk: Desk, receiver: Receiver) -> None:
    """Only what was asked for; the signature is over time and raw body."""
    hook = subscribed(desk, receiver.url, Kind.SANCTION_DUE)
    tell(desk, Kind.SANCTION_DUE)
    tell(desk, Kind.APPEAL_DECIDED)
    couriers = [Courier(desk.database, private_allowed=True) for _ in "ab"]
    assert [courier.deliver_next() for courier in couriers] == [True, False]
    ((headers, body),) = receiver.got
    assert json.loads(body)["data"] == {"account_id": "u1", "decision_id": "d1"}
    seconds, mac = (part.split("=")[1] for part in headers["X-Signature"].split(","))
    signed = f"{seconds}.".encode() + body
    expected = hmac.new(hook["secret"].encode(), signed, hashlib.sha256).hexdigest()
    assert mac == expected
    assert states(desk) == [("delivered", 1)]


def test_what_fails_is_tried_again_until_it_is_given_up_and_replayed(
    desk: Desk, receiver: Receiver
) -> None:
    """Later and later; then dead; then, asked for, once more."""
    hook = subscribed(desk, receiver.url, Kind.SANCTION_DUE)
    receiver.status = 500
    tell(desk, Kind.SANCTION_DUE)
    courier = Courier(desk.database, private_allowed=True)
    for tried in range(1, len(BACKOFF_SECONDS) + 2):
        assert courier.deliver_next()
        assert not courier.deliver_next(), "it waits"
        assert states(desk)[0][1] == tried
        with desk.database.write() as connection:
            past = datetime.now(UTC) - timedelta(seconds=1)
            connection.execute(update(deliveries).values(due_at=past))
    assert not courier.deliver_next()
    assert states(desk)[0][0] == "dead"
    receiver.status = 204
    admin = add_user(desk, "ben", Role.POLICY_ADMIN)
    path = f"/v1/webhooks/{hook['webhook_id']}"
    with serving(desk, Settings(private_webhooks=True)) as client:
        (dead,) = client.get(f"{path}/deliveries?state=dead", headers=admin).json()["deliveries"]
        assert "500" in dead["error"]
        assert client.post(f"{path}/replay", headers=admin).json() == {"replayed": 1}
        courier.deliver_next()
    assert states(desk)[0][0] == "delivered"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/x",
        "http://localhost:9/x",
        "http://[::1]/x",
        "http://10.0.0.1/x",
        "http://169.254.169.254/latest",
        "http://0.0.0.0/x",
        "http://2130706433/x",
        "http://[::ffff:127.0.0.1]/x",
    ],
)
def test_private_addresses_are_refused(url: str) -> None:
    """However they are written."""
    with pytest.raises(AddressError):
        resolve(url, private_allowed=False)


def test_a_webhook_to_a_private_address_is_not_made(desk: Desk, receiver: Receiver) -> None:
    """Nor delivered to, should the server be started without that permission later."""
    admin = add_user(desk, "ben", Role.POLICY_ADMIN)
    body = {"url": receiver.url, "kinds": ["sanction.due"]}
    with serving(desk) as client:
        refused = client.post("/v1/webhooks", json=body, headers=admin).json()
    assert (refused["status"], refused["pointer"]) == (422, "/url")
    subscribed(desk, receiver.url, Kind.SANCTION_DUE)
    tell(desk, Kind.SANCTION_DUE)
    Courier(desk.database, private_allowed=False).deliver_next()
    assert receiver.got == []
    assert states(desk) == [("pending", 1)]
