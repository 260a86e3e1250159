"""Shows that nothing acknowledged is lost or done twice: kill -9, races, two servers on one store.

python benchmarks/chaos.py [--kills N] [--races N] [--mutes N] [--seed N]

Prints the figures; exits with 1 if one falls short. PostgreSQL comes from ``pgserver``.
"""

import argparse
import hmac
import json
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import select, update

from serving import people
from serving.delivery import signature
from serving.outbox import PENDING, Kind
from serving.people import Role
from serving.sanctions import SanctionState
from serving.store.database import Database
from serving.store.schema import bodies, deliveries, log, sanctions
from tests.conftest import FAKE_DOCTOR

MINGBIAN = str(Path(sys.executable).with_name("mingbian"))
WORKERS = 4
STAFF = {
    "platform": Role.SCORER,
    "users": Role.REPORTER,
    "amy": Role.MODERATOR,
    "ben": Role.MODERATOR,
    "cat": Role.SENIOR,
    "admin": Role.POLICY_ADMIN,
}
_SEED = 20250729
#: seconds of load before a kill
_MOMENTS = (0.2, 1.5)
#: kills that may meet no request in flight, beside as many as are planned
_SPARE_KILLS = 3
_START_SECONDS = 60.0
#: a delivery that a dead server had leased is free after one minute
_DELIVER_SECONDS = 90.0
#: servers look every second; what one of them did again would have come by then
_CALM_SECONDS = 1.5
_BETWEEN_MUTES = 0.2
_UNLIMITED = 100_000_000
_FOUND = {
    "clauses": ["4.3"],
    "claim_status": "false",
    "evidence": ["《中国高血压防治指南》：降压药不可自行停用"],
    "sentence": "三个疗程停掉降压药",
}


@dataclass(frozen=True, slots=True)
class Plan:
    """How much of everything. ``hurry``: the leases of a dead server are over at once."""

    kills: int = 25
    races: int = 1_000
    mutes: int = 20
    seed: int = _SEED
    hurry: bool = False


