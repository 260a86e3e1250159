"""Packs change under a running server, by two people, and decisions remember theirs."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from serving.desk import Desk
from serving.engine import Engine
from serving.following import Follower
from serving.people import Role
from tests.conftest import FAKE_DOCTOR
from tests.serving.conftest import PACK_SOURCE, Headers, add_user, serving

SILENT = PACK_SOURCE.replace('version: "2026', 'version: "silent 2026').replace(
    "review: fpr <= 0.008", "review: null"
)


@pytest.fixture
def client(desk: Desk) -> Iterator[TestClient]:
    """A server."""
    with serving(desk) as client:
        yield client


@pytest.fixture
def admins(desk: Desk) -> tuple[Headers, Headers]:
    """Two people."""
    return (
        add_user(desk, "amy", Role.POLICY_ADMIN, Role.SCORER),
        add_user(desk, "ben", Role.POLICY_ADMIN),
    )


def test_one_proposes_and_another_activates(
    client: TestClient, admins: tuple[Headers, Headers]
) -> None:
    """From then on it decides; the earlier pack comes back the same way."""
    amy, ben = admins
    (before,) = client.get("/v1/policies", headers=amy).json()["policies"]
    assert before["active"]
    proposed = client.post("/v1/policies", json={"source": SILENT}, headers=amy).json()
    assert not proposed["active"]
    path = f"/v1/policies/{proposed['sha256']}/activate"
    refused = client.post(path, headers=amy)
    assert (refused.status_code, refused.json()["code"]) == (403, "own_proposal")
    assert client.post(path, headers=ben).json()["active"]
    body = {"items": [FAKE_DOCTOR]}
    result = client.post("/v1/score", json=body, headers=amy).json()["results"][0]
    assert result["policy"]["sha256"] == proposed["sha256"]
    assert client.get("/readyz").json()["policy"]["sha256"] == proposed["sha256"]
    client.post(f"/v1/policies/{before['sha256']}/activate", headers=ben)
    result = client.post("/v1/score", json=body, headers=amy).json()["results"][0]
    assert result["policy"]["sha256"] == before["sha256"]


def test_a_faulty_or_altered_pack_is_refused(
    client: TestClient, admins: tuple[Headers, Headers]
) -> None:
    """Every fault by line; a version never changes its content."""
    amy, _ = admins
    faulty = PACK_SOURCE.replace("strike_days: 180", "strike_days: soon")
    refused = client.post("/v1/policies", json={"source": faulty}, headers=amy).json()
    assert (refused["status"], refused["pointer"]) == (422, "/source")
    assert "strike_days" in refused["detail"]
    altered = PACK_SOURCE.replace("strike_days: 180", "strike_days: 90")
    refused = client.post("/v1/policies", json={"source": altered}, headers=amy).json()
    assert (refused["status"], refused["code"]) == (409, "version_taken")
    same = client.post("/v1/policies", json={"source": PACK_SOURCE}, headers=amy)
    assert same.json()["active"]


def test_another_server_follows(desk: Desk, admins: tuple[Headers, Headers]) -> None:
    """Two engines on one store decide under the same pack."""
    amy, ben = admins
    champion = desk.engine.lineup.champion
    engine = Engine(champion.scorer, champion.active.loaded)
    other = Desk(engine, desk.database, Follower(engine, desk.follower.registry, threads=1))
    with serving(desk) as client:
        sha256 = client.post("/v1/policies", json={"source": SILENT}, headers=amy).json()["sha256"]
        client.post(f"/v1/policies/{sha256}/activate", headers=ben)
        other.tend()
    assert other.engine.active.loaded.version.sha256 == sha256
