"""``mingbian audit``."""

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import reduce
from pathlib import Path
from typing import IO, Any

import click

from classifiers.bundle import read_bundle
from classifiers.scorer import Scorer
from labels.label_events import write_events
from labels.results import Version
from labels.yamlfile import read_yaml
from policy.pack import load_pack
from policy.resolve import resolve
from serving.audit.costs import Costs, default_costs_path
from serving.audit.diff import difference
from serving.audit.hand_out import HandOut
from serving.audit.label_next import WHY, candidates, chosen, levels_of
from serving.audit.layout import Layout
from serving.audit.plan import Plan, read_plan, sha256_of
from serving.audit.ruling import History, Rules
from serving.audit.run import SAMPLE, Audit, read_summary, review_levels
from serving.audit.sample import (
    as_events,
    draw,
    drawn_by_choice,
    estimates,
    plan_sample,
    posts_of,
)
from serving.audit.scoring import Engine, LocalEngine, RayEngine
from serving.audit.sheet import read_csv
from serving.audit.sources import ColumnMapping, Sources
from serving.audit.summary import flagged, found_in
from serving.loading import Loading, engine_options

_file = click.Path(exists=True, dir_okay=False, path_type=Path)
_folder = click.Path(file_okay=False, path_type=Path)
_day = click.DateTime(["%Y-%m-%d"])


@dataclass(frozen=True, slots=True)
class _Asked:
    """What `audit run` was asked for, beside model, policy and threads."""

    columns: Path | None
    history: Path | None
    first: datetime | None
    last: datetime | None
    engine: str
    ray_address: str | None
    json_progress: bool
    cascade: bool | None

    def __post_init__(self) -> None:
        if (self.first is None) != (self.last is None):
            raise click.UsageError("--from and --to go together")

    def mapping(self) -> ColumnMapping | None:
        return read_yaml(self.columns, ColumnMapping) if self.columns else None

    def scorer(self, loading: Loading) -> Scorer:
        """With its first stage where the bundle has one, unless that was asked for or off."""
        bundle = read_bundle(loading.model)
        cascade = bundle.manifest.cascade is not None if self.cascade is None else self.cascade
        return Scorer(bundle, threads=loading.threads, cascade=cascade)

    def plan(self, sources: Sources, scorer: Scorer, policy: Version) -> Plan:
        mapping = self.mapping()
        return Plan(
            sources=sources.files,
            columns=mapping.columns if mapping else None,
            model=scorer.version,
            cascade=scorer.cascade,
            policy=policy,
            history=sha256_of(self.history) if self.history else None,
            first=self.first.date() if self.first else None,
            last=self.last.date() if self.last else None,
        )