def main() -> None:
    """Run all of it on both stores."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("kills", "races", "mutes", "seed"):
        parser.add_argument(f"--{name}", type=int, default=getattr(Plan(), name))
    plan = Plan(**vars(parser.parse_args()))
    with tempfile.TemporaryDirectory() as folder, _postgres() as postgres:
        stores = (f"sqlite:///{folder}/store.db", postgres)
        faults = [fault for store in stores for fault in trial(store, plan)]
    print("chaos:", f"FAILED: {len(faults)} faults" if faults else "all of it holds")
    sys.exit(bool(faults))


def trial(store: str, plan: Plan) -> list[str]:
    """Run all of it on an empty store and print the figures; what does not hold."""
    http = httpx.Client(timeout=_START_SECONDS)
    with http, _receiver() as receiver, _servers(store) as servers:
        keys = _staff(store)
        for server in servers:
            server.wait()
        clients = [Client(servers[0], keys, http) for _ in range(WORKERS)]
        pair = (clients[0], Client(servers[-1], keys, http))
        wanted = {"url": receiver.url, "kinds": list(Kind)}
        receiver.secret = pair[0].write("admin", "/v1/webhooks", wanted, 201)["secret"]
        told, faults = storm(servers[0], clients, plan)
        faults += race(pair, plan.races)
        if len(servers) > 1:
            faults += twins(pair, receiver, told, plan.mutes)
        faults += audit(pair[0], receiver, told)
    for fault in faults:
        print(f"  FAULT: {fault}")
    return faults


class Server:
    """``mingbian serve`` as a process that can be killed; it comes back at another address."""

    def __init__(self, store: str, models: str) -> None:
        """Start, with the folder of models; ``up`` is set while it answers."""
        self.store, self._models = store, models
        self.up = threading.Event()
        self.start()

    def start(self) -> None:
        """Begin."""
        where = ["--store", self.store, "--models", self._models]
        self._process = subprocess.Popen(
            [MINGBIAN, "serve", "--port", "0", "--private-webhooks", *where],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
        )

    def wait(self) -> None:
        """Until it listens."""
        found = self._process.stdout and re.search(r"http://\S+", self._process.stdout.readline())
        if not found:
            raise RuntimeError(f"the server on {self.store} does not start")
        self.address = found.group()
        self.up.set()

    def kill(self) -> None:
        """SIGKILL: no handler runs, nothing is closed in order."""
        self.up.clear()
        self._process.kill()
        self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()


class Client:
    """Asks for everybody; a write is sent again, with its key, until the server answers it.

    ``died`` counts requests that a kill left without an answer, ``replayed`` writes among them
    that had been carried out all the same, so that their answer came from the store.
    """

    def __init__(self, server: Server, keys: Mapping[str, str], http: httpx.Client) -> None:
        """One for a thread."""
        self.server = server
        self.writes = self.died = self.replayed = 0
        self._keys, self._http = keys, http

    def post(self, who: str, path: str, body: object = None) -> httpx.Response:
        """Write once, whatever happens to the server meanwhile."""
        answer = self._ask("POST", who, path, json=body, key=uuid.uuid4().hex)
        self.writes += 1
        self.replayed += "Idempotent-Replayed" in answer.headers
        return answer

    def write(self, who: str, path: str, body: object = None, status: int = 200) -> Any:
        """What is answered to a write that must succeed."""
        return _content(self.post(who, path, body), status)

    def read(self, who: str, path: str, **params: str) -> Any:
        """What is answered."""
        return _content(self._ask("GET", who, path, params=params), 200)

    def pages(self, who: str, name: str, **params: str) -> Iterator[dict[str, Any]]:
        """Every row of a list."""
        cursor: dict[str, str] = {}
        while True:
            page = self.read(who, f"/v1/{name}", limit="100", **params, **cursor)
            yield from page[name]
            if page["next_cursor"] is None:
                return
            cursor = {"cursor": page["next_cursor"]}

    def events(self, after: str = "") -> list[dict[str, Any]]:
        """Every event after one."""
        found: list[dict[str, Any]] = []
        more = True
        while more:
            begin = {"after": after} if after else {}
            page = self.read("platform", "/v1/events", **begin)
            found += page["events"]
            more = page["more"]
            after = found[-1]["event_id"] if found else after
        return found

    def case_of(self, decision_id: str, kind: str) -> str:
        """The case that waits on a decision."""
        waiting = self.pages("amy", "cases", kind=kind)
        return next(str(c["case_id"]) for c in waiting if c["decision_id"] == decision_id)

    def _ask(self, method: str, who: str, path: str, key: str = "", **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._keys[who]}"}
        if key:
            headers["Idempotency-Key"] = key
        end = time.monotonic() + _START_SECONDS
        while self.server.up.wait(_START_SECONDS) and time.monotonic() < end:
            url = f"{self.server.address}{path}"
            try:
                answer = self._http.request(method, url, headers=headers, **more)
            except httpx.TransportError:
                self.died += 1
                continue
            if answer.status_code != HTTPStatus.SERVICE_UNAVAILABLE:
                return answer
            time.sleep(0.05)
        raise RuntimeError(f"{method} {path} is not answered")


class Receiver(ThreadingHTTPServer):
    """Takes webhooks in: how often each event came, and what its signature does not fit."""

    daemon_threads = True
    secret = ""

    def __init__(self) -> None:
        """On a port of its own."""
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}/hook"
        self.times: Counter[str] = Counter()
        self.forged: list[str] = []

    def take(self, body: bytes, signed: str) -> None:
        """One delivery."""
        seconds = re.match(r"t=(\d+),", signed)
        at = datetime.fromtimestamp(int(seconds.group(1)) if seconds else 0, UTC)
        event_id = json.loads(body)["event_id"]
        if not hmac.compare_digest(signed, signature(self.secret, body, at)):
            self.forged.append(event_id)
        self.times[event_id] += 1

    def await_all(self, events: Sequence[Mapping[str, Any]]) -> None:
        """Wait for events, as long as they may take."""
        ids = {event["event_id"] for event in events}
        _wait(lambda: ids <= self.times.keys(), _DELIVER_SECONDS)


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        """Take in what came whole; a sender that dies says less than it announced."""
        length = int(self.headers["Content-Length"])
        body = self.rfile.read(length)
        if len(body) == length and isinstance(self.server, Receiver):
            self.server.take(body, self.headers["X-Signature"])
            self.send_response(HTTPStatus.NO_CONTENT)
            self.end_headers()

    def handle(self) -> None:
        """A sender that is dead before the answer is no fault here."""
        try:
            super().handle()
        except ConnectionError:
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@dataclass(frozen=True, slots=True)
class Told:
    """What the server acknowledged, by decision: the post, the step, the moment; by appeal."""

    scored: dict[str, str] = field(default_factory=dict)
    decided: dict[str, str] = field(default_factory=dict)
    applied: dict[str, str] = field(default_factory=dict)
    answered: dict[str, str] = field(default_factory=dict)


def storm(server: Server, clients: Sequence[Client], plan: Plan) -> tuple[Told, list[str]]:
    """Kill the server again and again while all write; what it had told, and faults."""
    told, stop, begun = Told(), threading.Event(), time.monotonic()
    with ThreadPoolExecutor(len(clients)) as pool:
        working = [
            pool.submit(_work, client, f"w{number}", told, stop)
            for number, client in enumerate(clients)
        ]
        try:
            kills, hits = _kill(server, clients, plan)
        finally:
            stop.set()
    for each in working:
        each.result()
    print(
        f"{_kind(server.store)}: {kills} kills in {time.monotonic() - begun:.0f} s under "
        f"{len(clients)} clients, {hits} of them while requests were in flight; "
        f"{sum(client.writes for client in clients)} writes acknowledged, "
        f"{_died(clients)} requests died with the server, of which "
        f"{sum(client.replayed for client in clients)} had been carried out"
    )
    return told, [] if hits == plan.kills else [f"only {hits} kills met requests in flight"]


def race(clients: Sequence[Client], times: int) -> list[str]:
    """Two reviewers claim a case at once, each on a client's server, again and again; faults."""
    decision_id = _score(clients[0], "race", ["race"])[0]
    path = f"/v1/cases/{clients[0].case_of(decision_id, 'review')}"
    gate = threading.Barrier(len(clients), timeout=_START_SECONDS)

    def claims(client: Client, who: str) -> list[str]:
        found = []
        for _ in range(times):
            gate.wait()
            answer = client.post(who, f"{path}/claim")
            gate.wait()
            found.append(answer.json().get("code", "won"))
            if answer.is_success:
                client.write(who, f"{path}/release")
        return found

    with ThreadPoolExecutor(len(clients)) as pool:
        amy, ben = pool.map(claims, clients, ("amy", "ben"))
    outcomes = Counter(zip(amy, ben, strict=True))
    wins = (outcomes["won", "case_claimed"], outcomes["case_claimed", "won"])
    print(f"{_kind(clients[0].server.store)}: {times} races for a case, won by {wins[0]}:{wins[1]}")
    return [] if sum(wins) == times else [f"races for a case ended as {dict(outcomes)}"]


