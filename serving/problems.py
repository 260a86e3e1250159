"""Errors over HTTP: RFC 9457 problem+json, everywhere the same shape."""

import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException

from serving.refusal import RequestError

_log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"


#: stable over versions of Python, whose phrases change
_CODES = {
    400: "bad_request",
    404: "not_found",
    405: "method_not_allowed",
    413: "content_too_large",
}


class Problem(BaseModel):
    """``code`` is stable; ``pointer`` (RFC 6901) leads to the fault in the request's body."""

    type: str = "about:blank"
    title: str
    status: int
    code: str
    detail: str
    pointer: str | None = None
    request_id: str


def install(app: FastAPI) -> None:
    """Answer every error of ``app`` with a problem."""
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestError, _refused)
    app.add_exception_handler(OperationalError, _away)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _internal)


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems an endpoint may answer with, for its OpenAPI entry."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": content}
        for status in statuses
    }


def overloaded(request: Request) -> JSONResponse:
    """503: the same request will do in a moment."""
    detail = "as many posts wait as can be scored soon"
    return _problem(request, 503, "overloaded", detail, headers={"Retry-After": "1"})


def _http(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    code = _CODES.get(error.status_code, f"http_{error.status_code}")
    headers = dict(error.headers or {})
    return _problem(request, error.status_code, code, str(error.detail), headers=headers)


def _refused(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestError):
        raise error
    pointer = error.pointer or None
    return _problem(
        request, error.status, error.code, str(error), pointer=pointer, headers=dict(error.headers)
    )


def _away(request: Request, error: Exception) -> JSONResponse:
    _log.error("request %s: the store does not answer: %s", request.state.request_id, error)
    detail = "the store does not answer; send the request again, under the same Idempotency-Key"
    return _problem(request, 503, "store_away", detail, headers={"Retry-After": "1"})


def _invalid(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    fault = error.errors()[0]
    pointer = "".join(f"/{part}" for part in fault["loc"][1:] if fault["type"] != "json_invalid")
    return _problem(request, 422, "invalid_request", fault["msg"], pointer=pointer)


def _internal(request: Request, _: Exception) -> JSONResponse:
    detail = "the server failed; the log has the reason under this request_id"
    return _problem(request, 500, "internal", detail)


def _problem(
    request: Request,
    status: int,
    code: str,
    detail: str,
    *,
    pointer: str | None = None,
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    problem = Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        code=code,
        detail=detail,
        pointer=pointer,
        request_id=request.state.request_id,
    )
    content = problem.model_dump(exclude_none=True)
    headers = {**(headers or {}), "X-Request-Id": request.state.request_id}
    return JSONResponse(content, status, headers, media_type=MEDIA_TYPE)
