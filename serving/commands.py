"""``mingbian score`` and ``mingbian serve``."""

import os
import socket
import sys
from collections.abc import Callable, Sequence
from functools import partial, wraps
from pathlib import Path
from typing import Any

import click
import uvicorn

from classifiers.bundle import default_model_folder
from classifiers.scorer import load_scorer
from labels.errors import InputError
from labels.results import Suggestion
from policy.pack import LoadedPack, default_pack_path, load_pack
from serving.app import create_app
from serving.batch import COMPLETE, PROMPTED, REJECTED, STDOUT, Answer, answer_to, summary
from serving.engine import Engine
from serving.files import FORMATS, Format, open_source


def _engine_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options that tell an engine, and gives the command a way to load it."""
    options = (
        click.option(
            "--model",
            type=click.Path(exists=True, file_okay=False, path_type=Path),
            default=default_model_folder,
            show_default="the model in the package",
            help="Folder of a model bundle.",
        ),
        click.option(
            "--policy",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            default=default_pack_path,
            show_default="cn-zimeiti",
            help="Policy pack (YAML).",
        ),
        click.option(
            "--threads",
            type=click.IntRange(1, 256),
            default=os.cpu_count() or 1,
            show_default="cores",
            help="Posts scored at the same time; scores do not depend on it.",
        ),
    )

    @wraps(command)
    def with_engine(*, model: Path, policy: Path, threads: int, **others: Any) -> Any:
        def load(candidate: LoadedPack | None = None) -> Engine:
            engine = Engine(load_scorer(model, threads=threads), load_pack(policy), candidate)
            for warning in engine.warnings:
                click.echo(f"{policy}: {warning}: no threshold of the model reaches it", err=True)
            return engine

        return command(load_engine=load, **others)

    decorated: Callable[..., Any] = with_engine
    for option in reversed(options):
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
@_engine_options
def score(
    source: str,
    out: str,
    form: Format | None,
    explain: str | None,
    load_engine: Callable[[], Engine],
) -> None:
    """Score the posts in IN: JSONL, CSV or Parquet; - is JSONL on standard input.

    Writes one JSON object a post, in order. A post that cannot be read is answered with status
    422 and a pointer, the rest goes on, and the exit status is 2.
    """
    engine = load_engine()
    answer = partial(engine.score, explain=explain == "spans")
    _answer(answer, source, out, form, names=tuple(reversed(Suggestion)))


@click.command()
@_file_options
@_engine_options
def precheck(source: str, out: str, form: Format | None, load_engine: Callable[[], Engine]) -> None:
    """Say what the posts in IN still lack before they are published: labels, source, date.

    IN is JSONL, CSV or Parquet; - is JSONL on standard input. Prompts, never sanctions.
    """
    _answer(load_engine().precheck, source, out, form, names=(PROMPTED, COMPLETE))


def _answer(
    answer: Answer, source: str, out: str, form: Format | None, *, names: Sequence[str]
) -> None:
    """Answer a file; exit with 2 if a post was refused."""
    with open_source(source, form) as posts:
        counts = answer_to(answer, posts, out)
    click.echo(summary(counts, names), err=True)
    if counts[REJECTED]:
        sys.exit(2)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Loopback address.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True)
@click.option(
    "--shadow",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Candidate pack: counted at /v1/shadow, without effect.",
)
@_engine_options
def serve(host: str, port: int, shadow: Path | None, load_engine: Callable[..., Engine]) -> None:
    """Run the scoring API on this machine. No key is needed, so only this machine may ask."""
    if host not in ("127.0.0.1", "localhost"):
        raise InputError(
            f"--host {host}: beyond 127.0.0.1 a server needs keys, which this version has not",
            remedy="leave --host out and put a proxy that checks its callers in front",
        )
    engine = load_engine(load_pack(shadow) if shadow else None)
    with _bound(host, port) as listener:
        address = f"http://{host}:{listener.getsockname()[1]}"
        click.echo(_greeting(address))
        config = uvicorn.Config(create_app(engine), log_level="info", access_log=False)
        uvicorn.Server(config).run(sockets=[listener])


def _bound(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise InputError(
            f"{host}:{port}: {error.strerror}", remedy="choose another with --port (make: PORT=)"
        ) from None
    return listener


def _greeting(address: str) -> str:
    post = '{"items":[{"data_id":"1","text":"网传地铁9号线今晚全线停运，来源于互联网。"}]}'
    return (
        f"明辨 mingbian: {address}  (docs: {address}/docs)\n"
        f"试一试 try: curl -s {address}/v1/score -H 'content-type: application/json' -d '{post}'"
    )