def twins(clients: Sequence[Client], receiver: Receiver, told: Told, mutes: int) -> list[str]:
    """Mutes end while two servers run on the store; whatever did not happen exactly once."""
    last = clients[0].events()[-1]["event_id"]

    def mute(number: int) -> str:
        return _sanctioned(clients[number % 2], f"mute{number}", told)[1]

    with ThreadPoolExecutor(2) as pool:
        muted = list(pool.map(mute, range(mutes)))
    for decision_id in muted:
        _let_end(clients[0].server.store, decision_id)
        time.sleep(_BETWEEN_MUTES)

    def ends() -> Counter[str]:
        expired = [e for e in clients[1].events(last) if e["kind"] == Kind.SANCTION_EXPIRED]
        return Counter(event["data"]["decision_id"] for event in expired)

    _wait(lambda: len(ends()) == mutes, _DELIVER_SECONDS)
    receiver.await_all(clients[0].events(last))
    time.sleep(_CALM_SECONDS)
    found = ends()
    times = {e["event_id"]: receiver.times[e["event_id"]] for e in clients[0].events(last)}
    print(
        f"{_kind(clients[0].server.store)}: two servers, {len(muted)} mutes ended, {len(times)} "
        f"events delivered {dict(Counter(times.values()))} times"
    )
    return [
        *(f"mute {i} ended {found[i]} times" for i in muted if found[i] != 1),
        *(f"event {i} was delivered {n} times" for i, n in times.items() if n != 1),
    ]


