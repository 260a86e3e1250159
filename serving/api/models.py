"""Versions of models: listed, released step by step, rolled back. They are added by command."""

from datetime import datetime

from fastapi import APIRouter, Depends
from sqlalchemy import Connection, RowMapping, select

from labels.errors import ModelError
from serving import models, problems, releases
from serving.access import DeskHere, OnceHere, allowed
from serving.api.views import show
from serving.lineage import line
from serving.model_shapes import (
    ModelDetail,
    ModelList,
    ModelView,
    ReleaseRequest,
    ReleaseView,
    RollbackRequest,
)
from serving.people import Role
from serving.refusal import RequestError
from serving.releases import Stage, Standing, Wish
from serving.shapes import PathId
from serving.store.schema import models as table

router = APIRouter(tags=["models"])
_admin = Depends(allowed(Role.POLICY_ADMIN))
_reader = Depends(allowed(Role.POLICY_ADMIN, Role.MODERATOR, Role.SENIOR, Role.AUDITOR))


@router.get(
    "/v1/models",
    summary="Every version of the model, and what each is",
    dependencies=[_reader],
    responses=problems.responses(401, 403, 422, 429),
)
def list_models(desk: DeskHere) -> ModelList:
    """Oldest first."""
    with desk.database.read() as connection:
        in_force = releases.standing(connection)
        rows = connection.execute(select(table).order_by(table.c.added_at, table.c.sha256))
        return ModelList(models=[_view(row, in_force) for row in rows.mappings()])


@router.get(
    "/v1/models/{sha256}",
    summary="A version: gates, lineage, releases",
    dependencies=[_reader],
    responses=problems.responses(401, 403, 404, 409, 422, 429),
)
def get_model(sha256: PathId, desk: DeskHere) -> ModelDetail:
    """What it was trained on and from, and how it fared."""
    with desk.database.read() as connection:
        row = models.find_model(connection, sha256)
        try:
            ancestors = line(connection, desk.follower.registry, models.version_of(row))
        except ModelError as error:
            raise RequestError(error.code, str(error)) from None
        made = [each for each in releases.history(connection) if each["sha256"] == sha256]
        return ModelDetail(
            model=_view(row, releases.standing(connection)),
            gates=models.gates_in(row),
            lineage=ancestors,
            releases=[show(ReleaseView, each) for each in made],
        )


@router.post(
    "/v1/models/{sha256}/release",
    summary="Make a version shadow, canary or champion, or archive it",
    response_model=ModelView,
    responses=problems.responses(400, 401, 403, 404, 409, 413, 422, 429),
    dependencies=[_admin],
)
def release(sha256: PathId, body: ReleaseRequest, desk: DeskHere, once: OnceHere) -> object:
    """Canary and champion need gates that hold against the champion in force, and another person.

    Every server on the store follows within seconds; no request waits for it.
    """
    registry = desk.follower.registry

    def work(connection: Connection, now: datetime) -> ModelView:
        wish = Wish(Stage(body.stage), body.reason, body.share)
        in_force = releases.release(connection, registry, sha256, wish, once.caller, now)
        return _view(models.find_model(connection, sha256), in_force)

    return once.write(body, work, 200)


@router.post(
    "/v1/models/rollback",
    summary="Bring back the champion before",
    response_model=ModelView,
    responses=problems.responses(400, 401, 403, 409, 413, 422, 429),
    dependencies=[_admin],
)
def rollback(body: RollbackRequest, desk: DeskHere, once: OnceHere) -> object:
    """By one person, without gates; a canary ends. Every server follows within seconds."""
    registry = desk.follower.registry

    def work(connection: Connection, now: datetime) -> ModelView:
        in_force = releases.rollback(connection, registry, body.reason, once.caller, now)
        return _view(models.find_model(connection, str(in_force.champion)), in_force)

    return once.write(body, work, 200)


def _view(row: RowMapping, in_force: Standing) -> ModelView:
    stage, gates = in_force.stage_of(row["sha256"]), models.gates_in(row)
    return show(
        ModelView,
        row,
        stage=stage,
        share=in_force.share if stage is Stage.CANARY else None,
        may_release=gates and gates.may_release,
    )