def _hand_out_options(most: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Arguments and options of commands that give posts to people; see :class:`HandOut`."""
    options = (
        click.argument("folder", metavar="AUDIT", type=_folder),
        click.argument("sources", metavar="SOURCE...", nargs=-1, required=True),
        click.option("--columns", type=_file, help="The column mapping of the audit."),
        click.option("--size", type=click.IntRange(1, most), default=SAMPLE, show_default=True),
        click.option(
            "-o", "--out", type=click.Path(dir_okay=False, path_type=Path), help="CSV to fill in."
        ),
        click.option(
            "--store", help="Queue of a server to put the posts into, by its store's URL."
        ),
    )
    return lambda command: reduce(lambda made, option: option(made), reversed(options), command)


@click.group()
def audit() -> None:
    """Audit files of posts, compare audits, and sample them for review."""


@audit.command()
@click.argument("sources", metavar="SOURCE...", nargs=-1, required=True)
@click.option("--out", type=_folder, required=True, help="Folder of the results.")
@click.option("--columns", type=_file, help="YAML: which column holds which field of a post.")
@click.option("--history", type=_file, help="Events of the accounts (JSONL).")
@click.option("--from", "first", type=_day, help="First day to audit (Beijing).")
@click.option("--to", "last", type=_day, help="Last day to audit (Beijing).")
@click.option(
    "--engine", type=click.Choice(["local", "ray"]), default="local", show_default=True,
    help="This process, or Ray Data.",
)  # fmt: skip
@click.option(
    "--cascade/--no-cascade", default=None, show_default="on where the model has one",
    help="Let the model's first stage clear plainly ordinary posts.",
)  # fmt: skip
@click.option("--ray-address", help="A cluster; without it Ray starts on this machine.")
@click.option("--json-progress", is_flag=True, help="Progress as JSON lines on standard error.")
@engine_options
def run(sources: tuple[str, ...], out: Path, loading: Loading, **options: Any) -> None:
    """Audit the posts in SOURCE: files, folders, globs or URLs of Parquet, CSV and JSONL.

    Writes decisions.parquet, errors.parquet, clusters.parquet, summary.json and report.html.
    Killed at any moment, the same command goes on where it was. Exit 2 if a row was refused.
    """
    asked = _Asked(**options)
    layout, mapping = Layout(out), asked.mapping()
    found = Sources(sources, mapping)
    scorer, pack = asked.scorer(loading), load_pack(loading.policy)
    plan = asked.plan(found, scorer, pack.version)
    rules = Rules(
        resolve(pack.pack, scorer.operating),
        {"model": plan.model, "policy": plan.policy},
        History(asked.history, pack.pack.strike_days),
    )
    engine: Engine = LocalEngine(scorer, layout)
    if asked.engine == "ray":
        engine = RayEngine(
            loading.model, layout, asked.ray_address, loading.threads, cascade=scorer.cascade
        )
    summary = Audit(found, plan, layout, engine, scorer, rules, asked.json_progress).run()
    rows = summary["rows"]
    click.echo(
        f"{rows['read']} rows: {rows['decided']} decided ({rows['distinct_inputs']} distinct "
        f"inputs), {flagged(summary['suggestions'])} to review, "
        f"{rows['read'] - rows['decided']} refused; wrote {layout.report}",
        err=True,
    )
    if any(code != "outside_window" for code in rows["refused"]):
        sys.exit(2)


@audit.command()
@click.argument("old", type=_folder)
@click.argument("new", type=_folder)
@click.option("-o", "--out", type=click.File("w", encoding="utf-8"), default="-")
def diff(old: Path, new: Path, out: IO[str]) -> None:
    """Compare the audits in OLD and NEW: two models, two packs or two months (JSON)."""
    found = difference(Layout(old), Layout(new))
    out.write(json.dumps(found, ensure_ascii=False, indent=1) + "\n")


@audit.command("label-sample")
@_hand_out_options(100_000)
@engine_options
def label_sample(loading: Loading, **asked: Any) -> None:
    """Sample the posts of an AUDIT of SOURCE for people to judge.

    The sample is random within strata; `mingbian audit labels` says what the answers mean.
    """
    wanted = HandOut(**asked)
    review = review_levels(read_summary(wanted.layout))
    with found_in(wanted.layout) as found:
        rows = draw(found, review, plan_sample(found, review, wanted.size))
    click.echo(f"{wanted.give(wanted.posts(rows), loading)} posts to judge", err=True)


@audit.command("label-next")
@_hand_out_options(10_000)
@click.option(
    "--costs", type=_file, default=default_costs_path, show_default="those in the package",
    help="YAML: what each kind of error costs.",
)  # fmt: skip
@click.option(
    "--per-account", type=click.IntRange(1), default=3, show_default=True,
    help="Posts of one account at most.",
)  # fmt: skip
@engine_options
def label_next(loading: Loading, costs: Path, per_account: int, **asked: Any) -> None:
    """Choose the posts of an AUDIT of SOURCE whose labels teach a model most.

    Those about whose level the scores leave most doubt, weighed by what an error costs, unlike
    one another. They are no random sample: precision can only be estimated with label-sample, and
    `mingbian audit labels` refuses to from these.
    """
    wanted, weights = HandOut(**asked), read_yaml(costs, Costs)
    levels = levels_of(read_summary(wanted.layout))
    with found_in(wanted.layout) as found:
        rows = candidates(found, levels, weights, wanted.size, per_account=per_account)
    sample = chosen(list(wanted.posts(rows)), wanted.size, per_account=per_account)
    click.echo(
        f"{wanted.give(sample, loading, WHY)} posts to judge, chosen for what they teach: "
        "no share can be estimated from them",
        err=True,
    )


@audit.command()
@click.argument("folder", metavar="AUDIT", type=_folder)
@click.argument("sheet", metavar="SHEET", type=_file)
@click.argument("sources", metavar="[SOURCE...]", nargs=-1)
@click.option("--columns", type=_file, help="The column mapping of the audit.")
@click.option(
    "-o", "--out", type=click.Path(dir_okay=False, path_type=Path), help="Label events (JSONL)."
)
def labels(
    folder: Path, sheet: Path, sources: tuple[str, ...], columns: Path | None, out: Path | None
) -> None:
    """What the answers in a filled SHEET of label-sample say of the whole AUDIT (JSON).

    With --out also write them as label events, as `mingbian labels` does, from the posts in
    SOURCE. Answers to posts of label-next become label events and nothing else.
    """
    if (out is None) == bool(sources):
        raise click.UsageError("--out and SOURCE go together")
    layout = Layout(folder)
    review = review_levels(read_summary(layout))
    answers = list(read_csv(sheet))
    with found_in(layout) as found:
        planned = {each.stratum: each.posts for each in plan_sample(found, review, SAMPLE)}
    if out:
        mapping = read_yaml(columns, ColumnMapping) if columns else None
        sampled = posts_of(Sources(sources, mapping), [each.model_dump() for each in answers])
        posts = {row["row"]: post for row, post in sampled}
        write_events(out, as_events(answers, posts, read_plan(layout), datetime.now(UTC)))
        if drawn_by_choice(answers):
            click.echo("the posts were chosen: no share can be estimated from them", err=True)
            return
    told = {name: asdict(share) for name, share in estimates(planned, answers).items()}
    click.echo(json.dumps(told, indent=1))