def audit(client: Client, receiver: Receiver, told: Told) -> list[str]:
    """What was lost, what happened twice, what was not delivered, what does not verify."""
    events = client.events()
    faults = [*_lost(client, told), *_twice(client, events)]
    receiver.await_all(events)
    missing = {event["event_id"] for event in events} - receiver.times.keys()
    faults += [f"event {event_id} was not delivered" for event_id in missing]
    faults += [f"event {event_id} is not signed as it should be" for event_id in receiver.forged]
    done = subprocess.run(
        [MINGBIAN, "store", "verify", "--store", client.server.store],
        capture_output=True,
        text=True,
        check=False,
    )
    faults += [f"store verify: {done.stderr}"] if done.returncode else []
    print(
        f"{_kind(client.server.store)}: {len(told.scored)} decisions, {len(told.decided)} decided, "
        f"{len(told.applied)} sanctions applied, {len(told.answered)} appeals answered and "
        f"looked for again; {len(events)} events in {receiver.times.total()} deliveries; "
        f"verify: {done.stdout.strip()}; {len(faults)} faults"
    )
    return faults


def _kill(server: Server, clients: Sequence[Client], plan: Plan) -> tuple[int, int]:
    """Kill until as many kills as planned met requests in flight; all kills, and those."""
    rng = random.Random(plan.seed)
    kills = hits = 0
    while hits < plan.kills and kills < 2 * plan.kills + _SPARE_KILLS:
        time.sleep(rng.uniform(*_MOMENTS))
        before = _died(clients)
        server.kill()
        if plan.hurry:
            _end_leases(server.store)
        server.start()
        server.wait()
        kills += 1
        hits += _died(clients) > before
    return kills, hits


def _died(clients: Sequence[Client]) -> int:
    return sum(client.died for client in clients)


def _work(client: Client, name: str, told: Told, stop: threading.Event) -> None:
    """One account after another, each from its scores to an appeal that is answered."""
    number = 0
    while not stop.is_set():
        number += 1
        account = f"{name}.{number}"
        warned, _ = _sanctioned(client, account, told)
        _appeal(client, account, warned, told, overturned=number % 2 == 0)


def _sanctioned(client: Client, account: str, told: Told) -> list[str]:
    """A warning and the mute that follows it, both applied; their decisions."""
    names = [f"{account}.{number}" for number in range(2)]
    found = _score(client, account, names)
    told.scored.update(zip(found, names, strict=True))
    for decision_id, step in zip(found, ("warning", "short_mute"), strict=True):
        case = f"/v1/cases/{client.case_of(decision_id, 'review')}"
        verdict = {"verdict": "decide", "findings": _FOUND, "step": step, "reasons": "见指南"}
        client.write("amy", f"{case}/claim")
        client.write("amy", f"{case}/decide", verdict)
        told.decided[decision_id] = step
        applied = client.write("platform", f"/v1/sanctions/{decision_id}/applied")
        told.applied[decision_id] = applied["applied_at"]
    return found


def _score(client: Client, account: str, names: Sequence[str]) -> list[str]:
    """Decisions on posts of these names, all by one account."""
    author = {**FAKE_DOCTOR["author"], "account_id": account}
    items = [{**FAKE_DOCTOR, "data_id": name, "author": author} for name in names]
    results = client.write("platform", "/v1/score", {"items": items})["results"]
    return [str(result["decision_id"]) for result in results]


def _appeal(
    client: Client, account: str, decision_id: str, told: Told, *, overturned: bool
) -> None:
    body = {"decision_id": decision_id, "account_id": account, "statement": "我是有证医师"}
    appeal_id = client.write("users", "/v1/appeals", body, HTTPStatus.CREATED)["appeal_id"]
    case = f"/v1/cases/{client.case_of(decision_id, 'appeal')}"
    client.write("cat", f"{case}/claim")
    verdict = {"verdict": "overturn" if overturned else "uphold", "reasons": "已核对执业证书"}
    client.write("cat", f"{case}/decide", verdict)
    told.answered[appeal_id] = "overturned" if overturned else "upheld"


