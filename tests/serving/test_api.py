"""The API answers as documented, errors included."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient

from classifiers.bundle import default_model_folder, read_bundle
from classifiers.scorer import Scorer
from labels.errors import ScoringError
from labels.records import Post
from labels.results import HeadScores
from policy.pack import LoadedPack, Thresholds, default_pack_path, load_pack
from serving.app import MAX_BODY_BYTES, Settings, create_app
from serving.desk import Desk
from serving.engine import Engine
from tests.conftest import FAKE_DOCTOR, REAL_DOCTOR
from tests.serving.conftest import serving


@pytest.fixture
def client(local_desk: Desk) -> Iterator[TestClient]:
    """A client on the machine itself."""
    with serving(local_desk) as client:
        yield client


def problem(response: Any, status: int, code: str) -> dict[str, Any]:
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["status"] == status
    assert body["code"] == code
    assert body["request_id"] == response.headers["x-request-id"]
    return body


def test_results_are_those_of_the_engine(client: TestClient, engine: Engine) -> None:
    """The same objects as from files, in order."""
    response = client.post("/v1/score", json={"items": [FAKE_DOCTOR, REAL_DOCTOR]})
    assert response.status_code == 200
    expected = engine.score([json.dumps(FAKE_DOCTOR), json.dumps(REAL_DOCTOR)])
    found = response.json()["results"]
    kept = [result.pop("decision_id") for result in found]
    assert found == [r.model_dump(mode="json") for r in expected]
    assert kept[0].startswith("dec_")
    assert kept[1] is None, "what passes is not kept"
    assert response.json()["request_id"] == response.headers["x-request-id"]


def test_a_bad_item_spoils_no_other(client: TestClient) -> None:
    """Per-item status; a callback is echoed."""
    items = [3, {"data_id": "a", "text": "好", "mood": 1}, {**REAL_DOCTOR, "callback": "c1"}]
    found = client.post("/v1/score", json={"items": items}).json()["results"]
    assert [result["status"] for result in found] == [422, 422, 200]
    assert found[1]["error"]["pointer"] == "/mood"
    assert found[2]["callback"] == "c1"


def test_explanations_are_given_when_asked_for(client: TestClient) -> None:
    """One a label, with what must be found; a clean post has none; nobody else gets the key."""
    items = [FAKE_DOCTOR, REAL_DOCTOR]
    asked = client.post("/v1/score", json={"items": items, "explain": ["spans"]}).json()
    fake, real = asked["results"]
    labels = [(label["category"], label["clause"]) for label in fake["labels"]]
    assert [(e["category"], e["clause"]) for e in fake["explanations"]] == labels
    assert all(e["evidence_needed"] and e["evidence_needed_zh"] for e in fake["explanations"])
    span = fake["explanations"][0]["spans"][0]
    source = FAKE_DOCTOR if span["field"] in FAKE_DOCTOR else FAKE_DOCTOR["author"]
    assert source[span["field"]][span["start"] : span["end"]]
    assert real["explanations"] == []
    plain = client.post("/v1/score", json={"items": items}).json()["results"]
    assert all("explanations" not in result for result in plain)
    wrong = client.post("/v1/score", json={"items": items, "explain": ["why"]})
    problem(wrong, 422, "invalid_request")


def test_no_items_no_results(client: TestClient) -> None:
    """An empty batch is a batch."""
    assert client.post("/v1/score", json={"items": []}).json()["results"] == []


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ('{"items": 3}', "/items"),
        ("{}", "/items"),
        ('{"items": [], "more": 1}', "/more"),
        ('{"items": [', ""),
        ("", ""),
    ],
)
def test_a_bad_request_is_a_problem(client: TestClient, body: str, pointer: str) -> None:
    """RFC 9457, with a pointer to the fault."""
    headers = {"content-type": "application/json"}
    response = client.post("/v1/score", content=body, headers=headers)
    assert problem(response, 422, "invalid_request")["pointer"] == pointer


def test_three_hundred_items_and_no_more(client: TestClient) -> None:
    """The limit is inclusive."""
    item = {"data_id": "a", "text": "今天下雨"}
    assert len(client.post("/v1/score", json={"items": [item] * 300}).json()["results"]) == 300
    response = client.post("/v1/score", json={"items": [item] * 301})
    assert problem(response, 422, "invalid_request")["pointer"] == "/items"


@pytest.mark.parametrize("announced", [True, False])
def test_an_endless_body_is_refused(client: TestClient, announced: bool) -> None:
    """Whether or not it says its length."""
    chunk = b" " * (1024 * 1024)
    chunks = MAX_BODY_BYTES // len(chunk) + 1
    content: Any = chunk * chunks if announced else (chunk for _ in range(chunks))
    response = client.post("/v1/score", content=content)
    problem(response, 413, "content_too_large")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nope", 404, "not_found"),
        ("GET", "/v1/score", 405, "method_not_allowed"),
        ("DELETE", "/healthz", 405, "method_not_allowed"),
    ],
)
def test_wrong_paths_and_methods_are_problems(
    client: TestClient, method: str, path: str, status: int, code: str
) -> None:
    """Everywhere the same shape."""
    problem(client.request(method, path), status, code)


def test_bytes_that_are_no_text_are_a_problem(client: TestClient) -> None:
    """Wrong encoding and deep nesting end in 4xx, never 5xx."""
    for body in (b"\xff\xfe\x00", b"[" * 100_000, b'{"items": [' + b"9" * 5_000 + b"]}"):
        headers = {"content-type": "application/json"}
        response = client.post("/v1/score", content=body, headers=headers)
        assert 400 <= response.status_code < 500
        assert response.headers["content-type"] == "application/problem+json"


def test_a_foreign_host_name_is_refused(client: TestClient) -> None:
    """No web page reaches a local server through its own name."""
    for path in ("/healthz", "/readyz"):
        problem(client.get(path, headers={"host": "evil.example"}), 400, "bad_request")


def test_readiness_names_model_and_policy(client: TestClient) -> None:
    """A deployment can check what it runs."""
    ready = client.get("/readyz").json()
    assert ready["status"] == "ready"
    assert ready["model"]["id"] == "mingbian_zh"
    assert ready["policy"]["id"] == "cn-zimeiti"
    assert client.get("/healthz").json() == {"status": "ok"}


def test_docs_need_nothing_from_outside(client: TestClient) -> None:
    """They work on a machine without a network."""
    page = client.get("/docs")
    assert page.status_code == 200
    assert "https://" not in page.text
    script = page.text.split('<script src="')[1].split('"')[0]
    assert client.get(script).status_code == 200


def test_openapi_describes_posts_and_problems(client: TestClient) -> None:
    """Integrators generate clients from it."""
    document = client.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    schemas = document["components"]["schemas"]
    assert {"Post", "Author", "Declared", "Problem", "ScoredPost", "RejectedPost"} <= set(schemas)
    assert schemas["ScoreRequest"]["properties"]["items"]["items"]["$ref"].endswith("/Post")
    answers = document["paths"]["/v1/score"]["post"]["responses"]
    assert {"200", "413", "422"} <= set(answers)
    assert "application/problem+json" in answers["422"]["content"]


class _Broken:
    """A scorer whose runtime fails."""

    version = load_pack(default_pack_path()).version
    operating = read_bundle(default_model_folder()).manifest.operating

    def score(self, posts: list[Post]) -> list[HeadScores]:
        raise ScoringError("the model failed")


def test_a_failing_model_is_a_problem(local_desk: Desk) -> None:
    """500 without the inner message, and the server lives on."""
    broken = replace(local_desk, engine=Engine(_Broken(), load_pack(default_pack_path())))
    app = create_app(broken, Settings())
    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as client:
        body = problem(client.post("/v1/score", json={"items": [REAL_DOCTOR]}), 500, "internal")
        assert "model" not in body["detail"]
        assert client.get("/healthz").status_code == 200


def test_a_precheck_says_what_is_missing(client: TestClient) -> None:
    """Per item, with versions; what is no post is told as in scoring."""
    doctor = {
        "data_id": "d",
        "text": "今天讲讲怎么看化验单。",
        "author": {"field": "medical", "verified_as": "none", "credentials": []},
    }
    body = client.post("/v1/precheck", json={"items": [doctor, {"data_id": "e"}]}).json()
    checked, refused = body["results"]
    assert "qualification_missing" in [prompt["code"] for prompt in checked["prompts"]]
    assert checked["model"]["id"]
    assert refused["status"] == 422


def test_a_candidate_pack_is_counted_without_effect(
    local_desk: Desk, scorer: Scorer, engine: Engine
) -> None:
    """It changes no answer, and its agreement is told; without one there is nothing to tell."""
    pack = load_pack(default_pack_path())
    off = Thresholds(prompt=None, review=None, act=None)
    categories = pack.pack.categories.model_copy(update={"false_specialist": off})
    candidate = LoadedPack(
        pack=pack.pack.model_copy(update={"categories": categories}), version=pack.version
    )
    shadowed = replace(local_desk, engine=Engine(scorer, pack, candidate))
    with serving(shadowed) as client:
        body = {"items": [FAKE_DOCTOR, REAL_DOCTOR], "store": "none"}
        answered = client.post("/v1/score", json=body).json()["results"]
        told = client.get("/v1/shadow").json()["pack"]
    assert [result.pop("decision_id") for result in answered] == [None, None]
    plain = engine.score([json.dumps(item) for item in body["items"]])
    assert answered == [json.loads(each.model_dump_json()) for each in plain]
    assert (told["posts"], told["agreement"]) == (2, 0.5)
    with serving(local_desk) as client:
        problem(client.get("/v1/shadow"), 404, "not_found")
