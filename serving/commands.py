"""``mingbian score`` and ``mingbian precheck``: files in, files out."""

import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import click

from labels.results import Suggestion
from serving.batch import COMPLETE, PROMPTED, REJECTED, STDOUT, Answer, answer_to, summary
from serving.files import FORMATS, Format, open_source
from serving.loading import Loading, engine_options


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
