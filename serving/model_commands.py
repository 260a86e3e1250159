"""``mingbian models``: versions added, released step by step, rolled back, traced back."""

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import click
from sqlalchemy import Connection, select

from labels.errors import InputError
from serving import models as versions
from serving import people, releases
from serving.admin_commands import open_store, store_option
from serving.lineage import Ancestor, line, taught
from serving.people import Caller, Role
from serving.refusal import NotFoundError
from serving.registry import Registry, default_registry_folder, gates_of
from serving.releases import Stage, Wish
from serving.store.schema import models as table

#: fewer characters of a hash name no version
_MIN_PREFIX = 8

models_option = click.option(
    "--models",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of model versions, the same for every server on the store.  "
    "[default: beside an SQLite file, FILE.models; else ./mingbian.models]",
)
_reason_option = click.option("--reason", required=True, help="Why; it is kept.")
_as_option = click.option("--as", "user", required=True, help="Who does it, a policy admin.")


def open_registry(folder: Path | None, store: str) -> Registry:
    """The folder that was named, or the one that goes with a store."""
    return Registry(folder or default_registry_folder(store))


@click.group()
def models() -> None:
    """Add versions of the model, release them step by step, roll back, see where they come from."""


@models.command()
@click.argument("bundle", type=click.Path(exists=True, file_okay=False, path_type=Path))
@_as_option
@store_option
@models_option
def add(bundle: Path, user: str, store: str, models: Path | None) -> None:
    """Copy BUNDLE into the registry, with its gate report, and print its hash."""
    with closing(open_store(store)) as database:
        with database.read() as connection:
            caller = _caller(connection, user)
        added = open_registry(models, store).add(bundle)
        parent = added.manifest.lineage.parent if added.manifest.lineage else None
        gates = gates_of(added)
        with database.write() as connection:
            now = datetime.now(UTC)
            versions.add_model(connection, added.version, parent, gates, caller, now)
    click.echo(added.sha256)


@models.command("list")
@store_option
def list_models(store: str) -> None:
    """Every version, oldest first: stage, whether its gates let it answer, who added it."""
    with closing(open_store(store)) as database, database.read() as connection:
        in_force = releases.standing(connection)
        rows = connection.execute(select(table).order_by(table.c.added_at)).mappings().all()
    for row in rows:
        stage, gates = in_force.stage_of(row["sha256"]), versions.gates_in(row)
        held = "no gates" if not gates else "may release" if gates.may_release else "gates failed"
        part = f"{stage} {in_force.share}" if stage is Stage.CANARY else stage or "-"
        by = row["added_by"] or "-"
        click.echo(f"{row['sha256']}  {row['id']} {row['version']}  {part}  {held}  {by}")


@models.command()
@click.argument("sha256")
@click.option(
    "--stage",
    type=click.Choice([stage.value for stage in Stage if stage is not Stage.ROLLBACK]),
    required=True,
    help="archived ends a shadow or a canary.",
)
@click.option(
    "--share",
    type=click.FloatRange(0, 1, min_open=True),
    help="Of the accounts, that a canary answers.",
)
@_reason_option
@_as_option
@store_option
@models_option
def release(  # noqa: PLR0913, PLR0917  one argument an option
    sha256: str,
    stage: str,
    share: float | None,
    reason: str,
    user: str,
    store: str,
    models: Path | None,
) -> None:
    """Make SHA256 (or its beginning) shadow, canary or champion; servers follow in seconds.

    Canary and champion need gates that hold against the champion in force, and somebody else
    than who added the version.
    """
    registry = open_registry(models, store)
    with closing(open_store(store)) as database, database.write() as connection:
        caller, whole = _caller(connection, user), _whole(connection, sha256)
        wish = Wish(Stage(stage), _words(reason), share)
        releases.release(connection, registry, whole, wish, caller, datetime.now(UTC))
    click.echo(f"{whole} is {stage}")


@models.command()
@_reason_option
@_as_option
@store_option
@models_option
def rollback(reason: str, user: str, store: str, models: Path | None) -> None:
    """Bring back the champion before; a canary ends. Servers follow in seconds."""
    registry = open_registry(models, store)
    with closing(open_store(store)) as database, database.write() as connection:
        caller, now = _caller(connection, user), datetime.now(UTC)
        in_force = releases.rollback(connection, registry, _words(reason), caller, now)
    click.echo(f"{in_force.champion} is champion")


@models.command()
@click.argument("sha256")
@click.option("--clause", help="Also the label events that taught this clause.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@store_option
@models_option
def lineage(
    sha256: str, clause: str | None, store: str, models: Path | None, *, as_json: bool
) -> None:
    """From which versions, data, code and verdicts SHA256 (or its beginning) came."""
    registry = open_registry(models, store)
    with closing(open_store(store)) as database, database.read() as connection:
        row = versions.find_model(connection, _whole(connection, sha256))
        ancestors = line(connection, registry, versions.version_of(row))
        lessons = {
            each.model.sha256: list(taught(connection, registry, each.model, clause))
            for each in ancestors
            if clause and not each.missing
        }
    if as_json:
        told = [
            each.model_dump(mode="json")
            | ({"taught": [e.model_dump(mode="json") for e in events]} if clause else {})
            for each in ancestors
            for events in [lessons.get(each.model.sha256, [])]
        ]
        click.echo(json.dumps({"clause": clause, "lineage": told}, ensure_ascii=False))
        return
    for each in ancestors:
        for text in _told(each):
            click.echo(text)
        for event in lessons.get(each.model.sha256, []):
            click.echo(
                f"  {event.at:%Y-%m-%d}  {event.origin}  {event.verdict}  {event.annotator}  "
                f"{event.data_id}  {event.event_id}"
            )


def _told(each: Ancestor) -> Iterator[str]:
    yield f"{each.model.id} {each.model.version}  {each.model.sha256}"
    if each.missing:
        yield f"  {each.missing}"
        return
    if each.parent:
        yield f"  trained on from {each.parent.id} {each.parent.version}, code {each.revision}"
    elif each.pretrained:
        yield f"  trained from {each.pretrained.name} ({each.pretrained.licence})"
    for source in each.sources:
        yield f"  learned from {source.name}: {source.rows} rows, sha256 {source.sha256}"
    if held := each.held_out:
        yield f"  held out: fold {held.fold} of {held.folds}, seed {held.seed}"
    counted = ", ".join(f"{count} {origin}" for origin, count in sorted(each.events.items()))
    yield f"  label events: {counted or 'none'}"


def _caller(connection: Connection, user: str) -> Caller:
    caller = people.find_user(connection, user, "command")
    if caller is None:
        raise NotFoundError("user", user)
    people.require(caller, (Role.POLICY_ADMIN,))
    return caller


def _whole(connection: Connection, beginning: str) -> str:
    """The hash that begins so."""
    asked = select(table.c.sha256).where(table.c.sha256.startswith(beginning, autoescape=True))
    found = connection.scalars(asked).all() if len(beginning) >= _MIN_PREFIX else []
    if not found:
        raise NotFoundError("model", beginning)
    if len(found) > 1:
        raise InputError(f"{beginning!r} begins {len(found)} hashes", remedy="write more of it")
    return str(found[0])


def _words(reason: str) -> str:
    if not reason.strip():
        raise InputError("--reason is blank", remedy="say why")
    return reason
