"""Scoring: the one route in a platform's posting path, and the check before it."""

import json
from collections.abc import Sequence
from datetime import datetime

from fastapi import APIRouter, BackgroundTasks, Depends, Request
from sqlalchemy import Connection

from labels.results import RejectedPost
from serving import problems
from serving.access import DeskHere, OnceHere, allowed
from serving.engine import Judged
from serving.keeping import keep, suggests_anything
from serving.model_shapes import ShadowView
from serving.people import Role
from serving.refusal import NotFoundError
from serving.shapes import (
    PrecheckRequest,
    PrecheckResponse,
    ScoreRequest,
    ScoreResponse,
    StoredPost,
)

router = APIRouter(tags=["scoring"])
_scorer = Depends(allowed(Role.SCORER))


@router.post(
    "/v1/score",
    summary="Score up to 300 posts",
    response_model=ScoreResponse,
    dependencies=[_scorer],
    responses=problems.responses(400, 401, 403, 409, 413, 422, 429, 503),
)
def score(
    body: ScoreRequest, request: Request, desk: DeskHere, once: OnceHere, after: BackgroundTasks
) -> object:
    """Score posts; what is not passed is kept, and what a person must see is queued."""
    request_id, metrics = request.state.request_id, request.app.state.metrics
    items = [json.dumps(item) for item in body.items]
    with metrics.scoring.time():
        found = desk.engine.judge(items, explain="spans" in body.explain)
    for each in found:
        if isinstance(each, Judged):
            metrics.see(each.result)
    if desk.engine.model_shadow:
        after.add_task(desk.engine.look_on, found)
    keeps = body.store != "none" and any(map(suggests_anything, found))
    if not keeps and once.key is None:
        return _response(request_id, found, [None] * len(found))

    def work(connection: Connection, now: datetime) -> ScoreResponse:
        ids = keep(connection, found, now) if keeps else [None] * len(found)
        return _response(request_id, found, ids)

    return once.write(body, work, 200)


@router.post(
    "/v1/precheck",
    summary="What up to 300 posts still lack before they are published",
    dependencies=[_scorer],
    responses=problems.responses(400, 401, 403, 413, 422, 429, 503),
)
def precheck(body: PrecheckRequest, request: Request, desk: DeskHere) -> PrecheckResponse:
    """Prompts before posting; nothing is kept."""
    results = desk.engine.precheck([json.dumps(item) for item in body.items])
    return PrecheckResponse(request_id=request.state.request_id, results=results)


@router.get(
    "/v1/shadow",
    summary="How a candidate pack and a candidate model compare",
    dependencies=[Depends(allowed(Role.POLICY_ADMIN, Role.AUDITOR))],
    responses=problems.responses(401, 403, 404, 429),
)
def shadow(desk: DeskHere) -> ShadowView:
    """Of this server: the pack that it was started with as ``--shadow``, the model in shadow."""
    pack, model = desk.engine.pack_shadow, desk.engine.model_shadow
    if not pack and not model:
        raise NotFoundError("candidate", "pack or model in shadow")
    told = {"pack": pack and pack.report(), "model": model and model.report()}
    return ShadowView.model_validate(told)


def _response(
    request_id: str, found: Sequence[Judged | RejectedPost], ids: Sequence[str | None]
) -> ScoreResponse:
    results = [
        StoredPost(**dict(each.result), decision_id=decision_id)
        if isinstance(each, Judged)
        else each
        for each, decision_id in zip(found, ids, strict=True)
    ]
    return ScoreResponse(request_id=request_id, results=results)
