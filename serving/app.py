"""The HTTP application; ``create_app`` only wires."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi_offline import FastAPIOffline
from pydantic.json_schema import models_json_schema
from starlette.concurrency import run_in_threadpool

from classifiers.cache import ScoreCache
from labels.records import Post
from serving import problems
from serving.access import RateLimits
from serving.addresses import LOCAL_HOSTS
from serving.api import (
    accounts,
    appeals,
    cases,
    decisions,
    keys,
    models,
    policies,
    reports,
    sanctions,
    scoring,
    status,
    webhooks,
)
from serving.background import Repeating
from serving.console import routes as console
from serving.console.computing import Background
from serving.console.explaining import Explainer
from serving.console.pages import prepare
from serving.console.sessions import Attempts
from serving.desk import Desk
from serving.gate import Gate
from serving.metrics import Metrics
from serving.middleware import Admission, BodyLimit, Measured, RequestId
from serving.problems import Problem
from serving.tracing import trace

if TYPE_CHECKING:
    from serving.delivery import Courier
    from serving.oidc import OidcVerifier

MAX_BODY_BYTES = 4 * 1024 * 1024
_TEND_SECONDS = 1.0
_DELIVER_SECONDS = 0.5
#: after which the console counts anew what it counts in the background
_COUNTED_SECONDS = 300.0

#: those that are asked most come first: each that a request passes by is made ready for it once
_ROUTERS = (
    scoring,
    status,
    cases,
    decisions,
    accounts,
    reports,
    appeals,
    sanctions,
    policies,
    models,
    webhooks,
    keys,
    console,
)


@dataclass(frozen=True, slots=True)
class Settings:
    """How a server is run.

    ``local_only`` answers no host but this machine's names. ``private_webhooks`` lets events go
    to private addresses. ``oidc`` knows people whom an identity provider vouches for.
    ``watched`` is where reports of ``mingbian watch`` lie. ``cache`` is of the engine's scores.
    """

    threads: int = 1
    local_only: bool = True
    private_webhooks: bool = False
    oidc: "OidcVerifier | None" = None
    watched: Path | None = None
    cache: ScoreCache | None = None


def create_app(desk: Desk, settings: Settings) -> FastAPI:
    """The API around an engine and a store that are ready."""
    app = FastAPIOffline(
        title="mingbian 明辨",
        version=metadata.version("mingbian"),
        description="Scores Chinese posts for misinformation and proposes what people decide.",
        dependencies=[Depends(_from_this_machine)] if settings.local_only else [],
        lifespan=_lifespan,
        redirect_slashes=False,
    )
    app.state.desk = desk
    app.state.limits = RateLimits()
    app.state.gate = Gate(settings.threads)
    app.state.metrics = Metrics(settings.cache)
    app.state.oidc = settings.oidc
    app.state.private_webhooks = settings.private_webhooks
    app.state.local_only = settings.local_only
    app.state.watched = settings.watched
    app.state.attempts = Attempts()
    app.state.explainer = Explainer(desk.engine)
    app.state.counting = Background("count", _COUNTED_SECONDS)
    problems.install(app)
    app.add_middleware(BodyLimit, max_bytes=MAX_BODY_BYTES)
    app.add_middleware(Admission, gate=app.state.gate, paths=("/v1/score", "/v1/precheck"))
    app.add_middleware(Measured, metrics=app.state.metrics)
    app.add_middleware(RequestId)
    for module in _ROUTERS:
        app.include_router(module.router)
    _describe_posts(app)
    trace(app)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Beside answering: mutes end, packs and models change, events go out."""
    desk: Desk = app.state.desk
    threads = (
        Repeating("tend", desk.tend, _TEND_SECONDS),
        Repeating("deliver", _Deliveries(app).go_on, _DELIVER_SECONDS),
    )
    for thread in threads:
        thread.start()
    prepared = asyncio.create_task(_prepare_console())
    yield
    prepared.cancel()
    for thread in threads:
        await run_in_threadpool(thread.stop)
    app.state.explainer.close()
    app.state.counting.close()
    desk.database.close()


async def _prepare_console() -> None:
    """Once the first that ask whether the server is ready had their answer."""
    await asyncio.sleep(_TEND_SECONDS)
    await run_in_threadpool(prepare)


class _Deliveries:
    """Makes the courier when it first goes out: its client takes a tenth of a second to load."""

    def __init__(self, app: FastAPI) -> None:
        self._state = app.state

    @cached_property
    def _courier(self) -> "Courier":
        from serving.delivery import Courier  # noqa: PLC0415

        allowed: bool = self._state.private_webhooks
        return Courier(self._state.desk.database, private_allowed=allowed)

    def go_on(self) -> bool:
        """Send what is due longest; whether anything was."""
        return self._courier.deliver_next()


def _from_this_machine(request: Request) -> None:
    """A web page elsewhere must not reach this server through a name of its own (DNS rebinding)."""
    if request.url.hostname not in LOCAL_HOSTS:
        raise HTTPException(400, f"host {request.url.hostname!r} is not this machine")


def _describe_posts(app: FastAPI) -> None:
    """Show the shape of a post in the OpenAPI document, which the request model leaves open."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        if not app.openapi_schema:
            document = plain()
            template = "#/components/schemas/{model}"
            _, defined = models_json_schema(
                [(Post, "validation"), (Problem, "validation")], ref_template=template
            )
            schemas = document["components"]["schemas"]
            schemas |= defined["$defs"]
            for request in ("ScoreRequest", "PrecheckRequest"):
                items = schemas[request]["properties"]["items"]
                items["items"] = {"$ref": "#/components/schemas/Post"}
        return app.openapi_schema or {}

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI's documented way