def _lost(client: Client, told: Told) -> Iterator[str]:
    """Whatever was acknowledged and is not as it was told."""
    found = {row["decision_id"]: row for row in client.pages("amy", "decisions")}
    closed = {row["decision_id"] for row in client.pages("amy", "cases", state="closed")}
    kept = {
        row["decision_id"]: row["applied_at"]
        for state in SanctionState
        for row in client.pages("platform", "sanctions", state=state.value)
    }
    for decision_id, data_id in told.scored.items():
        if found.get(decision_id, {}).get("data_id") != data_id:
            yield f"decision {decision_id} on {data_id} is lost"
    for decision_id, step in told.decided.items():
        if decision_id not in closed or found.get(decision_id, {}).get("step") != step:
            yield f"{step} of {decision_id} is lost"
    for decision_id, at in told.applied.items():
        if kept.get(decision_id) != at:
            yield f"sanction {decision_id}, applied at {at}, says {kept.get(decision_id)}"
    for appeal_id, outcome in told.answered.items():
        if client.read("users", f"/v1/appeals/{appeal_id}")["outcome"] != outcome:
            yield f"answer to {appeal_id} is lost"


def _twice(client: Client, events: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Whatever happened more than once: decisions by post, entries and events by decision."""
    seen: Counter[tuple[str, str]] = Counter()
    seen.update(("decision", row["data_id"]) for row in client.pages("amy", "decisions"))
    seen.update((event["kind"], event["data"]["decision_id"]) for event in events)
    with _database(client.server.store) as database, database.read() as connection:
        entries = select(log.c.kind, bodies.c.body).join_from(log, bodies)
        for kind, text in connection.execute(entries.where(bodies.c.account_id.is_not(None))):
            body = json.loads(text)
            seen[f"log {kind}", body.get("decision_id") or body["data_id"]] += 1
    yield from (f"{kind} {about}: {n} times" for (kind, about), n in seen.items() if n > 1)


def _staff(store: str) -> dict[str, str]:
    """A user of each role; their keys, which no rate limits."""
    keys = {}
    with _database(store) as database:
        database.migrate()
        with database.write() as connection:
            for name, role in STAFF.items():
                people.add_user(connection, name, [role])
                _, keys[name] = people.issue_key(connection, name, [role], per_minute=_UNLIMITED)
    return keys


def _end_leases(store: str) -> None:
    """As if a minute had passed: what a dead server had leased is due."""
    with _database(store) as database, database.write() as connection:
        waiting = update(deliveries).where(deliveries.c.state == PENDING)
        connection.execute(waiting.values(due_at=datetime.now(UTC)))


def _let_end(store: str, decision_id: str) -> None:
    """As if the days of a mute had passed."""
    until = datetime.now(UTC) - timedelta(seconds=1)
    with _database(store) as database, database.write() as connection:
        mine = update(sanctions).where(sanctions.c.decision_id == decision_id)
        connection.execute(mine.values(until=until))


@contextmanager
def _database(store: str) -> Iterator[Database]:
    database = Database(store)
    yield database
    database.close()


@contextmanager
def _servers(store: str) -> Iterator[list[Server]]:
    """One on SQLite, two on PostgreSQL, which are still starting."""
    with tempfile.TemporaryDirectory() as models:
        servers = [Server(store, models) for _ in range(1 if _kind(store) == "sqlite" else 2)]
        try:
            yield servers
        finally:
            for server in servers:
                server.kill()


@contextmanager
def _receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        thread = threading.Thread(target=receiver.serve_forever)
        thread.start()
        try:
            yield receiver
        finally:
            receiver.shutdown()
            thread.join()


@contextmanager
def _postgres() -> Iterator[str]:
    """An empty PostgreSQL; its URL."""
    import pgserver  # noqa: PLC0415  not on every Python

    with tempfile.TemporaryDirectory() as folder:
        server = pgserver.get_server(folder)
        try:
            yield str(server.get_uri())
        finally:
            server.cleanup()


def _content(answer: httpx.Response, status: int) -> Any:
    if answer.status_code != status:
        raise RuntimeError(f"{answer.request.url}: {answer.status_code} {answer.text}")
    return answer.json()


def _wait(until: Callable[[], bool], seconds: float) -> None:
    """Wait for something, at most so long."""
    end = time.monotonic() + seconds
    while not until() and time.monotonic() < end:
        time.sleep(0.1)


def _kind(store: str) -> str:
    return store.partition(":")[0]


if __name__ == "__main__":
    main()
