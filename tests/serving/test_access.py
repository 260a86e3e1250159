"""Who may do what, with which key, and how often."""

import base64
import itertools
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from classifiers.bundle import default_model_folder
from classifiers.cache import ScoreCache
from classifiers.scorer import load_scorer
from serving import people
from serving.app import Settings, create_app
from serving.desk import Desk
from serving.people import Role
from tests.conftest import FAKE_DOCTOR, make_post
from tests.serving.conftest import Headers, add_user, serving

SCORER, REPORTER, MODERATOR, SENIOR, ADMIN, AUDITOR = Role
REVIEWERS = {MODERATOR, SENIOR}
EVERYONE = set(Role)

#: written down apart from the routes, so that a route that opens by mistake is told
MAY: dict[tuple[str, str], set[Role]] = {
    ("POST", "/v1/score"): {SCORER},
    ("POST", "/v1/precheck"): {SCORER},
    ("GET", "/v1/shadow"): {ADMIN, AUDITOR},
    ("GET", "/v1/cases"): {*REVIEWERS, AUDITOR},
    ("GET", "/v1/cases/{case_id}"): {*REVIEWERS, AUDITOR},
    ("POST", "/v1/cases/{case_id}/claim"): REVIEWERS,
    ("POST", "/v1/cases/{case_id}/release"): REVIEWERS,
    ("POST", "/v1/cases/{case_id}/decide"): REVIEWERS,
    ("GET", "/v1/posts/{data_id}/decisions"): {SCORER, *REVIEWERS, AUDITOR},
    ("GET", "/v1/decisions"): {*REVIEWERS, AUDITOR},
    ("GET", "/v1/decisions/{decision_id}"): {*REVIEWERS, AUDITOR},
    ("GET", "/v1/accounts/{account_id}/record"): {*REVIEWERS, AUDITOR},
    ("POST", "/v1/accounts/{account_id}/history"): {SCORER},
    ("GET", "/v1/accounts/{account_id}/inbox"): {REPORTER, SENIOR, AUDITOR},
    ("POST", "/v1/reports"): {REPORTER},
    ("GET", "/v1/reporters/{reporter_id}/inbox"): {REPORTER, AUDITOR},
    ("POST", "/v1/appeals"): {REPORTER},
    ("GET", "/v1/appeals/{appeal_id}"): {REPORTER, *REVIEWERS, AUDITOR},
    ("GET", "/v1/sanctions"): {SCORER, *REVIEWERS, AUDITOR},
    ("POST", "/v1/sanctions/{decision_id}/applied"): {SCORER},
    ("POST", "/v1/sanctions/{decision_id}/failed"): {SCORER},
    ("GET", "/v1/policies"): {ADMIN, *REVIEWERS, AUDITOR},
    ("POST", "/v1/policies"): {ADMIN},
    ("POST", "/v1/policies/{sha256}/activate"): {ADMIN},
    ("GET", "/v1/models"): {ADMIN, *REVIEWERS, AUDITOR},
    ("GET", "/v1/models/{sha256}"): {ADMIN, *REVIEWERS, AUDITOR},
    ("POST", "/v1/models/{sha256}/release"): {ADMIN},
    ("POST", "/v1/models/rollback"): {ADMIN},
    ("GET", "/v1/webhooks"): {ADMIN, AUDITOR},
    ("POST", "/v1/webhooks"): {ADMIN},
    ("POST", "/v1/webhooks/{webhook_id}/remove"): {ADMIN},
    ("GET", "/v1/webhooks/{webhook_id}/deliveries"): {ADMIN, AUDITOR},
    ("POST", "/v1/webhooks/{webhook_id}/replay"): {ADMIN},
    ("GET", "/v1/events"): {SCORER, ADMIN, AUDITOR},
    ("GET", "/v1/keys"): EVERYONE,
    ("POST", "/v1/keys"): EVERYONE,
    ("POST", "/v1/keys/{key_id}/revoke"): EVERYONE,
    ("GET", "/metrics"): {SCORER, AUDITOR},
}
#: enough of a body to pass validation, so that only the role can refuse
BODIES: dict[str, Any] = {
    "/v1/score": {"items": []},
    "/v1/precheck": {"items": []},
    "/v1/cases/{case_id}/decide": {"verdict": "confirm", "reasons": "同意"},
    "/v1/accounts/{account_id}/history": {"items": []},
    "/v1/reports": {"reporter_id": "r", "data_id": "p", "reason": "假"},
    "/v1/appeals": {"decision_id": "d", "account_id": "a", "statement": "不"},
    "/v1/sanctions/{decision_id}/failed": {"reason": "查无此人"},
    "/v1/policies": {"source": "id: x"},
    "/v1/models/{sha256}/release": {"stage": "shadow", "reason": "试"},
    "/v1/models/rollback": {"reason": "退"},
    "/v1/webhooks": {"url": "https://127.0.0.1/", "kinds": ["sanction.due"]},
    "/v1/keys": {"roles": ["auditor"]},
}


