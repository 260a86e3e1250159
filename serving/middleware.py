"""What happens to every request before a route sees it."""

import json
import logging
import time
import uuid
from collections.abc import Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving import problems
from serving.gate import Gate
from serving.metrics import Metrics

_log = logging.getLogger("mingbian.requests")


class RequestId:
    """Gives each request an id: in ``request.state``, and as ``X-Request-Id`` in the answer.

    Adds to the answer what a dependency leaves in ``request.state.headers``.
    """

    def __init__(self, app: ASGIApp) -> None:
        """Wrap ``app``."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, as ASGI has it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = f"req_{uuid.uuid4().hex}"
        scope.setdefault("state", {})["request_id"] = request_id

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = request_id
                headers.update(scope["state"].get("headers", {}))
            await send(message)

        await self._app(scope, receive, send_with_id)


class Measured:
    """Times every request, and writes a line of the log about it that holds nothing of its body."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        """Wrap ``app``."""
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, as ASGI has it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, status = time.perf_counter(), 500

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            seconds = time.perf_counter() - begun
            route = getattr(scope.get("route"), "path", "none")
            self._metrics.answered(route, scope["method"], status, seconds)
            line = {
                "request_id": scope["state"]["request_id"],
                "method": scope["method"],
                "route": route,
                "status": status,
                "ms": round(1000 * seconds, 1),
            }
            _log.info(json.dumps(line))


class Admission:
    """Answers 503 at once where scoring has no room, before a body is read or a key looked up."""

    def __init__(self, app: ASGIApp, gate: Gate, paths: Collection[str]) -> None:
        """Wrap ``app``; ``paths`` are those that score."""
        self._app = app
        self._gate, self._paths = gate, frozenset(paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, as ASGI has it."""
        if scope["type"] != "http" or scope["path"] not in self._paths:
            await self._app(scope, receive, send)
            return
        size = self._gate.enter(Headers(scope=scope).get("content-length"))
        if size is None:
            await problems.overloaded(Request(scope))(scope, receive, send)
            return
        try:
            await self._app(scope, receive, send)
        finally:
            self._gate.leave(size)


class BodyLimit:
    """Refuses bodies of more than ``max_bytes`` with 413, whether or not they say their length."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        """Wrap ``app``."""
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, as ASGI has it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "0")
        read = 0

        async def counted() -> Message:
            nonlocal read
            if announced.isdigit() and int(announced) > self._max_bytes:
                raise self._too_large()
            message = await receive()
            read += len(message.get("body", b""))
            if read > self._max_bytes:
                raise self._too_large()
            return message

        await self._app(scope, counted, send)

    def _too_large(self) -> HTTPException:
        return HTTPException(413, f"the body has over {self._max_bytes} bytes; send fewer items")
