"""The HTTP application; ``create_app`` only wires."""

import json
from importlib import metadata
from typing import Annotated, Any, Literal

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi_offline import FastAPIOffline
from pydantic import Field, JsonValue
from pydantic.json_schema import models_json_schema

from labels.records import Post
from labels.results import PostResult, PrecheckResult, Version
from labels.yamlfile import Strict
from serving import problems
from serving.engine import Engine
from serving.middleware import BodyLimit, RequestId

MAX_ITEMS = 300
MAX_BODY_BYTES = 32 * 1024 * 1024
LOCAL_HOSTS = ("127.0.0.1", "localhost")


class ScoreRequest(Strict):
    """Posts to score; each is checked by itself, so that one fault spoils no other."""

    items: Annotated[list[JsonValue], Field(max_length=MAX_ITEMS)]
    explain: Annotated[list[Literal["spans"]], Field(default_factory=list)]


class ScoreResponse(Strict):
    """One result an item, in order."""

    request_id: str
    results: list[PostResult]


class PrecheckRequest(Strict):
    """Posts about to be published; each is checked by itself."""

    items: Annotated[list[JsonValue], Field(max_length=MAX_ITEMS)]


class PrecheckResponse(Strict):
    """One result an item, in order."""

    request_id: str
    results: list[PrecheckResult]


class Ready(Strict):
    """What the server scores with."""

    status: str
    model: Version
    policy: Version


def create_app(engine: Engine) -> FastAPI:
    """The API of a local server, around an engine that is ready."""
    app = FastAPIOffline(
        title="mingbian 明辨",
        version=metadata.version("mingbian"),
        description="Scores Chinese posts for misinformation and proposes what people decide.",
        dependencies=[Depends(_from_this_machine)],
    )
    problems.install(app)
    app.add_middleware(BodyLimit, max_bytes=MAX_BODY_BYTES)
    app.add_middleware(RequestId)
    _add_routes(app, engine)
    _describe_posts(app)
    return app


def _from_this_machine(request: Request) -> None:
    """A web page elsewhere must not reach this server through a name of its own (DNS rebinding)."""
    if request.url.hostname not in LOCAL_HOSTS:
        raise HTTPException(400, f"host {request.url.hostname!r} is not this machine")


def _add_routes(app: FastAPI, engine: Engine) -> None:
    @app.get("/healthz", summary="Is the process alive?")
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/readyz", summary="Is it ready to score, and with what?")
    def readyz() -> Ready:
        return Ready.model_validate({"status": "ready", **engine.versions})

    @app.get(
        "/v1/shadow", summary="How a candidate pack compares", responses=problems.responses(404)
    )
    def shadow() -> dict[str, JsonValue]:
        if engine.shadow is None:
            raise HTTPException(404, "no candidate pack runs here; start with --shadow PACK")
        return engine.shadow.report()

    @app.post(
        "/v1/score",
        summary="Score up to 300 posts",
        responses=problems.responses(400, 413, 422),
    )
    def score(body: ScoreRequest, request: Request) -> ScoreResponse:
        items = [json.dumps(item) for item in body.items]
        results = engine.score(items, explain="spans" in body.explain)
        return ScoreResponse(request_id=request.state.request_id, results=results)

    @app.post(
        "/v1/precheck",
        summary="What up to 300 posts still lack before they are published",
        responses=problems.responses(400, 413, 422),
    )
    def precheck(body: PrecheckRequest, request: Request) -> PrecheckResponse:
        results = engine.precheck([json.dumps(item) for item in body.items])
        return PrecheckResponse(request_id=request.state.request_id, results=results)


def _describe_posts(app: FastAPI) -> None:
    """Show the shape of a post in the OpenAPI document, which the request model leaves open."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        if not app.openapi_schema:
            document = plain()
            template = "#/components/schemas/{model}"
            _, defined = models_json_schema([(Post, "validation")], ref_template=template)
            schemas = document["components"]["schemas"]
            schemas |= defined["$defs"]
            for request in ("ScoreRequest", "PrecheckRequest"):
                items = schemas[request]["properties"]["items"]
                items["items"] = {"$ref": "#/components/schemas/Post"}
        return app.openapi_schema or {}

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI's documented way