@pytest.fixture
def client(local_desk: Desk) -> Iterator[TestClient]:
    """A server with a user of each role, ``scorer`` and so on."""
    with serving(local_desk) as client:
        yield client


@pytest.fixture
def keys(local_desk: Desk) -> dict[Role, Headers]:
    """A key of each."""
    return {role: add_user(local_desk, role.value, role) for role in Role}


def test_every_route_and_every_role(client: TestClient, keys: dict[Role, Headers]) -> None:
    """403 for those who may not, anything else for those who may; 401 without a key."""
    document = client.get("/openapi.json").json()
    routes = {
        (method.upper(), path)
        for path, methods in document["paths"].items()
        for method in methods
        if path not in {"/healthz", "/readyz"}
    }
    assert routes == set(MAY)
    for (method, path), role in itertools.product(MAY, Role):
        url = path.replace("{", "").replace("}", "")
        answer = client.request(method, url, json=BODIES.get(path), headers=keys[role])
        refused = answer.status_code == 403
        assert refused == (role not in MAY[method, path]), (method, path, role, answer.text)
        assert answer.status_code < 500
    for method, path in MAY:
        url = path.replace("{", "").replace("}", "")
        assert client.request(method, url, json=BODIES.get(path)).status_code == 401


def test_without_users_the_machine_itself_may_all(client: TestClient) -> None:
    """So that a trial needs no key; with the first user everybody does."""
    assert client.get("/v1/cases").status_code == 200
    assert client.post("/v1/keys", json={"roles": ["auditor"]}).json()["code"] == "no_users"


def test_a_key_cannot_make_a_wider_one(client: TestClient, local_desk: Desk) -> None:
    """Nor one that its owner could not have."""
    both = add_user(local_desk, "amy", Role.SCORER, Role.REPORTER)
    made = client.post("/v1/keys", json={"roles": ["scorer"]}, headers=both)
    assert made.status_code == 201
    narrow = {"Authorization": f"Bearer {made.json()['secret']}"}
    for roles in (["reporter"], ["scorer", "reporter"], ["auditor"]):
        refused = client.post("/v1/keys", json={"roles": roles}, headers=narrow)
        assert (refused.status_code, refused.json()["code"]) == (422, "scope_too_wide")
    assert client.get("/v1/cases", headers=narrow).status_code == 403


def test_a_revoked_expired_or_orphaned_key_stops_at_once(
    client: TestClient, local_desk: Desk
) -> None:
    """With the next request; and nobody sees or revokes a stranger's key."""
    amy, ben = (add_user(local_desk, name, Role.SCORER) for name in ("amy", "ben"))
    (mine,) = client.get("/v1/keys", headers=amy).json()["keys"]
    assert "secret" not in str(mine)
    path = f"/v1/keys/{mine['key_id']}/revoke"
    assert client.post(path, headers=ben).status_code == 404
    assert client.post(path, headers=amy).status_code == 200
    assert client.get("/v1/keys", headers=amy).json()["code"] == "key_invalid"
    with local_desk.database.write() as connection:
        past = datetime.now(UTC) - timedelta(seconds=1)
        _, old = people.issue_key(connection, "ben", [Role.SCORER], expires_at=past)
    expired = {"Authorization": f"Bearer {old}"}
    assert client.get("/v1/keys", headers=expired).status_code == 401
    with local_desk.database.write() as connection:
        people.disable_user(connection, "ben")
    assert client.get("/v1/keys", headers=ben).status_code == 401


