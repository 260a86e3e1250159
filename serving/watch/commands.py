"""``mingbian watch``."""

import json
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import click

from labels.yamlfile import read_yaml
from serving.admin_commands import open_store, store_option
from serving.watch.limits import Limits
from serving.watch.page import page, words_of
from serving.watch.periods import Period, last_week, weeks_before
from serving.watch.summary import read, summary

#: exit status when an alarm was raised; 1 and 2 are faults
ALARM = 3

_day = click.DateTime(["%Y-%m-%d"])


@click.command()
@store_option
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Folder of the report.",
)
@click.option("--from", "first", type=_day, help="First day to watch (Beijing).")
@click.option("--to", "last", type=_day, help="Last day to watch.")
@click.option("--against-from", type=_day, help="First day to hold it against.")
@click.option("--against-to", type=_day, help="Last day to hold it against.")
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Limits of the alarms (YAML), as in configs/watch.yaml.",
)
def watch(
    store: str,
    out: Path,
    config: Path | None,
    **days: datetime | None,
) -> None:
    """Say what changed, how well it goes, and what comes up on many accounts at once.

    By default the last seven days against the four weeks before. Writes report.html and
    summary.json. Exit 0 if nothing raises an alarm, 3 if something does.
    """
    limits = read_yaml(config, Limits) if config else Limits()
    now = _period("--from", "--to", days["first"], days["last"]) or last_week(datetime.now(UTC))
    against = (days["against_from"], days["against_to"])
    before = _period("--against-from", "--against-to", *against) or weeks_before(now)
    if now.first <= before.last and before.first <= now.last:
        raise click.UsageError(
            f"{now.first} to {now.last} and {before.first} to {before.last} share days"
        )
    with closing(open_store(store)) as database:
        with database.read() as connection:
            held = read(connection, now, before, limits)
        # a store ends what stays open while nothing is asked
        found = summary(held, limits)
        with database.read() as connection:
            words = words_of(connection, found)
    out.mkdir(parents=True, exist_ok=True)
    told = json.dumps(found, ensure_ascii=False, indent=1)
    (out / "summary.json").write_text(told + "\n", encoding="utf-8")
    (out / "report.html").write_text(page(found, words), encoding="utf-8")
    for alarm in found["alarms"]:
        click.echo(f"{alarm['zh']} {alarm['en']}", err=True)
    click.echo(f"{len(found['alarms'])} alarms; wrote {out / 'report.html'}", err=True)
    if found["alarms"]:
        sys.exit(ALARM)


def _period(
    from_option: str, to_option: str, first: datetime | None, last: datetime | None
) -> Period | None:
    """The days that were asked for; None where none were."""
    if first is None and last is None:
        return None
    if first is None or last is None:
        raise click.UsageError(f"{from_option} and {to_option} go together")
    if last < first:
        raise click.UsageError(f"{to_option} {last:%Y-%m-%d} is before {from_option}")
    return Period(first=first.date(), last=last.date())
