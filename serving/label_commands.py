"""``mingbian labels``: what people found, out of the store and into files that training reads."""

import json
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import click
import pyarrow as pa
import pyarrow.parquet as pq

from labels.errors import InputError
from labels.label_events import (
    LABEL_EVENT,
    LabelEvent,
    Origin,
    read_events,
    settled,
    write_events,
)
from labels.label_studio import answers, interface, tasks
from serving.admin_commands import open_store, store_option
from serving.label_export import label_events

_file = click.Path(exists=True, dir_okay=False, path_type=Path)
_out = click.option("-o", "--out", type=click.Path(path_type=Path), required=True)


@click.group()
def labels() -> None:
    """Export verdicts as labels, exchange them with Label Studio, settle conflicts."""


@labels.command()
@store_option
@click.option(
    "--to",
    "form",
    type=click.Choice(["jsonl", "dataset", "label-studio"]),
    default="jsonl",
    show_default=True,
    help="Events, a folder for `datasets.load_dataset`, or Label Studio tasks.",
)
@_out
def export(store: str, form: str, out: Path) -> None:
    """Every verdict of reviewers and every answered appeal as an event, personal data masked."""
    with closing(open_store(store)) as database, database.read() as connection:
        events = list(label_events(connection))
    if form == "jsonl":
        write_events(out, events)
    elif form == "dataset":
        _write_dataset(out, events)
    else:
        out.write_text(json.dumps(list(tasks(events)), ensure_ascii=False), encoding="utf-8")
        out.with_suffix(".xml").write_text(interface(), encoding="utf-8")
    click.echo(f"{len(events)} events", err=True)


@labels.command("import")
@click.argument("source", metavar="TASKS", type=_file)
@click.option(
    "--origin",
    type=click.Choice([origin.value for origin in Origin]),
    default=Origin.REVIEW.value,
    show_default=True,
    help="What the annotators' word counts as.",
)
@_out
def import_(source: Path, origin: str, out: Path) -> None:
    """What annotators said of TASKS, as Label Studio exports them (JSON), as label events."""
    try:
        found = json.loads(source.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{source}: not JSON: {error}") from None
    events = list(answers(found, Origin(origin)))
    write_events(out, events)
    click.echo(f"{len(events)} events", err=True)


@labels.command()
@click.argument("sources", metavar="EVENTS...", nargs=-1, required=True, type=_file)
@_out
def settle(sources: tuple[Path, ...], out: Path) -> None:
    """Write the one finding that counts of each post in EVENTS; say how many were set aside."""
    found = settled(event for path in sources for event in read_events(path))
    write_events(out, (each.event for each in found))
    conflicts = [each for each in found if each.against]
    for each in conflicts:
        told = ", ".join(f"{e.origin} {e.verdict} {' '.join(e.clauses)}" for e in each.against)
        counts = f"{each.event.origin} {each.event.verdict} {' '.join(each.event.clauses)}"
        click.echo(f"{each.event.post.data_id}: {counts} counts, not {told}", err=True)
    click.echo(f"{len(found)} posts, {len(conflicts)} in conflict", err=True)


def _write_dataset(folder: Path, events: Iterable[LabelEvent]) -> None:
    """A folder that ``datasets.load_dataset`` opens: a row an event, the post's fields flat."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [_row(event) for event in events]
    schema = pa.schema(
        [
            *(pa.field(name, pa.string()) for name in _TEXTS),
            pa.field("weight", pa.float64()),
            pa.field("clauses", pa.list_(pa.string())),
            pa.field("protected", pa.list_(pa.string())),
            pa.field("event", pa.string()),
        ]
    )
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), folder / "train.parquet")


_TEXTS = ("data_id", "title", "text", "verdict", "origin", "annotator")


def _row(event: LabelEvent) -> dict[str, object]:
    post = event.post
    return {
        "data_id": post.data_id,
        "title": post.title,
        "text": post.text,
        "verdict": event.verdict.value,
        "origin": event.origin.value,
        "annotator": event.annotator,
        "weight": event.weight,
        "clauses": list(event.clauses),
        "protected": list(event.protected),
        "event": LABEL_EVENT.dump_json(event).decode(),
    }
