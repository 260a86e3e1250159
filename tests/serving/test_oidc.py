"""People with a token of an identity provider, and traces for a collector."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from serving.app import Settings
from serving.desk import Desk
from serving.oidc import OidcVerifier
from serving.people import Role
from tests.serving.conftest import add_user, serving

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Provider:
    """An identity provider's two public documents, and a collector that takes anything."""

    def __init__(self) -> None:
        """On a port of its own."""
        self.traces: list[bytes] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                public = json.loads(RSAAlgorithm.to_jwk(KEY.public_key())) | {"kid": "k1"}
                keys = {"keys": [public]}
                config = {"issuer": outer.url, "jwks_uri": f"{outer.url}/keys"}
                body = json.dumps(keys if self.path == "/keys" else config).encode()
                self.send_response(200)
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                outer.traces.append(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def provider() -> Iterator[Provider]:
    """Running."""
    found = Provider()
    yield found
    found.server.shutdown()
    found.server.server_close()


def token(issuer: str, key: rsa.RSAPrivateKey = KEY, **changes: Any) -> dict[str, str]:
    """The header with a token of amy."""
    soon = datetime.now(UTC) + timedelta(minutes=5)
    claims = {"iss": issuer, "aud": "mingbian", "sub": "amy", "exp": soon, **changes}
    signed = jwt.encode(claims, key, algorithm="RS256", headers={"kid": "k1"})
    return {"Authorization": f"Bearer {signed}"}


def test_a_token_names_a_user_of_the_store(local_desk: Desk, provider: Provider) -> None:
    """With the roles that the store gives; a forged, stale or foreign token names nobody."""
    add_user(local_desk, "amy", Role.MODERATOR)
    settings = Settings(oidc=OidcVerifier(provider.url, "mingbian", "sub"))
    past = datetime.now(UTC) - timedelta(minutes=1)
    with serving(local_desk, settings) as client:
        assert client.get("/v1/cases", headers=token(provider.url)).status_code == 200
        assert client.get("/v1/webhooks", headers=token(provider.url)).status_code == 403
        for bad in (
            token(provider.url, OTHER),
            token(provider.url, exp=past),
            token(provider.url, aud="other"),
            token("http://evil.example"),
            token(provider.url, sub="nobody"),
            {"Authorization": "Bearer nonsense"},
        ):
            assert client.get("/v1/cases", headers=bad).status_code == 401
    with serving(local_desk) as client:
        assert client.get("/v1/cases", headers=token(provider.url)).status_code == 401


def test_requests_are_traced_when_a_collector_is_named(
    local_desk: Desk, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And only then."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", provider.url)
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
    with serving(local_desk) as client:
        client.get("/healthz")
        for _ in range(100):
            if provider.traces:
                break
            threading.Event().wait(0.05)
    assert b"/healthz" in provider.traces[0]
