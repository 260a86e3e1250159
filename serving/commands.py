"""``mingbian score`` and ``mingbian precheck``: files in, files out."""

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial, wraps
from pathlib import Path
from typing import Any

import click

from classifiers.bundle import default_model_folder
from classifiers.scorer import load_scorer
from labels.results import Suggestion
from policy.pack import LoadedPack, default_pack_path, load_pack
from serving.batch import COMPLETE, PROMPTED, REJECTED, STDOUT, Answer, answer_to, summary
from serving.engine import Engine
from serving.files import FORMATS, Format, open_source


@dataclass(frozen=True, slots=True)
class Loading:
    """What an engine is loaded from."""

    model: Path
    policy: Path
    threads: int

    def engine(self, candidate: LoadedPack | None = None) -> Engine:
        """Load it, with a candidate pack beside; say which levels are off."""
        scorer = load_scorer(self.model, threads=self.threads)
        engine = Engine(scorer, load_pack(self.policy), candidate)
        for warning in engine.warnings:
            click.echo(f"{self.policy}: {warning}: no threshold of the model reaches it", err=True)
        return engine


def engine_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options that tell an engine; the command gets them as ``loading``."""

    @wraps(command)
    def with_loading(*, model: Path, policy: Path, threads: int, **others: Any) -> Any:
        return command(loading=Loading(model, policy, threads), **others)

    decorated: Callable[..., Any] = with_loading
    for option in (
        click.option(
            "--threads",
            type=click.IntRange(1, 256),
            default=os.cpu_count() or 1,
            show_default="cores",
            help="Posts scored at the same time; scores do not depend on it.",
        ),
        click.option(
            "--policy",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            default=default_pack_path,
            show_default="cn-zimeiti",
            help="Policy pack (YAML).",
        ),
        click.option(
            "--model",
            type=click.Path(exists=True, file_okay=False, path_type=Path),
            default=default_model_folder,
            show_default="the model in the package",
            help="Folder of a model bundle.",
        ),
    ):
        decorated = option(decorated)
    return decorated


def _file_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--format", "form", type=click.Choice(FORMATS), help="Format of IN."),
        click.option(
            "-o", "--out", default=STDOUT, help="Result file (JSONL); - is standard output."
        ),
        click.argument("source", metavar="IN"),
    ):
        command = option(command)
    return command


@click.command()
@_file_options
@click.option(
    "--explain",
    type=click.Choice(["spans"]),
    help="Also say which words carry each label; slower.",
)
@engine_options
def score(
    source: str,
    out: str,
    form: Format | None,
    explain: str | None,
    loading: Loading,
) -> None:
    """Score the posts in IN: JSONL, CSV or Parquet; - is JSONL on standard input.

    Writes one JSON object a post, in order. A post that cannot be read is answered with status
    422 and a pointer, the rest goes on, and the exit status is 2.
    """
    engine = loading.engine()
    answer = partial(engine.score, explain=explain == "spans")
    _answer(answer, source, out, form, names=tuple(reversed(Suggestion)))


@click.command()
@_file_options
@engine_options
def precheck(source: str, out: str, form: Format | None, loading: Loading) -> None:
    """Say what the posts in IN still lack before they are published: labels, source, date.

    IN is JSONL, CSV or Parquet; - is JSONL on standard input. Prompts, never sanctions.
    """
    _answer(loading.engine().precheck, source, out, form, names=(PROMPTED, COMPLETE))


def _answer(
    answer: Answer, source: str, out: str, form: Format | None, *, names: Sequence[str]
) -> None:
    """Answer a file; exit with 2 if a post was refused."""
    with open_source(source, form) as posts:
        counts = answer_to(answer, posts, out)
    click.echo(summary(counts, names), err=True)
    if counts[REJECTED]:
        sys.exit(2)