def test_a_key_that_asks_too_often_is_told_when_to_come_back(
    client: TestClient, local_desk: Desk
) -> None:
    """Headers say how many requests are left."""
    add_user(local_desk, "amy", Role.SCORER)
    with local_desk.database.write() as connection:
        _, secret = people.issue_key(connection, "amy", [Role.SCORER], per_minute=2)
    headers = {"Authorization": f"Bearer {secret}"}
    left = [client.get("/v1/keys", headers=headers).headers["RateLimit-Remaining"] for _ in "ab"]
    assert left == ["1", "0"]
    refused = client.get("/v1/keys", headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert refused.headers["Retry-After"]


def test_a_request_with_a_key_of_its_own_is_carried_out_once(client: TestClient) -> None:
    """The same answer again; another body under the same key is refused."""
    once = {"Idempotency-Key": "k1"}
    body = {"items": [FAKE_DOCTOR]}
    first, again = (client.post("/v1/score", json=body, headers=once) for _ in "ab")
    assert first.json() == again.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    other = client.post("/v1/score", json={"items": []}, headers=once)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    for bad in ("", "x" * 300):
        refused = client.post("/v1/score", json=body, headers={"Idempotency-Key": bad})
        assert refused.json()["code"] == "idempotency_key_invalid"


def test_a_foreign_host_name_is_refused_unless_the_server_is_meant_for_it(
    local_desk: Desk,
) -> None:
    """A local server answers its own machine's names alone."""
    for settings, status in ((Settings(), 400), (Settings(local_only=False), 200)):
        with TestClient(create_app(local_desk, settings), base_url="http://api.example") as client:
            assert client.get("/healthz").status_code == status


def _cursor(values: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode()


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "",
        *(_cursor(values) for values in ([], ["a", 1], [1], ["\ud800"], ["a\0"], [None], {})),
        base64.urlsafe_b64encode(b"[" * 20_000).decode(),
        _cursor([99999999999999999999999, "a"]),
    ],
)
def test_a_cursor_of_somebody_elses_making_is_refused(client: TestClient, cursor: str) -> None:
    """On each kind of list."""
    for path in ("/v1/cases", "/v1/decisions", "/v1/sanctions"):
        refused = client.get(path, params={"cursor": cursor})
        assert (refused.status_code, refused.json()["code"]) == (422, "cursor_invalid")


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
def test_a_moment_outside_of_time_is_refused(client: TestClient, at: str) -> None:
    """Nor may history be of tomorrow."""
    item = {"decision_id": "d", "at": at, "step": "warning", "days": 0}
    path = "/v1/accounts/u1/history"
    assert client.post(path, json={"items": [item]}).status_code == 422
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    refused = client.post(path, json={"items": [{**item, "at": tomorrow}]})
    assert refused.json()["code"] == "in_the_future"


def test_an_account_may_have_any_printable_name(client: TestClient) -> None:
    """A slash too, and as long as one may be."""
    for name in ("a/b", "x" * 200):
        author = {**FAKE_DOCTOR["author"], "account_id": name}
        item = {**FAKE_DOCTOR, "author": author, "data_id": f"{name}/p"}
        client.post("/v1/score", json={"items": [item]})
        assert client.get(f"/v1/posts/{name}/p/decisions").json()["decisions"]
        assert client.get(f"/v1/accounts/{name}/record").json()["account_id"] == name
    nameless = {"data_id": "y" * 256, "text": FAKE_DOCTOR["text"], "title": "三甲名医"}
    assert client.post("/v1/score", json={"items": [nameless]}).status_code == 200


def test_overload_is_refused_at_once(local_desk: Desk) -> None:
    """503 with Retry-After; batches have room of their own; and room again afterwards."""
    app = create_app(local_desk, Settings())
    with TestClient(app, base_url="http://127.0.0.1") as client:
        body = {"items": [FAKE_DOCTOR]}
        inside = [app.state.gate.enter("100") for _ in range(6)]
        refused = client.post("/v1/score", json=body)
        assert (refused.status_code, refused.json()["code"]) == (503, "overloaded")
        assert refused.headers["Retry-After"] == "1"
        assert client.post("/v1/score", json={"items": [FAKE_DOCTOR] * 60}).status_code == 200
        assert client.get("/v1/cases").status_code == 200
        for size in inside:
            app.state.gate.leave(size)
        assert client.post("/v1/score", json=body).status_code == 200
        assert app.state.gate.inside == 0


def test_metrics_tell_what_was_found_in_the_cache(local_desk: Desk) -> None:
    """Hits, misses and memory."""
    cache = ScoreCache(1 << 20)
    scorer = load_scorer(default_model_folder(), threads=1, cache=cache)
    scorer.score([make_post(**FAKE_DOCTOR)])
    scorer.score([make_post(**FAKE_DOCTOR)])
    with serving(local_desk, Settings(cache=cache)) as client:
        told = client.get("/metrics").text
    assert 'mingbian_score_cache_total{found="true"} 1.0' in told
    assert 'mingbian_score_cache_total{found="false"} 1.0' in told
    assert f"mingbian_score_cache_bytes {float(cache.size)}" in told


def test_metrics_count_what_was_suggested(client: TestClient) -> None:
    """Suggestions, scores, the queue and its age; no text of any post."""
    client.post("/v1/score", json={"items": [FAKE_DOCTOR]})
    told = client.get("/metrics").text
    assert "mingbian_cases_open 1.0" in told
    assert 'mingbian_suggestions_total{suggestion="' in told
    assert (
        'mingbian_request_seconds_count{method="POST",route="/v1/score",status="200"} 1.0' in told
    )
    assert FAKE_DOCTOR["text"] not in told
